//! `eoinas latency` and limits on it, as a process.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path, process::Output};

use common::{eoinas, run, text};
use serde_json::Value;

fn latency(arguments: &[&str]) -> Output {
    eoinas("latency").args(arguments).output().unwrap()
}

fn table(dir: &Path) -> String {
    let path = dir.join("latency.csv").to_str().unwrap().to_owned();
    let output = latency(&["--out", &path, "--widths", "2,4,8", "--runs", "1", "--threads", "1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    path
}

fn last_line(output: &Output) -> Value {
    serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap()
}

#[test]
fn a_table_predicts_networks() {
    let dir = tempfile::tempdir().unwrap();
    let path = table(dir.path());
    assert!(fs::read_to_string(&path).unwrap().lines().nth(1).unwrap().starts_with("op,"));
    let arguments = ["--table", &path, "darts-v2", "--channels", "6", "--cells", "4", "--random", "2", "--json"];
    let json = last_line(&latency(&[&arguments[..], &["--runs", "1", "--threads", "1"]].concat()));
    let networks = json["networks"].as_array().unwrap();
    assert_eq!(networks.len(), 3, "{json}");
    for network in networks {
        let of = |name: &str| network[name].as_f64().unwrap();
        assert!(of("predicted_ms") > 0.0 && of("measured_ms") > 0.0, "{network}");
    }
    let again = latency(&["--out", &path]);
    assert!(text(&again.stderr).contains("is there already"), "{}", text(&again.stderr));
}

#[test]
fn networks_keep_to_a_latency() {
    let dir = tempfile::tempdir().unwrap();
    let path = table(dir.path());
    // What is measured in one run may say that two channels take longer than four: a microsecond for each channel here.
    let table = fs::read_to_string(&path).unwrap();
    let rows = table.lines().map(|line| match line.split(',').collect::<Vec<_>>().as_slice() {
        [op, channels, rest @ .., _] if *op != "op" && !op.starts_with('#') => {
            let microseconds = channels.parse::<f64>().unwrap();
            format!("{op},{channels},{},{}\n", rest.join(","), microseconds / 1000.0)
        }
        _ => format!("{line}\n"),
    });
    fs::write(&path, rows.collect::<String>()).unwrap();
    let out = dir.path().join("out");
    let tiny =
        ["--genotype", "darts-v2", "--train-images", "64", "--test-images", "20", "--epochs", "1", "--threads", "1"];
    // As slow as four channels may be, which wider networks are not.
    let json = last_line(&latency(&["--table", &path, "darts-v2", "--channels", "4", "--cells", "3", "--json"]));
    let most = format!("{}ms", 1.001 * json["networks"][0]["predicted_ms"].as_f64().unwrap());
    let limit = ["--max-latency", &most, "--latency-table", &path, "--cells", "3"];
    let output = run("train", &[&tiny[..], &limit, &["--json", "--out", out.to_str().unwrap()]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let trained = &last_line(&output)["trained"][0];
    assert_eq!((&trained["channels"], &trained["latency_ms"]), (&4.into(), &json["networks"][0]["predicted_ms"]));

    let refused = |more: &[&str]| text(&run("train", &[&tiny[..], more].concat()).stderr);
    let error = refused(&["--max-latency", "1us", "--latency-table", &path]);
    assert!(error.contains("--max-latency is 0.001; expected at least what the smallest network"), "{error}");
    let error = refused(&["--max-latency", "5"]);
    assert!(error.contains("a time such as 5ms"), "{error}");
    let error = refused(&["--max-latency", "5ms", "--latency-table", "no.csv"]);
    assert!(error.contains("cannot read the table of latencies no.csv"), "{error}");
    fs::write(&path, "arch,latency_ms\n").unwrap();
    let error = refused(&["--max-latency", "5ms", "--latency-table", &path]);
    assert!(error.contains("no column `op`"), "{error}");
}
