//! `eoinas bench gpu`: what one runs first on a new GPU.

mod ops;
mod step;

use std::{path::PathBuf, process::ExitCode, time::Instant};

use candle_core::{Device, Tensor};
use eoinas_train::machine::parse_device;
use serde::Serialize;

use crate::{
    Error, Start,
    bench::small,
    out::{self, say},
};

/// Check every op, search steps and steps of human-designed networks, on a GPU against the CPU, and time them.
///
/// A build with the feature `cuda` is needed: `cargo run --release --features cuda --example gpu_check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas bench gpu --json gpu.json
  eoinas bench gpu --device cuda:1 --batch 16")]
pub struct Args {
    /// What is checked against the CPU: cuda, cuda:N, or emulated (the GPU's kernels on the CPU, for a build with the
    /// feature `emulation`).
    #[arg(long, default_value = "cuda")]
    device: String,
    /// Images in a batch.
    #[arg(long, alias = "batch-size", default_value_t = 64, value_parser = small())]
    batch: usize,
    /// Height and width of the feature maps, and of the images of the step.
    #[arg(long, default_value_t = 32)]
    size: usize,
    /// Initial channels C.
    #[arg(long, default_value_t = 16)]
    channels: usize,
    /// Cells of the network.
    #[arg(long, default_value_t = 8)]
    cells: usize,
    /// Timed repetitions; the median counts.
    #[arg(long, default_value_t = 20, value_parser = small())]
    repetitions: usize,
    /// Write the figures to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Largest difference to the CPU, relative to the largest value, that passes.
const TOLERANCE: f64 = 1e-4;
/// Each result of a whole step may differ from the CPU by this much, as the Euclidean norm of the difference relative to
/// that of the CPU's values, and by so many times what the images' last bits change at most on the CPU itself: where a
/// ReLU or a maximum is decided by them, the gradients of all layers before it change.
const STEP_TOLERANCE: f64 = 1e-4;
const TIMES_ROUNDING: f64 = 3.0;
/// Where rounding explains more than this, nothing is checked, and nothing passes.
const STEP_AT_MOST: f64 = 0.15;
/// Smaller images and batches leave human-designed networks so few values for each channel's statistics that rounding explains
/// anything.
const LEAST_OF_MODELS: usize = 32;

/// What a line of the table says.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    /// Largest difference of any result, relative to the largest value of that result; for a step, the norm of a
    /// result's difference relative to its own.
    difference: f64,
    /// The largest that passes.
    tolerance: f64,
    /// Milliseconds, forward and backward.
    cpu_ms: f64,
    device_ms: f64,
    passed: bool,
}

/// Checks, times and prints.
///
/// # Errors
/// No GPU; an op that differs from the CPU.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let place = Place::open(&args.device)?;
    say!("{}: batch {}, {} x {}, C = {}", args.device, args.batch, args.size, args.size, args.channels);
    say!("{:<24} {:>12} {:>10} {:>10} {:>7}", "forward and backward", "difference", "CPU, ms", "here, ms", "times");
    let mut rows = Vec::new();
    for (name, case) in ops::CASES {
        let inputs = || ops::Inputs::new(args.batch, args.size, args.channels);
        let (cpu, here) = (inputs(), inputs());
        let run = |device: &Device| case(if place.is_current() { &here } else { &cpu }, device);
        let row = compare(name, args.repetitions, &place, run, |got, expected| {
            Ok((largest_difference(got, expected)?, TOLERANCE))
        })?;
        row.print();
        rows.push(row);
    }
    let steps = step::Setup { batch: args.batch, size: args.size, channels: args.channels, cells: args.cells };
    let repetitions = args.repetitions.min(10);
    let small = args.batch.min(args.size) < LEAST_OF_MODELS;
    if small {
        say!(
            "steps of human-designed networks: left out, as they need --batch and --size of {LEAST_OF_MODELS} or more"
        );
    }
    for (name, kind) in step::STEPS.into_iter().filter(|(_, kind)| !(small && kind.is_model())) {
        let (cpu, here) = (steps.build(kind, &Device::Cpu, 0.0)?, place.on(|| steps.build(kind, &place.device, 0.0))?);
        let moved = steps.build(kind, &Device::Cpu, f32::EPSILON)?.pass()?;
        let run = |_: &Device| if place.is_current() { &here } else { &cpu }.pass();
        let row = compare(name, repetitions, &place, run, |got, expected| {
            let tolerance = STEP_TOLERANCE + TIMES_ROUNDING * distance(&moved, expected)?;
            Ok((distance(got, expected)?, if tolerance <= STEP_AT_MOST { tolerance } else { 0.0 }))
        })?;
        row.print();
        rows.push(row);
    }
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_string_pretty(&rows)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let failed: Vec<&str> = rows.iter().filter(|row| !row.passed).map(|row| row.name).collect();
    if failed.is_empty() {
        say!("all {} agree with the CPU", rows.len());
        return Ok(ExitCode::SUCCESS);
    }
    Err(format!("these differ from the CPU: {}", failed.join(", ")).into())
}

impl Row {
    fn print(&self) {
        let times = self.cpu_ms / self.device_ms;
        let mark = if self.passed { "" } else { "  DIFFERS" };
        say!(
            "{:<24} {:>12.1e} {:>10.3} {:>10.3} {times:>7.1}{mark}",
            self.name,
            self.difference,
            self.cpu_ms,
            self.device_ms
        );
    }
}

/// Runs a case on both devices.
fn compare(
    name: &'static str,
    repetitions: usize,
    place: &Place,
    case: impl Fn(&Device) -> Result<Vec<Tensor>, Error>,
    differ: impl Fn(&[Tensor], &[Tensor]) -> Result<(f64, f64), Error>,
) -> Result<Row, Error> {
    let expected = case(&Device::Cpu)?;
    let got = place.on(|| case(&place.device))?;
    let (difference, tolerance) = differ(&got, &expected)?;
    let cpu_ms = median_ms(repetitions.min(5), &Device::Cpu, || case(&Device::Cpu))?;
    let device_ms = place.on(|| median_ms(repetitions, &place.device, || case(&place.device)))?;
    let passed = difference <= tolerance && got.len() == expected.len();
    Ok(Row { name, difference, tolerance, cpu_ms, device_ms, passed })
}

/// The largest difference of any result relative to the largest value of that result.
fn largest_difference(got: &[Tensor], expected: &[Tensor]) -> Result<f64, Error> {
    largest(got, expected, |got, expected| {
        let largest = expected.iter().fold(1e-6f64, |most, value| most.max(value.abs()));
        let differences = got.iter().zip(expected).map(|(got, expected)| finite((got - expected).abs() / largest));
        differences.fold(0.0, f64::max)
    })
}

/// The largest norm of the difference of any result, relative to that of what it should be.
fn distance(got: &[Tensor], expected: &[Tensor]) -> Result<f64, Error> {
    largest(got, expected, |got, expected| {
        let difference: f64 = got.iter().zip(expected).map(|(got, expected)| (got - expected).powi(2)).sum();
        let norm: f64 = expected.iter().map(|value| value.powi(2)).sum();
        finite((difference / norm.max(1e-12)).sqrt())
    })
}

/// The largest of what `differ` says of each result, infinite where one is of another length.
fn largest(got: &[Tensor], expected: &[Tensor], differ: impl Fn(&[f64], &[f64]) -> f64) -> Result<f64, Error> {
    let mut most = 0f64;
    for (got, expected) in got.iter().zip(expected) {
        let (got, expected) = (values(got)?, values(expected)?);
        most = most.max(if got.len() == expected.len() { differ(&got, &expected) } else { f64::INFINITY });
    }
    Ok(most)
}

fn values(tensor: &Tensor) -> Result<Vec<f64>, Error> {
    let values = tensor.to_device(&Device::Cpu)?.flatten_all()?.to_vec1::<f32>()?;
    Ok(values.into_iter().map(f64::from).collect())
}

/// A difference, infinite where one of the values is no number.
fn finite(difference: f64) -> f64 {
    if difference.is_nan() { f64::INFINITY } else { difference }
}

fn median_ms<T>(repetitions: usize, device: &Device, run: impl Fn() -> Result<T, Error>) -> Result<f64, Error> {
    let mut times = Vec::with_capacity(repetitions);
    for _ in 0..repetitions.max(1) {
        let start = Instant::now();
        let result = run()?;
        device.synchronize()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        drop(result);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() / 2).copied().unwrap_or(f64::NAN))
}

/// Where the kernels that are checked run.
struct Place {
    device: Device,
    #[cfg_attr(not(feature = "emulation"), expect(dead_code, reason = "nothing to switch"))]
    emulated: bool,
    current: std::cell::Cell<bool>,
}

impl Place {
    fn open(name: &str) -> Result<Self, Error> {
        let emulated = name == "emulated";
        if emulated && !cfg!(feature = "emulation") {
            return Err("device `emulated` needs a build with `--features emulation`".into());
        }
        let device = if emulated { Device::Cpu } else { parse_device(name, out::note)? };
        if !emulated && device.is_cpu() {
            return Err("the CPU is what a GPU is checked against; use --device cuda".into());
        }
        Ok(Self { device, emulated, current: std::cell::Cell::new(false) })
    }

    /// Runs something there.
    fn on<T>(&self, run: impl FnOnce() -> T) -> T {
        self.switch(true);
        let result = run();
        self.switch(false);
        result
    }

    fn switch(&self, here: bool) {
        self.current.set(here);
        #[cfg(feature = "emulation")]
        eoinas_kernels::emulation::set(here && self.emulated);
    }

    fn is_current(&self) -> bool {
        self.current.get()
    }
}
