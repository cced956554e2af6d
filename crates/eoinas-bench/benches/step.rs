//! The search step: the paper's network, one cell, fewer and fewer ops in mixture mode, and how it grows.
//!
//! `cargo bench --bench step` uses all cores; `RAYON_NUM_THREADS=2` before it limits them.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot run ends")]

mod common;

use std::time::Duration;

use common::{Ops, Search};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

fn group(c: &mut Criterion, name: &str, cases: impl IntoIterator<Item = (String, Search)>) {
    let mut group = c.benchmark_group(name);
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for (id, mut search) in cases {
        group.bench_function(BenchmarkId::from_parameter(id), |b| b.iter(|| search.step().unwrap()));
    }
    group.finish();
}

fn search(ops: Ops, batch: usize, size: usize, channels: usize, cells: usize) -> Search {
    Search::new(ops, batch, size, channels, cells).unwrap()
}

fn step(c: &mut Criterion) {
    group(c, "step", [("b64_c16_l8".into(), search(Ops::Balanced, 64, 32, 16, 8))]);
    group(c, "one_cell", [16, 32, 64].map(|c| (format!("b64_c{c}"), search(Ops::Balanced, 64, 32, c, 1))));
}

fn pruning(c: &mut Criterion) {
    let cases = (1..=8).rev().map(|ops| (format!("{ops}_ops"), search(Ops::Mixture(ops), 16, 32, 16, 8)));
    group(c, "mixture_b16", cases);
}

fn growth(c: &mut Criterion) {
    group(c, "batch", [16, 32, 64, 128].map(|n| (format!("{n}"), search(Ops::Balanced, n, 32, 16, 8))));
    group(c, "image_size", [16, 32, 64].map(|n| (format!("{n}"), search(Ops::Balanced, 16, n, 16, 8))));
    group(c, "channels", [8, 16, 32].map(|n| (format!("{n}"), search(Ops::Balanced, 32, 32, n, 8))));
    group(c, "cells", [4, 8, 16].map(|n| (format!("{n}"), search(Ops::Balanced, 32, 32, 16, n))));
}

criterion_group!(benches, step, pruning, growth);
criterion_main!(benches);
