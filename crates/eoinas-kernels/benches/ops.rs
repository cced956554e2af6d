//! Every op alone, forward and backward, at the shapes of the search network. `examples/op_times` prints the same ops as
//! a table.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark that cannot run ends")]

#[path = "../examples/op_times/convolutions.rs"]
mod convolutions;
#[path = "../examples/op_times/passes.rs"]
mod passes;

use std::{cell::RefCell, time::Duration};

use criterion::Criterion;

type Failure = Box<dyn std::error::Error>;

/// Takes the rows of `op_times`.
#[allow(missing_debug_implementations, reason = "criterion has none")]
pub struct Timer(RefCell<Criterion>);

impl Timer {
    /// Benchmarks a forward and a backward pass.
    pub fn row(
        &self,
        name: &str,
        [n, h, w, c]: [usize; 4],
        mut forward: impl FnMut() -> Result<(), Failure>,
        mut backward: impl FnMut() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut criterion = self.0.borrow_mut();
        let mut group = criterion.benchmark_group(format!("{name}/{n}x{c}x{h}x{w}"));
        group.bench_function("forward", |b| b.iter(|| forward().unwrap()));
        group.bench_function("backward", |b| b.iter(|| backward().unwrap()));
        group.finish();
        Ok(())
    }
}

fn main() {
    let criterion = Criterion::default()
        .sample_size(15)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
        .configure_from_args();
    let timer = Timer(RefCell::new(criterion));
    convolutions::time(&timer).unwrap();
    passes::time(&timer).unwrap();
    timer.0.into_inner().final_summary();
}
