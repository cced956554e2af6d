//! Kills, full disks, two writers.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    case::{Case, Reference, said},
    count::End,
};

/// System calls that change what is on the disk.
const CALLS: [&str; 9] = ["write", "mkdir", "rename", "unlink", "unlinkat", "ftruncate", "fsync", "fdatasync", "flock"];
/// Those that fail where a disk is full.
const FILLS: &str = "write,mkdir,rename,copy_file_range";

/// A system call of a program: its name, and which of those with that name, from 1.
pub type Call = (&'static str, usize);

pub fn has_strace() -> bool {
    // It may be there and not be allowed.
    let traced = Command::new("strace").args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=write", "true"]).output();
    traced.is_ok_and(|output| output.status.success())
}

fn strace(inject: &str, trace: &str) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e", &format!("trace={trace}"), "-e", inject]);
    strace.arg(env!("CARGO_BIN_EXE_eoinas"));
    strace
}

/// Every such call of the thread that makes most of them.
pub fn system_calls(case: Case, root: &Path) -> Vec<Call> {
    let (out, log) = (root.join("counted"), root.join("calls"));
    let mut strace = Command::new("strace");
    strace.args(["-f", "-qq", "--seccomp-bpf", "-e", &format!("trace={}", CALLS.join(",")), "-o"]).arg(&log);
    let output = strace.arg(env!("CARGO_BIN_EXE_eoinas")).args(case.begin(&out)).output().unwrap();
    assert!(output.status.success(), "{}", said(&output));
    let text = fs::read_to_string(log).unwrap();
    fs::remove_dir_all(out).unwrap();
    let mut threads = BTreeMap::<&str, Vec<Call>>::new();
    for line in text.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let Some(name) = CALLS.iter().find(|name| call.trim_start().starts_with(&format!("{name}("))) else { continue };
        let calls = threads.entry(thread).or_default();
        let number = calls.iter().filter(|(other, _)| other == name).count() + 1;
        calls.push((name, number));
    }
    threads.into_values().max_by_key(Vec::len).unwrap_or_default()
}

fn fresh(root: &Path) -> PathBuf {
    let out = root.join("disturbed");
    let _ = fs::remove_dir_all(&out);
    out
}

/// What had begun must go on: a refusal is a loss.
fn must_go_on(end: End) -> End {
    match end {
        End::Refused(what) => End::Lost(what),
        other => other,
    }
}

/// Killed at that system call, and once more when it goes on; then it goes on.
pub fn killed(reference: &Reference, root: &Path, (call, number): Call) -> End {
    let out = fresh(root);
    let kill = |number: usize| strace(&format!("inject={call}:signal=KILL:when={number}"), call);
    let _ = kill(number).args(reference.case.begin(&out)).output().unwrap();
    let _ = kill(number % 7 + 1).args(reference.case.resume(&out)).output();
    must_go_on(reference.go_on(&out, &format!("killed at {call} number {number}")))
}

/// Killed after a share of the time that it takes; then it goes on.
pub fn killed_in_time(reference: &Reference, root: &Path, share: f64) -> End {
    let out = fresh(root);
    let started = Instant::now();
    assert!(Case::program().args(reference.case.begin(&out)).output().unwrap().status.success());
    let life = started.elapsed().mul_f64(share);
    let out = fresh(root);
    let mut child =
        Case::program().args(reference.case.begin(&out)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    sleep(life);
    let _ = child.kill();
    child.wait().unwrap();
    must_go_on(reference.go_on(&out, &format!("killed after {life:?}")))
}

/// A disk that is full from that writing call on; then there is room, and it goes on.
pub fn full_disk(reference: &Reference, root: &Path, at: usize) -> End {
    let out = fresh(root);
    let inject = format!("inject={FILLS}:error=ENOSPC:when={at}+");
    let output = strace(&inject, FILLS).args(reference.case.begin(&out)).output().unwrap();
    let what = format!("full from call {at} on");
    if said(&output).contains("panicked") {
        return End::Panicked(format!("{}: {what}: {}", reference.case.name, said(&output)));
    }
    must_go_on(reference.go_on(&out, &what))
}

/// A second process beside the one that runs: it is refused, and the first one's results are right.
pub fn two_writers(reference: &Reference, root: &Path) -> End {
    let out = fresh(root);
    let mut first =
        Case::program().args(reference.case.begin(&out)).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !out.join(".lock").exists() && first.try_wait().unwrap().is_none() {
        sleep(Duration::from_micros(100));
    }
    let seconds = [reference.case.resume(&out), reference.case.begin(&out)].map(|arguments| {
        let output = Case::program().args(arguments).output().unwrap();
        (output.status.success(), said(&output))
    });
    let first = first.wait().unwrap();
    for (_, said) in &seconds {
        if said.contains("panicked") {
            return End::Panicked(said.clone());
        }
    }
    // The second may have come when the first was done.
    if !first.success() && !seconds.iter().any(|(done, _)| *done) {
        let said = seconds.map(|(_, said)| said).join("; ");
        return must_go_on(reference.go_on(&out, &format!("two writers, the second said {said}")));
    }
    reference.go_on(&out, "two writers")
}
