//! Every target with some inputs that are nearly right. `EOINAS_FUZZ_TIMES=100` has a hundred times as many.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::panic::catch_unwind;

use eoinas_fuzz::{TARGETS, Target, mutate::mutated};
use eoinas_train::machine::with_threads;

fn feed(name: &str, inputs: u64) {
    let times = std::env::var("EOINAS_FUZZ_TIMES").map_or(1, |times| times.parse().unwrap());
    let target: Target = TARGETS.into_iter().find(|target| target.name == name).unwrap();
    let seeds = target.seeds();
    // As they are, then changed.
    let changed = (0..inputs * times).map(|index| mutated(&seeds, index));
    let all = seeds.iter().cloned().chain(changed).enumerate();
    // Networks as small as theirs wait for other threads longer than they compute.
    with_threads(Some(1), || all.for_each(|(index, input)| feed_one(target, index, &input))).unwrap();
}

fn feed_one(target: Target, index: usize, input: &[u8]) {
    // An input that ends the process is the one that comes after so many.
    if index > 0 && index.is_multiple_of(10_000) {
        println!("{index} inputs of {}", target.name);
    }
    if let Err(panic) = catch_unwind(|| (target.run)(input)) {
        let path = std::env::temp_dir().join(format!("eoinas-fuzz-{}-{index}", target.name));
        std::fs::write(&path, input).unwrap();
        println!("input {index} of {}, now in {}", target.name, path.display());
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn genotypes() {
    feed("genotype", 20_000);
}

#[test]
fn pictures() {
    feed("pictures", 2_000);
}

#[test]
fn sets() {
    feed("sets", 2_000);
}

#[test]
fn networks() {
    feed("network", 500);
}

#[test]
fn checkpoints() {
    feed("checkpoint", 50);
}

#[test]
fn records() {
    feed("record", 50);
}

#[test]
fn tables() {
    feed("table", 10_000);
}
