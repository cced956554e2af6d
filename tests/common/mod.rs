//! Examples as processes.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

/// The program of an example, built by the cargo that runs this test, in its profile.
pub fn program(example: &str) -> PathBuf {
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--example", example, "--message-format", "json"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let built = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    built.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back().unwrap()
}

pub fn start(program: &Path, args: &[&str]) -> Child {
    let mut command = Command::new(program);
    command.args(args).arg("--quiet").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn run(program: &Path, args: &[&str]) -> Output {
    start(program, args).wait_with_output().unwrap()
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
