//! `eoinas doctor`: what this machine has, and what this program was built with.

use std::{fs, process::ExitCode};

use eoinas_kernels::{device, simd::Level};
use eoinas_train::machine;
use serde_json::{Value, json};

use crate::{Error, Start, out::say};

/// Tell what this machine has, and what this program was built with: the first thing to look at when a run is slow or a
/// device is not found, and what belongs in a report of an error.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas doctor
  eoinas doctor --json")]
pub struct Args {
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Looks and prints.
///
/// # Errors
/// None: what cannot be found out is said to be unknown.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    let facts = facts(start);
    if args.json {
        let object: serde_json::Map<String, Value> =
            facts.into_iter().map(|fact| (fact.name.replace(' ', "_"), fact.value)).collect();
        say!("{}", Value::Object(object));
        return Ok(ExitCode::SUCCESS);
    }
    for Fact { name, value, advice } in facts {
        say!("{name:<20} {}", shown(&value));
        if let Some(advice) = advice {
            say!("{:<20} {advice}", "");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One thing that was looked at.
struct Fact {
    name: &'static str,
    value: Value,
    /// What to do where something better can be had.
    advice: Option<String>,
}

fn facts(start: &Start) -> Vec<Fact> {
    let fact = |name, value| Fact { name, value, advice: None };
    let cores = std::thread::available_parallelism().ok().map(usize::from);
    let (gpus, none) = gpus();
    let check = format!("check them with: {}", start.command("bench gpu"));
    let slow = "this build is many times slower than one with `cargo run --release` or `cargo install`";
    let widest = Level::available().last();
    let optimised = if cfg!(debug_assertions) { "debug" } else { "release" };
    vec![
        fact("version", env!("CARGO_PKG_VERSION").into()),
        Fact { name: "build", value: optimised.into(), advice: cfg!(debug_assertions).then(|| slow.to_owned()) },
        fact("features", features().into()),
        fact("system", format!("{} on {}", std::env::consts::OS, std::env::consts::ARCH).into()),
        fact("cores", json!(cores)),
        Fact {
            name: "vector instructions",
            value: Level::current().to_string().into(),
            advice: (widest != Some(&Level::current())).then(|| "EOINAS_SIMD asks for no wider ones".to_owned()),
        },
        Fact {
            name: "processes (MPI)",
            value: json!(eoinas_mpi::launched().unwrap_or(1)),
            advice: (!eoinas_mpi::BUILT)
                .then(|| "no run is shared by several: the feature `mpi` is not built in".to_owned()),
        },
        fact("memory GiB", json!(memory("MemTotal"))),
        fact("free memory GiB", json!(memory("MemAvailable"))),
        fact("GPU driver", json!(driver())),
        Fact { name: "GPUs", value: gpus.into(), advice: Some(none.unwrap_or(check)) },
    ]
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "unknown".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) if values.is_empty() => "none".to_owned(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn features() -> Vec<&'static str> {
    let built = [
        ("images", cfg!(feature = "images")),
        ("download", cfg!(feature = "download")),
        ("report", cfg!(feature = "report")),
        ("completions", cfg!(feature = "completions")),
        ("cuda", cfg!(feature = "cuda")),
        ("mpi", eoinas_mpi::BUILT),
        ("emulation", cfg!(feature = "emulation")),
    ];
    built.into_iter().filter_map(|(name, is_built)| is_built.then_some(name)).collect()
}

/// The GPUs that runs can use, by their names for --device; where there is none, why.
fn gpus() -> (Vec<String>, Option<String>) {
    let mut found = Vec::new();
    loop {
        match device::cuda(found.len()) {
            Ok(_) => found.push(format!("cuda:{}", found.len())),
            Err(error) => {
                let why = found.is_empty().then(|| error.to_string());
                return (found, why);
            }
        }
    }
}

/// A line of the system's account of its memory, in GiB with one digit.
fn memory(name: &str) -> Option<f64> {
    machine::memory(name).map(|bytes| (bytes as f64 / (1u64 << 30) as f64 * 10.0).round() / 10.0)
}

/// The version of NVIDIA's driver; Linux has it in a file.
fn driver() -> Option<String> {
    let text = fs::read_to_string("/proc/driver/nvidia/version").ok()?;
    text.lines().next().map(|line| line.trim_start_matches("NVRM version:").trim().to_owned())
}
