//! `eoinas train` as a process: killed, interrupted and resumed, it ends in the same bytes; what cannot work is named.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    fs,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use common::{assert_same, eoinas, run, start, text};

/// The saved network.
const NETWORK: [&str; 2] = ["network/model.safetensors", "network/network.json"];

/// Six epochs of six updates of the DARTS cell.
const TRAINING: &str = "--genotype darts-v2 --train-images 96 --test-images 64 --batch-size 8 --accumulate 2 \
                        --epochs 6 --channels 4 --cells 3 --drop-path 0.1 --cutout 8 --auxiliary 0.4 --label-smoothing 0.1";

fn training<'a>(more: &[&'a str]) -> Vec<&'a str> {
    TRAINING.split_whitespace().chain(more.iter().copied()).collect()
}

/// Going on from the last good state would come to the same end.
#[test]
fn a_training_that_diverged_is_told_to_start_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (config, out) = (dir.path().join("fast.toml"), dir.path().join("out"));
    fs::write(&config, "[weights]\nclip = \"none\"\nlearning_rate = { kind = \"constant\", value = 1e30 }\n").unwrap();
    let more = ["--config", config.to_str().unwrap(), "--out", out.to_str().unwrap(), "--json"];
    let output = run("train", &training(&more));
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("stopped: the ") && errors.contains("would end the same way again"), "{errors}");
    let settings = format!("--config takes a copy of {} with another", out.join("config.json").display());
    assert!(errors.contains(&settings) && !errors.contains("--resume"), "{errors}");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["stopped"].as_str(), json["resume"].is_null()), (Some("not_finite"), true));
}

#[test]
fn killed_at_any_time_and_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, killed) = (dir.path().join("whole"), dir.path().join("killed"));
    let started = Instant::now();
    let output = run("train", &training(&["--threads", "2", "--out", whole.to_str().unwrap()]));
    let length = started.elapsed();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("test accuracy"), "{}", text(&output.stdout));
    let out = killed.to_str().unwrap();
    let mut lives = [0.15, 0.3, 0.22, 0.35].map(|share| length.mul_f64(share)).into_iter();
    loop {
        let resumable = killed.join("checkpoints/step-000000000/manifest.json").exists()
            || fs::read_dir(killed.join("checkpoints"))
                .into_iter()
                .flatten()
                .flatten()
                .any(|entry| entry.file_name().to_string_lossy().starts_with("step-"));
        let mut child = if resumable {
            start("train", &["--resume", out, "--threads", "1"])
        } else {
            // Killed before the first checkpoint was whole: nothing to resume.
            let _ = fs::remove_dir_all(&killed);
            start("train", &training(&["--threads", "1", "--out", out]))
        };
        let Some(life) = lives.next() else {
            let output = child.wait_with_output().unwrap();
            let errors = text(&output.stderr);
            assert!(output.status.success() || errors.contains("is finished"), "{errors}");
            break;
        };
        sleep(life);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_same(&whole, &killed, &NETWORK);
}

#[test]
#[cfg(unix)]
fn an_interrupt_saves_the_state_and_says_how_to_go_on() {
    const SIGINT: i32 = 2;
    if common::is_ignored(SIGINT) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (whole, stopped) = (dir.path().join("whole"), dir.path().join("stopped"));
    assert!(run("train", &training(&["--out", whole.to_str().unwrap()])).status.success());
    let child = start("train", &training(&["--out", stopped.to_str().unwrap()]));
    while !stopped.join("checkpoints/step-000000006").is_dir() {
        sleep(Duration::from_millis(1));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let errors = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{errors}");
    let resume = format!("eoinas train --resume {}", stopped.display());
    assert!(errors.contains("stopped: interrupted") && errors.contains(&resume), "{errors}");
    assert!(run("train", &["--resume", stopped.to_str().unwrap()]).status.success());
    assert_same(&whole, &stopped, &NETWORK);
}

#[test]
fn random_cells_give_mean_and_deviation() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("random");
    let args = "--random 2 --train-images 32 --test-images 16 --batch-size 8 --epochs 1 --channels 4 --cells 3 --json";
    let args: Vec<&str> = args.split_whitespace().chain(["--out", out.to_str().unwrap()]).collect();
    let output = run("train", &args);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let accuracies: Vec<f64> = (0..2).map(|i| json["trained"][i]["accuracy"].as_f64().unwrap()).collect();
    assert!((json["mean"].as_f64().unwrap() - (accuracies[0] + accuracies[1]) / 2.0).abs() < 1e-12);
    let deviation = (accuracies[0] - accuracies[1]).abs() / 2f64.sqrt();
    assert!((json["deviation"].as_f64().unwrap() - deviation).abs() < 1e-12);
}

#[test]
fn what_cannot_work_is_named_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let cell = dir.path().join("cell.txt");
    fs::write(&cell, "Genotype(normal=[('sep_conv_3x3', 0)").unwrap();
    let cases: [(&[&str], &str); 6] = [
        (&["--epochs", "0"], "epochs is 0"),
        (&["--batch-size", "97"], "larger than the data (96 training images)"),
        (&["--dataset", "cifar10"], "--data is not set; expected the folder of cifar10"),
        (&["--dataset", "cifar10", "--data", "/no/such/folder"], "/no/such/folder"),
        (&["--drop-path", "1"], "drop-path is 1"),
        (&["--channels", "1"], "channels is 1"),
    ];
    for (more, part) in cases {
        let base = "--genotype darts-v2 --train-images 96 --cells 3";
        let args: Vec<&str> = base.split_whitespace().chain(more.iter().copied()).collect();
        let output = run("train", &[&args[..], &["--out", out.to_str().unwrap()]].concat());
        assert_eq!(output.status.code(), Some(1));
        assert!(text(&output.stderr).contains(part), "`{}` lacks `{part}`", text(&output.stderr));
        assert!(!out.exists());
    }
    for (genotype, part) in [("darts-v9", "no published cell is called"), (cell.to_str().unwrap(), "cell.txt")] {
        let output = run("train", &["--genotype", genotype, "--out", out.to_str().unwrap()]);
        assert!(text(&output.stderr).contains(part), "`{}` lacks `{part}`", text(&output.stderr));
        assert!(!out.exists());
    }
}

#[test]
fn a_plan_is_made_anew_where_there_was_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let [timed, counted] = ["timed", "counted"].map(|name| dir.path().join(name));
    let small =
        ["--genotype", "darts-v2", "--channels", "4", "--cells", "3", "--train-images", "64", "--test-images", "16"];
    for (out, more) in [(&timed, ["--time", "60s"]), (&counted, ["--epochs", "2"])] {
        let stop = ["--batch-size", "16", "--max-steps", "1", "--out", out.to_str().unwrap()];
        let output = run("train", &[&small[..], &more[..], &stop[..]].concat());
        assert!(output.status.success(), "{}", text(&output.stderr));
    }
    let replan = |out: &std::path::Path| {
        let stop = ["--replan", "--max-steps", "1", "--resume"];
        let output = eoinas("train").args(stop).arg(out).output().unwrap();
        (output.status.success(), text(&output.stderr))
    };
    let (done, said) = replan(&timed);
    assert!(done && (said.contains("in time: ") || said.contains("late: ")), "{said}");
    let (done, said) = replan(&counted);
    assert!(!done && said.contains("expected a run whose counts were fitted to a time (`--time`)"), "{said}");
    for (command, more) in
        [("train", ["--genotype", "darts-v2", "--replan"]), ("search", ["--epochs", "3", "--replan"])]
    {
        let errors = text(&run(command, &more).stderr);
        assert!(errors.contains("--replan is of a run that is gone on with"), "{errors}");
    }
}
