//! The studies as processes: stopped, gone on with, added to.
#![cfg(feature = "report")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{ffi::OsStr, fmt::Write, fs, path::Path, process::Output};

use common::{eoinas, run, text};
use serde_json::Value;

/// Minutes become a second: one epoch of 64 images in the smallest network.
const TINY: &str = "--search-epochs 1 --search-images 64 --search-channels 4 --search-cells 3 --epochs 1 --train-images 64 \
                    --test-images 20 --channels 4 --cells 3";

/// A study of that size in the folder `out`.
fn tiny(study: &str, out: &Path, more: &str) -> Output {
    let words = format!("{TINY} {more}");
    let words = words.split_whitespace().map(OsStr::new);
    run(&format!("compare {study}"), &words.chain(["--out".as_ref(), out.as_os_str()]).collect::<Vec<_>>())
}

fn rows(path: &Path) -> Vec<csv::StringRecord> {
    csv::Reader::from_path(path).unwrap().records().collect::<Result<_, _>>().unwrap()
}

#[test]
fn an_ablation_adds_seeds_and_refuses_other_settings() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    let ablation = |more: &str| tiny("ablation", &out, more);
    let output = ablation("--seeds 1");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let one = rows(&out.join("table.csv"));
    assert_eq!(one.iter().map(|row| row[0].to_owned()).collect::<Vec<_>>(), ["gdas", "gdas-pruning", "eoinas"]);
    let result = fs::read(out.join("gdas/seed-0/train/result.json")).unwrap();
    let output = ablation("--seeds 2 --method gdas");
    assert!(output.status.success(), "{}", text(&output.stderr));
    // The table has all that the folder has, first what was asked for.
    let two = rows(&out.join("table.csv"));
    let columns = |row: &csv::StringRecord| format!("{} {} {}", &row[0], &row[1], row[2].contains("+-"));
    assert_eq!(two.iter().map(columns).collect::<Vec<_>>(), ["gdas 2 true", "eoinas 1 false", "gdas-pruning 1 false"]);
    assert!(text(&output.stdout).contains("| gdas-pruning |") && !text(&output.stdout).contains("gdas-pruning seed"));
    assert_eq!(rows(&out.join("supernet.csv")).len(), 3);
    let output = ablation("--seeds 1 --method gentle=eoinas:indicator.lambda=0.1");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let config = fs::read_to_string(out.join("gentle/seed-0/search/config.json")).unwrap();
    assert!(config.contains("\"lambda\": 0.1"), "{config}");
    for (method, message) in [
        ("eoinass", "there is no method `eoinass`; choose one of eoinas, "),
        ("a=eoinas:indicator.lamda=1", "there is no `lamda`"),
        ("../a=eoinas", "no name of a variant"),
    ] {
        let output = ablation(&format!("--method {method}"));
        assert!(!output.status.success() && text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
    // What was done is not done again.
    assert_eq!(fs::read(out.join("gdas/seed-0/train/result.json")).unwrap(), result);
    // Other settings are refused before anything begins, and fewer seeds and variants leave the table as it is.
    for (more, message) in [
        (
            "--cutout 8 --seeds 1",
            "--cutout is 16, not 8 (ablation.json); give it as it is there, or choose another --out",
        ),
        (
            "--method new=gdas,gentle=eoinas:indicator.lambda=0.2",
            "holds searches of gentle whose method.eoinas.indicator.lambda is",
        ),
    ] {
        let output = ablation(more);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
    assert!(!out.join("variant-new.json").exists() && !out.join(".claims/new").exists());
    let table = || fs::read_to_string(out.join("table.csv")).unwrap();
    let sorted = |table: String| table.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    let all = sorted(table());
    assert!(ablation("--seeds 1 --method eoinas").status.success());
    assert_eq!(sorted(table()), all);
    // An earlier version noted no settings: its runs say what they are.
    for noted in ["study.json", "ablation.json", "variant-gdas.json"] {
        fs::remove_file(out.join(noted)).unwrap();
    }
    for (more, message) in [
        ("--cutout 8 --seeds 1 --method gdas", "augment.cutout is 16, not 8"),
        ("--seeds 1 --method gdas=gdas:arch.learning_rate=0.5", "learning_rate is "),
    ] {
        let output = ablation(more);
        assert!(!output.status.success() && text(&output.stderr).contains(message), "{}", text(&output.stderr));
        assert!(!out.join("study.json").exists());
    }
    let output = ablation("--seeds 1 --method gdas");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(out.join("study.json").exists());
    assert_eq!(sorted(table()), all);
}

#[test]
fn a_correlation_tries_every_op_of_an_edge() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    let correlation = |more: &str| tiny("correlation", &out, &format!("--seeds 1 {more}"));
    let output = correlation("");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let ops = rows(&out.join("ops-eoinas-normal-0.csv"));
    assert_eq!(ops.len(), 7);
    assert!(ops.iter().all(|row| row[3].parse::<f64>().is_ok()), "{ops:?}");
    for (more, message) in [
        ("--cell normals", "there is no cell `normals`; choose normal or reduce"),
        ("--edge 14", "the normal cell has no edge 14; choose 0 to 13"),
    ] {
        let output = correlation(more);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
    // Another seed adds to it, and fewer take nothing away. An ablation in the folder has to have its settings.
    assert!(tiny("correlation", &out, "--seeds 2").status.success());
    let tables = || ["ops", "correlation"].map(|name| rows(&out.join(format!("{name}-eoinas-normal-0.csv"))));
    let both = tables();
    assert_eq!(both[0].len(), 14);
    let output = correlation("");
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(tables(), both);
    let mut ablation = eoinas("compare ablation");
    ablation.args(TINY.replace("--search-epochs 1", "--search-epochs 2").split_whitespace()).arg("--out").arg(&out);
    let output = ablation.output().unwrap();
    assert!(!output.status.success() && text(&output.stderr).contains("--search-epochs is 1, not 2"));
}

/// Every architecture of NAS-Bench-201, and how many 3x3 convolutions it has.
fn architectures() -> impl Iterator<Item = (String, usize)> {
    let space = eoinas_core::SearchSpace::nas_bench_201();
    let names: Vec<String> = space.ops().iter().map(|op| op.name().to_owned()).collect();
    (0..names.len().pow(6)).map(move |code| {
        let ops: Vec<&str> = (0..6).map(|edge| &names[code / names.len().pow(edge) % names.len()][..]).collect();
        let convolutions = ops.iter().filter(|op| **op == "nor_conv_3x3").count();
        let [a, b, c, d, e, f] = ops[..] else { unreachable!() };
        (format!("|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"), convolutions)
    })
}

/// A table of all architectures in which each 3x3 convolution adds a percent.
fn table(path: &Path) {
    let mut text = String::from(
        "arch,c10valid_val_e12,c10_test_e12,c10valid_val_e200,c10valid_test_e200,c10_test_e200,\
         flops_m_c10_computed,params_m_c10_computed\n",
    );
    for (architecture, convolutions) in architectures() {
        writeln!(text, "{architecture},{}1,0.1", format!("{},", 80 + convolutions).repeat(5)).unwrap();
    }
    fs::write(path, text).unwrap();
}

#[test]
fn cells_of_nas_bench_201_are_found_and_looked_up() {
    let dir = tempfile::tempdir().unwrap();
    let (csv, out) = (dir.path().join("table.csv"), dir.path().join("study"));
    table(&csv);
    let args = ["--table", csv.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let more = "--epochs 2 --batch-size 16 --channels 4 --cells-per-stage 1 --train-images 64 --seeds 2 \
                --method eoinas,random-ws --strategy random,evolution";
    let more: Vec<&str> = more.split_whitespace().collect();
    let output = run("compare nas-bench-201", &[&args[..], &more].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("the best of all: 86.00 %"), "{}", text(&output.stdout));
    let found = rows(&out.join("table.csv"));
    assert_eq!(found.iter().map(|row| row[0].to_owned()).collect::<Vec<_>>(), ["eoinas", "random-ws"]);
    let record = fs::read_to_string(out.join("random-ws/seed-1/events.jsonl")).unwrap();
    assert_eq!(record.lines().filter(|line| line.contains("candidate |")).count(), 100);
    let strategies = rows(&out.join("strategies-100.csv"));
    let mean = |row: &csv::StringRecord| row[3].split(' ').next().unwrap().parse::<f64>().unwrap();
    assert!(mean(&strategies[1]) > mean(&strategies[0]), "{strategies:?}");
    // Fewer methods and seeds take nothing from the tables; other settings are refused at once.
    let again = |more: &str| {
        let more: Vec<&str> = more.split_whitespace().collect();
        run("compare nas-bench-201", &[&args[..], &more].concat())
    };
    let scale = "--batch-size 16 --channels 4 --cells-per-stage 1 --train-images 64 --seeds 1";
    let output = again(&format!("{scale} --epochs 2 --method eoinas --strategy evolution"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(rows(&out.join("table.csv")), found);
    let mut both = rows(&out.join("strategies-100.csv"));
    both.sort_by_key(|row| std::cmp::Reverse(row[0].to_owned()));
    assert_eq!(both, strategies);
    let output = again(&format!("{scale} --epochs 3 --method gdas"));
    assert!(text(&output.stderr).contains("--epochs is 2, not 3"), "{}", text(&output.stderr));
    assert!(!out.join("gdas").exists());
    // Strategies alone, as JSON.
    let alone = |more: &[&str]| run("compare nas-bench-201", &[&args[..2], &["--strategy", "random"], more].concat());
    let output = alone(&["--seeds", "2", "--budget", "3", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert!(lines.iter().all(|line| line["strategy"] == "random" && line["test_accuracy"].is_f64()), "{lines:?}");
    assert!(text(&alone(&["--time", "1m"]).stderr).contains("--time is of searches with a supernet"));
    // A table that is not whole, and none at all.
    let whole = fs::read_to_string(&csv).unwrap();
    fs::write(&csv, &whole[..whole.len() / 2]).unwrap();
    for message in ["table.csv: ", "cannot read the table"] {
        let output = run("compare nas-bench-201", &args);
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
        let _ = fs::remove_file(&csv);
    }
}

#[test]
fn a_front_is_found_in_two_tables() {
    let dir = tempfile::tempdir().unwrap();
    let (accuracies, latencies) = (dir.path().join("table.csv"), dir.path().join("latencies.csv"));
    table(&accuracies);
    // Each convolution takes a millisecond, too: the front has all seven numbers of them, and each architecture is on it.
    let mut csv = String::from("arch,phone_ms,watch_ms\n");
    architectures().for_each(|(arch, convolutions)| writeln!(csv, "{arch},{},9", 1 + convolutions).unwrap());
    fs::write(&latencies, csv).unwrap();
    let front = |more: &str| {
        let tables = ["--table", accuracies.to_str().unwrap(), "--latency-table", latencies.to_str().unwrap()];
        eoinas("compare front").args(tables).args(more.split_whitespace()).output().unwrap()
    };
    let output = front("--latency-column phone_ms --budget 60 --seeds 2 --reference-accuracy 79 --json");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let searches: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let strategies: Vec<&str> = searches.iter().map(|search| search["strategy"].as_str().unwrap()).collect();
    assert_eq!(strategies, ["nsga2", "nsga2", "random", "random", "evolution", "evolution"]);
    for search in &searches {
        assert_eq!(search["reference"], serde_json::json!({ "accuracy": 79.0, "latency_ms": 7.0 }));
        assert_eq!(search["front_of_all"], 15_625);
        assert_eq!(search["front"].is_array(), search["seed"] == 0);
        let Some(front) = search["front"].as_array() else { continue };
        // Of the best front, squares of a percent by a millisecond: 6 columns of 1 to 6.
        let found: Vec<(f64, f64)> = front
            .iter()
            .map(|cell| (cell["latency_ms"].as_f64().unwrap(), cell["validation_accuracy"].as_f64().unwrap()))
            .collect();
        assert!(found.iter().all(|(latency, accuracy)| *accuracy == 79.0 + latency), "{found:?}");
        let covered = (0..7).flat_map(|score| (1..7).map(move |cost| (f64::from(score), f64::from(cost))));
        let covered = covered.filter(|(score, cost)| found.iter().any(|(ms, acc)| ms <= cost && *acc > 79.0 + score));
        let share = 100.0 * covered.count() as f64 / 21.0;
        assert!((search["hypervolume_percent"].as_f64().unwrap() - share).abs() < 1e-9, "{share} {search}");
    }
    let output = front("--latency-column phone_ms --budget 12 --seeds 1 --strategy smbo,reinforce --latency-limit 3,5");
    let shown = text(&output.stdout);
    assert!(shown.contains("| reinforce |") && shown.contains("phone_ms: the table's front has 15625 of"), "{shown}");
    for (more, message) in [
        ("", "several columns of latencies; choose one by its name: phone_ms, watch_ms"),
        ("--latency-column x", "no column `x`; found are"),
        ("--latency-column phone_ms --budget 3", "--budget is 3; expected at least 4"),
        ("--latency-column phone_ms --latency-limit 0", "--latency-limit is 0; expected milliseconds"),
        ("--latency-column phone_ms --latency-limit 3 --strategy nsga2", "--latency-limit is of strategies of one"),
        ("--latency-column phone_ms --reference-accuracy NaN", "no architecture is better than NaN %"),
        ("--latency-column phone_ms --reference-latency 1", "no architecture is better than 10 % and 1 ms"),
    ] {
        let output = front(more);
        assert_eq!(output.status.code(), Some(1), "{more}");
        assert!(text(&output.stderr).contains(message), "{}", text(&output.stderr));
    }
}

/// The measured tables, where they are.
#[test]
fn nsga2_comes_closer_to_the_front_of_the_measured_tables_than_random_search() {
    let root = std::env::var_os("EOINAS_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), Into::into);
    let [table, latencies] = ["nas-bench-201/cifar10.csv", "hw-nas-bench/cifar10.csv"].map(|name| root.join(name));
    if !table.exists() || !latencies.exists() {
        println!("skipped: no tables in {} (set EOINAS_TEST_DATA to their folder)", root.display());
        return;
    }
    for device in ["pixel3", "raspi4", "edgegpu"] {
        let mut front = eoinas("compare front");
        front.arg("--table").arg(&table).arg("--latency-table").arg(&latencies).arg("--json");
        let output = front.args(["--latency-column", &format!("{device}_latency_ms")]).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let mut sums = std::collections::BTreeMap::<String, f64>::new();
        for line in text(&output.stdout).lines() {
            let search: Value = serde_json::from_str(line).unwrap();
            let share = search["hypervolume_percent"].as_f64().unwrap();
            assert!(share > 80.0 && share <= 100.0, "{search}");
            *sums.entry(search["strategy"].as_str().unwrap().to_owned()).or_default() += share;
        }
        assert!(sums["nsga2"] > sums["random"] && sums["nsga2"] > sums["evolution"], "{device}: {sums:?}");
    }
}

/// Nobody reads what it prints after the first variant, and it goes on with the others.
#[test]
#[cfg(unix)]
fn a_reader_that_went_away_ends_no_study() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("study");
    let program = env!("CARGO_BIN_EXE_eoinas");
    let line = format!(
        "{{ sleep 0.3; '{program}' compare ablation {} --seeds 1 --method gdas,darts --quiet --out '{}'; echo \"code $?\" >&2; }} | true",
        TINY,
        out.display()
    );
    let output = std::process::Command::new("sh").args(["-c", &line]).output().unwrap();
    assert_eq!(text(&output.stderr), "code 0\n");
    assert_eq!(rows(&out.join("table.csv")).len(), 2);
}
