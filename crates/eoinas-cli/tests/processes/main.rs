//! Many processes, one study: killed, frozen and continued, started by `--jobs`, as parts of a plan and of a job array.
//! The long campaign (`docs/RELIABILITY.md`) is
//! `cargo test --release -p eoinas-cli --test processes -- --ignored --nocapture long`.
#![cfg(all(unix, feature = "report"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod campaign;
mod jobs;
mod slurm;
mod spoiled;
mod study;

use campaign::{Campaign, Counts};
use study::Study;

/// Two variants whose runs take a second or two, killed and frozen.
#[test]
fn short() {
    let study = Study { methods: "gdas,eoinas", seeds: 2, scale: study::SHORT };
    let counts = Campaign { processes: 4, kills: 5, freezes: 1, silence: "4s", study }.run(1);
    println!("{}\n{counts}", Counts::HEAD);
}

/// Some minutes.
#[test]
#[ignore = "the long form"]
fn long() {
    println!("{}", Counts::HEAD);
    let study = Study { methods: "gdas,eoinas,darts", seeds: 3, scale: study::SHORT };
    for seed in 1..=3 {
        println!("{}", Campaign { processes: 8, kills: 40, freezes: 3, silence: "10s", study }.run(seed));
    }
}
