//! One run by several processes, which `mpirun` starts. Needs Open MPI and the feature `mpi`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use common::{assert_same, eoinas, text};
use eoinas_kernels::simd::Level;

const RESULTS: [&str; 2] = ["genotype.txt", "genotype.json"];

/// 16 images a step, so that each process of four has four pieces.
const TINY: [&str; 15] = [
    "--preset",
    "quick",
    "--train-images",
    "64",
    "--batch-size",
    "16",
    "--channels",
    "4",
    "--cells",
    "3",
    "--finalists",
    "0",
    "--threads",
    "1",
    "--quiet",
];

/// `mpirun` as root, too, with more processes than cores; `None`, which is said, where there is none or nothing to run.
fn mpirun() -> Option<Command> {
    let version =
        Command::new("mpirun").arg("--version").output().map(|output| text(&output.stdout)).unwrap_or_default();
    let why = match () {
        () if !version.contains("Open MPI") => "no mpirun of Open MPI",
        () if !cfg!(feature = "mpi") => "built without the feature `mpi`",
        () => {
            let mut mpirun = Command::new("mpirun");
            mpirun.env("OMPI_ALLOW_RUN_AS_ROOT", "1").env("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1");
            // Containers forbid to read another process's memory.
            mpirun.env("OMPI_MCA_btl_vader_single_copy_mechanism", "none");
            mpirun.args(["--oversubscribe", "--bind-to", "none"]);
            return Some(mpirun);
        }
    };
    println!("skipped: one run by several processes: {why}");
    None
}

/// The program's search by so many processes, and what else they are told.
fn search(ranks: usize, args: &[&str]) -> Option<Command> {
    let mut mpirun = mpirun()?;
    mpirun.args(["-n", &ranks.to_string(), env!("CARGO_BIN_EXE_eoinas"), "search"]).args(args);
    Some(mpirun)
}

/// The search by one process.
fn alone(args: &[&str]) -> Output {
    eoinas("search").args(args).output().unwrap()
}

fn ended(mut command: Command) -> Output {
    command.output().unwrap()
}

fn new<'a>(out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    TINY.into_iter().chain(["--out", out.to_str().unwrap()]).chain(more.iter().copied()).collect()
}

#[test]
fn any_number_of_processes_ends_in_the_same_bytes() {
    if mpirun().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let one = dir.path().join("one");
    assert!(alone(&new(&one, &["--epochs", "2"])).status.success());
    for ranks in [1, 2, 4] {
        let out = dir.path().join(ranks.to_string());
        let output = ended(search(ranks, &new(&out, &["--epochs", "2", "--json"])).unwrap());
        assert!(output.status.success(), "{}", text(&output.stderr));
        // One of them speaks.
        let said = text(&output.stdout);
        assert_eq!(said.lines().count(), 1, "{said}");
        let found: serde_json::Value = serde_json::from_str(&said).unwrap();
        assert_eq!(found["run"], out.to_str().unwrap());
        assert_same(&one, &out, &RESULTS);
    }
    // Stopped with some, gone on with by others.
    let out = dir.path().join("parts");
    let output = ended(search(4, &new(&out, &["--epochs", "2", "--max-steps", "1"])).unwrap());
    assert!(output.status.success() && text(&output.stderr).contains("stopped: 1 step is done"), "{output:?}");
    let resume = ["--resume", out.to_str().unwrap(), "--threads", "1", "--quiet"];
    let output = ended(search(3, &[&resume[..], &["--max-steps", "1"]].concat()).unwrap());
    assert!(output.status.success(), "{output:?}");
    assert!(alone(&resume).status.success());
    assert_same(&one, &out, &RESULTS);
    training(&one, dir.path());
}

/// The training of the cell that was found.
fn training(search: &Path, dir: &Path) {
    let genotype = search.join("genotype.txt");
    let tiny = [
        "--train-images",
        "40",
        "--test-images",
        "10",
        "--batch-size",
        "16",
        "--epochs",
        "1",
        "--channels",
        "4",
        "--cells",
        "3",
        "--quiet",
    ];
    let [one, two] = ["training", "training-by-two"].map(|name| dir.join(name));
    for (ranks, out) in [(1, &one), (2, &two)] {
        let mut mpirun = mpirun().unwrap();
        mpirun.args(["-n", &ranks.to_string(), env!("CARGO_BIN_EXE_eoinas"), "train", "--threads", "1"]).args(tiny);
        let output = ended({
            mpirun.arg("--genotype").arg(&genotype).arg("--out").arg(out);
            mpirun
        });
        assert!(output.status.success(), "{output:?}");
    }
    assert_same(&one, &two, &[]);
}

/// Processes that this one has started.
fn children(parent: u32) -> Vec<u32> {
    let of = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse::<u32>().ok()
    };
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let mut found: Vec<u32> = all.filter(|&pid| of(pid) == Some(parent)).collect();
    found.sort_unstable();
    found
}

#[test]
fn where_a_process_dies_all_end_and_the_run_goes_on_from_its_checkpoint() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, out) = (dir.path().join("whole"), dir.path().join("killed"));
    let Some(mut command) = search(2, &new(&out, &["--epochs", "6"])) else { return };
    assert!(alone(&new(&whole, &["--epochs", "6"])).status.success());
    let mpirun = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    let checkpoints = || fs::read_dir(out.join("checkpoints")).map_or(0, Iterator::count);
    while checkpoints() < 2 {
        assert!(begun.elapsed() < Duration::from_secs(120), "no checkpoint");
        sleep(Duration::from_millis(20));
    }
    // The second of the two; the first one writes.
    let ranks = children(mpirun.id());
    let killed = Command::new("kill").args(["-KILL", &ranks[ranks.len() - 1].to_string()]).status().unwrap();
    assert!(killed.success());
    let output = mpirun.wait_with_output().unwrap();
    assert!(!output.status.success() && text(&output.stderr).contains("signal 9"), "{output:?}");
    let output = ended(search(2, &["--resume", out.to_str().unwrap(), "--threads", "1", "--quiet"]).unwrap());
    assert!(output.status.success(), "{output:?}");
    // How far it had come when it died is in the record of both alike: events behind the checkpoint happen again.
    let finals = |run: &Path| RESULTS.map(|name| fs::read(run.join(name)).unwrap());
    assert_eq!(finals(&whole), finals(&out));
}

/// Each process with its own arguments and environment.
#[test]
fn processes_that_differ_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("run");
    let refused = |second: &[&str], variables: &[&str]| {
        let mut command = mpirun()?;
        let args = new(&out, &["--epochs", "1"]);
        command.args(["-n", "1", env!("CARGO_BIN_EXE_eoinas"), "search"]).args(&args);
        command
            .args([":", "-n", "1"])
            .args(variables)
            .args([env!("CARGO_BIN_EXE_eoinas"), "search"])
            .args(&args)
            .args(second);
        let output = ended(command);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        // What was begun can be gone on with: here it is in the way.
        fs::remove_dir_all(&out).unwrap();
        Some(text(&output.stderr))
    };
    let Some(said) = refused(&["--seed", "1"], &[]) else { return };
    assert!(said.contains("error: rank 1 on ") && said.contains("digest of the settings is "), "{said}");
    assert_eq!(said.matches("error:").count(), 1, "{said}");
    if Level::available().len() > 1 {
        let said = refused(&[], &["-x", "EOINAS_SIMD=portable"]).unwrap();
        assert!(said.contains("vector instructions (EOINAS_SIMD) is portable, not "), "{said}");
    }
    let said = refused(&["--data", "nowhere", "--dataset", "cifar10"], &[]).unwrap();
    assert!(said.contains("error: rank 1 on ") && said.contains("nowhere"), "{said}");
}

/// What a launcher says stands in the environment.
#[test]
fn several_processes_that_cannot_join_are_refused() {
    let launched = |command: &str, args: &[&str]| {
        let output = eoinas(command).args(args).env("PMI_SIZE", "4").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        text(&output.stderr)
    };
    assert!(launched("images", &["nowhere"]).contains("`images` is the work of one process, and 4 were started"));
    let said = launched("search", &["--preset", "quick"]);
    let why = if cfg!(feature = "mpi") { "is of another MPI" } else { "build it with `--features mpi`" };
    assert!(said.contains("4 processes were started") && said.contains(why), "{said}");
}
