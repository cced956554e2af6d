//! `eoinas search` as a process: killed, interrupted and resumed, it ends in the same bytes.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{
    fs,
    path::Path,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use common::{assert_same, run, start, text};

/// The cell.
const CELL: [&str; 2] = ["genotype.txt", "genotype.json"];

/// A search of two seconds: 8 epochs of 4 steps.
fn search<'a>(out: &'a str, threads: &'a str) -> [&'a str; 16] {
    [
        "--preset",
        "quick",
        "--epochs",
        "8",
        "--train-images",
        "128",
        "--batch-size",
        "16",
        "--channels",
        "4",
        "--cells",
        "3",
        "--threads",
        threads,
        "--out",
        out,
    ]
}

/// Starts or resumes until the run is finished, killing each process (SIGKILL) when `fatal` says so.
fn run_with_kills(out: &Path, threads: &str, mut fatal: impl FnMut(usize, Instant) -> bool) -> usize {
    let text = out.to_str().unwrap();
    let mut kills = 0;
    loop {
        let resumable = out.join("checkpoints").is_dir()
            && fs::read_dir(out.join("checkpoints")).unwrap().any(|entry| {
                let name = entry.unwrap().file_name();
                name.to_str().is_some_and(|name| name.starts_with("step-"))
            });
        let mut child = if resumable {
            start("search", &["--resume", text, "--threads", threads])
        } else {
            // Killed before the first checkpoint was whole: the same command begins anew.
            start("search", &search(text, threads))
        };
        let started = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if fatal(kills, started) {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            sleep(Duration::from_micros(200));
        };
        match status {
            Some(status) => {
                let mut errors = String::new();
                std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut errors).unwrap();
                // Killed after the result was written and before the process ended.
                assert!(status.success() || errors.contains("is finished"), "{errors}");
                return kills;
            }
            None => kills += 1,
        }
    }
}

/// The cells that are cheaper than the result, or better than what is as cheap, are files, and each has its command.
#[test]
fn finals_leave_a_front() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let mut args = search(out.to_str().unwrap(), "2").to_vec();
    args[3] = "2";
    let output = run("search", &[&args[..], &["--finalists", "3", "--verbose"]].concat());
    assert!(output.status.success(), "{}", text(&output.stderr));
    let result: serde_json::Value = serde_json::from_slice(&fs::read(out.join("result.json")).unwrap()).unwrap();
    let front = result["front"].as_array().unwrap();
    assert!(!front.is_empty());
    let printed = text(&output.stdout);
    let others: Vec<_> = front.iter().filter(|of| of["finalist"] != 0).collect();
    assert_eq!(printed.matches("on the front of the finals: ").count(), others.len(), "{printed}");
    for of in others {
        let file = out.join(of["file"].as_str().unwrap());
        let command = format!("train --genotype {}", file.display());
        assert!(file.exists() && printed.contains(&command), "{printed}");
    }
    let refused = run("search", &["--verbose", "--json"]);
    assert!(text(&refused.stderr).contains("cannot be used with"), "{}", text(&refused.stderr));
}

#[test]
fn killed_at_any_time_and_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let started = Instant::now();
    assert!(run("search", &search(whole.to_str().unwrap(), "2")).status.success());
    let length = started.elapsed().as_secs_f64();
    let other = run("train", &["--resume", whole.to_str().unwrap()]);
    let errors = text(&other.stderr);
    assert!(errors.contains("is a folder of the command `search`; go on with it: "), "{errors}");
    // Shares of the whole run after which each process is killed, at no particular place.
    let lives = [0.13, 0.27, 0.34, 0.21, 0.30, 0.08].map(|share| share * length);
    let killed = dir.path().join("killed");
    let kills = run_with_kills(&killed, "1", |kills, started| {
        lives.get(kills).is_some_and(|&life| started.elapsed().as_secs_f64() > life)
    });
    assert!(kills > 0);
    assert_same(&whole, &killed, &CELL);
}

#[test]
fn killed_while_a_checkpoint_is_written_and_resumed() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, killed) = (dir.path().join("whole"), dir.path().join("killed"));
    assert!(run("search", &search(whole.to_str().unwrap(), "1")).status.success());
    let checkpoints = killed.join("checkpoints");
    // Each process is killed at the first half-written checkpoint that it leaves later than the one before.
    let mut seen = Vec::new();
    let kills = run_with_kills(&killed, "2", |_, _| {
        let entries = fs::read_dir(&checkpoints).into_iter().flatten().flatten();
        let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
        match names.find(|name| name.starts_with(".tmp-") && !seen.contains(name)) {
            Some(name) => {
                seen.push(name);
                true
            }
            None => false,
        }
    });
    assert!(kills > 2, "{kills} kills only");
    assert_same(&whole, &killed, &CELL);
}

#[test]
#[cfg(unix)]
fn an_interrupt_saves_the_state_and_says_how_to_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, stopped) = (dir.path().join("whole"), dir.path().join("stopped"));
    assert!(run("search", &search(whole.to_str().unwrap(), "1")).status.success());
    let mut child = start("search", &search(stopped.to_str().unwrap(), "1"));
    let saved = || {
        let entries = fs::read_dir(stopped.join("checkpoints")).into_iter().flatten().flatten();
        let steps = entries.filter_map(|entry| entry.file_name().to_str()?.strip_prefix("step-")?.parse::<u64>().ok());
        steps.max().unwrap_or(0)
    };
    for (signal, code) in [("-INT", 130), ("-TERM", 143), ("-HUP", 129)] {
        if common::is_ignored(code - 128) {
            continue;
        }
        let before = saved();
        while saved() < before + 4 {
            sleep(Duration::from_millis(1));
        }
        if code == 130 {
            // Whoever comes second is told who writes.
            let second = run("search", &["--resume", stopped.to_str().unwrap()]);
            let errors = text(&second.stderr);
            assert!(errors.contains(&format!("is being written by process {} on ", child.id())), "{errors}");
        }
        assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{errors}");
        assert!(errors.contains("stopped: interrupted") && errors.contains("--resume"), "{errors}");
        child = start("search", &["--resume", stopped.to_str().unwrap()]);
    }
    assert!(child.wait_with_output().unwrap().status.success());
    assert_same(&whole, &stopped, &CELL);
}

#[test]
fn what_is_there_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("mine");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("notes.txt"), "years of work").unwrap();
    let output = run("search", &search(out.to_str().unwrap(), "1"));
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("is not overwritten; choose another --out"), "{errors}");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
}
