//! The fault campaign: a tiny search, training, study and so on are killed, run out of disk, have two writers and damaged
//! files. Whatever happens, what is there goes on to the same results or is refused by name.
//!
//! A short form runs as a test; the long one (`docs/RELIABILITY.md`) is
//! `cargo test --release --workspace --test faults -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod case;
mod count;
mod damage;
mod disturb;

use case::{CASES, Case, Reference};
use count::Counts;

/// Tries of each case.
struct Extent {
    /// System calls at which the process is killed, spread over all of them; 0: neither that nor full disks.
    kills: usize,
    /// Writing calls from which on the disk is full, likewise.
    full: usize,
    writers: usize,
    /// 0: every file once in every way.
    damages: usize,
}

/// Runs the campaign over `cases`, prints its table and asks for nothing lost.
fn campaign(cases: &[Case], extent: &Extent) {
    let strace = disturb::has_strace();
    if !strace {
        println!("skipped: no strace: kills come at random times, and no disk is full");
    }
    let mut all = Vec::new();
    println!("{}", count::HEAD);
    for case in cases {
        let root = tempfile::tempdir().unwrap();
        let reference = Reference::new(*case, root.path());
        let disturbed = extent.kills > 0;
        let calls = if strace && disturbed { disturb::system_calls(*case, root.path()) } else { Vec::new() };
        let mut kills = Counts::new(case.name, "kills");
        let mut full = Counts::new(case.name, "full disks");
        for call in calls.iter().step_by(calls.len().div_ceil(extent.kills.max(1)).max(1)) {
            kills.add(disturb::killed(&reference, root.path(), *call));
        }
        let writes = calls.iter().filter(|(name, _)| *name == "write").count();
        for at in (0..writes).step_by(writes.div_ceil(extent.full.max(1)).max(1)) {
            full.add(disturb::full_disk(&reference, root.path(), at + 1));
        }
        if !strace && disturbed {
            (0..8).for_each(|part| kills.add(disturb::killed_in_time(&reference, root.path(), f64::from(part) / 8.0)));
        }
        let mut writers = Counts::new(case.name, "two writers");
        (0..extent.writers).for_each(|_| writers.add(disturb::two_writers(&reference, root.path())));
        let mut damages = Counts::new(case.name, "damaged files");
        damage::all(&reference, root.path(), extent.damages).into_iter().for_each(|end| damages.add(end));
        let of_case = [kills, full, writers, damages];
        println!("{}", count::rows(&of_case));
        all.extend(of_case);
    }
    let bad: Vec<&String> = all.iter().flat_map(|counts| &counts.bad).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

/// All cases, or the one that is asked for.
fn chosen() -> Vec<Case> {
    let name = std::env::var("EOINAS_FAULTS").ok();
    let cases: Vec<Case> =
        CASES.into_iter().filter(|case| name.as_ref().is_none_or(|name| case.name == name)).collect();
    assert!(!cases.is_empty(), "EOINAS_FAULTS: none of {:?}", CASES.map(|case| case.name));
    cases
}

#[test]
fn short() {
    let extent = Extent { kills: 8, full: 4, writers: 1, damages: 12 };
    campaign(&CASES[..2], &extent);
}

#[test]
#[ignore = "the long form, hours; EOINAS_FAULTS=study is that case alone"]
fn long() {
    campaign(&chosen(), &Extent { kills: usize::MAX, full: usize::MAX, writers: 10, damages: 600 });
}

#[test]
#[ignore = "every file once in every way; EOINAS_FAULTS as in the long form"]
fn damages() {
    campaign(&chosen(), &Extent { kills: 0, full: 0, writers: 0, damages: 0 });
}

/// Some minutes.
#[test]
#[ignore = "between the short and the long form"]
fn middle() {
    campaign(&CASES, &Extent { kills: 16, full: 8, writers: 2, damages: 30 });
}
