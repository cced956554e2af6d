//! The program as a process.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    ffi::OsStr,
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
};

/// `eoinas` with a command, which may be two words.
pub fn eoinas(command: &str) -> Command {
    let mut eoinas = Command::new(env!("CARGO_BIN_EXE_eoinas"));
    eoinas.args(command.split(' '));
    eoinas
}

/// A run of a command that shows its progress, without that.
pub fn start<A: AsRef<OsStr>>(command: &str, args: &[A]) -> Child {
    eoinas(command).args(args).arg("--quiet").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn run<A: AsRef<OsStr>>(command: &str, args: &[A]) -> Output {
    start(command, args).wait_with_output().unwrap()
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Everything that must be the same in two runs from one seed: the last checkpoint's files, the `results` of the run, and
/// the events without their times and the command.
pub fn essence(run: &Path, results: &[&str]) -> Vec<(String, Vec<u8>)> {
    let mut checkpoints: Vec<_> =
        fs::read_dir(run.join("checkpoints")).unwrap().map(|entry| entry.unwrap().path()).collect();
    checkpoints.sort();
    let newest = checkpoints.last().unwrap();
    let files = ["weights.safetensors", "optimizer.safetensors", "state.json"].map(|name| newest.join(name));
    let files = files.into_iter().chain(results.iter().map(|name| run.join(name)));
    let mut essence: Vec<_> =
        files.map(|path| (path.strip_prefix(run).unwrap().display().to_string(), fs::read(&path).unwrap())).collect();
    for line in fs::read_to_string(run.join("events.jsonl")).unwrap().lines() {
        let mut event: serde_json::Value = serde_json::from_str(line).unwrap();
        let fields = event.as_object_mut().unwrap();
        fields.retain(|name, _| !["elapsed_seconds", "command"].contains(&name.as_str()));
        essence.push((format!("event {}", fields["seq"]), event.to_string().into_bytes()));
    }
    essence
}

pub fn assert_same(a: &Path, b: &Path, results: &[&str]) {
    let (a, b) = (essence(a, results), essence(b, results));
    for ((name, x), (other, y)) in a.iter().zip(&b) {
        assert_eq!(name, other);
        assert!(x == y, "{name} differs:\n{}\n{}", text(&x[..x.len().min(400)]), text(&y[..y.len().min(400)]));
    }
    assert_eq!(a.len(), b.len());
}

/// Whether processes that are started here begin with the signal of that number ignored, as those of `nohup` and of shells'
/// background jobs do; then it is said that a test of it is skipped.
#[cfg(unix)]
pub fn is_ignored(signal: i32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    let ignored = mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1);
    if ignored {
        println!("skipped: signal {signal}, which is ignored by whoever runs the tests");
    }
    ignored
}

/// CIFAR-10's files with so many images each.
pub fn cifar(data: &Path, images: u32) {
    fs::create_dir(data).unwrap();
    let record = |i: u32| (0..3073).map(move |at: u32| if at == 0 { i as u8 % 10 } else { (at * (i + 7) % 251) as u8 });
    for name in ["data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"] {
        let bytes: Vec<u8> = (0..images).flat_map(record).collect();
        fs::write(data.join(name).with_extension("bin"), bytes).unwrap();
    }
}
