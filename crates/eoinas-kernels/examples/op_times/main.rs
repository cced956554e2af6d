//! Times every op alone, forward and backward: TSV lines `op shape fwd_ms bwd_ms`, the median of several runs.
//!
//! `cargo run --release -p eoinas-kernels --example op_times -- [--threads N] [--reps N] [--only TEXT]`

mod convolutions;
mod passes;

use std::time::Instant;

type Failure = Box<dyn std::error::Error>;

/// What is timed, and how.
#[derive(Debug)]
pub struct Timer {
    reps: usize,
    only: String,
}

impl Timer {
    /// Times a forward and a backward pass and prints a line, unless the op's name is not wanted.
    pub fn row(
        &self,
        name: &str,
        shape: [usize; 4],
        mut forward: impl FnMut() -> Result<(), Failure>,
        mut backward: impl FnMut() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if !name.contains(&self.only) {
            return Ok(());
        }
        let [n, h, w, c] = shape;
        let (forward, backward) = (self.median(&mut forward)?, self.median(&mut backward)?);
        println!("{name}\t{n}x{c}x{h}x{w}\t{forward:.3}\t{backward:.3}");
        Ok(())
    }

    /// Milliseconds, after three runs to warm up.
    fn median(&self, f: &mut dyn FnMut() -> Result<(), Failure>) -> Result<f64, Failure> {
        let mut times = Vec::with_capacity(self.reps);
        for run in 0..self.reps.max(1) + 3 {
            let start = Instant::now();
            f()?;
            if run >= 3 {
                times.push(start.elapsed().as_secs_f64() * 1e3);
            }
        }
        times.sort_by(f64::total_cmp);
        Ok(times.get(times.len() / 2).copied().unwrap_or(f64::NAN))
    }
}

fn main() -> Result<(), Failure> {
    let (mut threads, mut timer) = (2, Timer { reps: 30, only: String::new() });
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let value = args.next().ok_or_else(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--threads" => threads = value.parse()?,
            "--reps" => timer.reps = value.parse()?,
            "--only" => timer.only = value,
            _ => return Err(format!("unknown flag {flag}; known are --threads, --reps and --only").into()),
        }
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    // Awake, as in a network's pass. A boxed error cannot leave the pool's thread.
    let time = || convolutions::time(&timer).and_then(|()| passes::time(&timer)).map_err(|e| e.to_string());
    pool.install(|| eoinas_kernels::awake(time))?;
    Ok(())
}
