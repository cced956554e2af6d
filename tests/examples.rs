//! Examples that are commands of `eoinas`: each starts, and speaks of itself.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    collections::BTreeMap,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;

/// One of each feature; the others differ from them by a word.
const EXAMPLES: [&str; 4] = ["ablation", "cifar_search", "classify", "count"];

/// The examples' programs, built by the cargo that runs this test, in its profile and with the features that it has.
fn programs() -> BTreeMap<String, PathBuf> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--workspace", "--features", "eoinas/full", "--quiet", "--message-format", "json"]);
    cargo.args(EXAMPLES.iter().flat_map(|name| ["--example", name]));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    // What cargo tells a test of its package, build scripts of others' code would take for their own, and be built anew, here and
    // after it.
    let of_this_package = |name: &str| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_");
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(of_this_package)) {
        cargo.env_remove(name);
    }
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let built = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let named = |message: Value| {
        Some((message["target"]["name"].as_str()?.to_owned(), PathBuf::from(message["executable"].as_str()?)))
    };
    built.filter_map(named).collect()
}

fn run(program: &PathBuf, args: &[&str]) -> Output {
    Command::new(program).args(args).output().unwrap()
}

#[test]
fn each_starts_and_names_itself() {
    let programs = programs();
    for name in EXAMPLES {
        let output = run(&programs[name], &["--help"]);
        let help = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && help.contains(&format!("Usage: {name} ")), "{help}");
        assert!(help.contains(&format!("--example {name} -- ")), "{help}");
        assert!(!help.contains("  eoinas "), "{help}");
    }

    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("my run");
    let tiny =
        "--preset quick --epochs 1 --train-images 32 --batch-size 8 --channels 4 --cells 3 --quiet --max-steps 1 --out";
    let args: Vec<&str> = tiny.split(' ').chain([out.to_str().unwrap()]).collect();
    let output = run(&programs["cifar_search"], &args);
    let said = String::from_utf8(output.stderr).unwrap();
    let resume = format!("go on with: cargo run --release --example cifar_search -- --resume '{}'", out.display());
    assert!(output.status.success() && said.contains(&resume), "{said}");
}
