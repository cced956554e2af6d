//! `eoinas bench inference`: images a second of a cell's network.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use candle_core::{Device, Tensor};
use eoinas_core::{Skeleton, Streams};
use eoinas_nn::{DerivedNetwork, Operations};
use eoinas_onnx::ExportOptions;
use eoinas_train::machine::with_threads;

use crate::{Error, Start, bench::small, cell, out::say};

/// Images a second of a cell's network, used for evaluation alone: BatchNorm folded, random weights.
///
/// tests/pytorch/inference_speed.py times PyTorch and ONNX Runtime with the file that --onnx writes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas bench inference darts-v2 --threads 2
  eoinas bench inference darts-v2 --batch 1,64 --onnx darts-v2.onnx")]
pub struct Args {
    /// Name of a published cell, a file with a genotype, or a genotype.
    #[arg(value_name = "CELL|FILE")]
    cell: PathBuf,
    /// Initial number of channels C.
    #[arg(long, default_value_t = 36)]
    channels: usize,
    /// Number of cells L.
    #[arg(long, default_value_t = 20)]
    cells: usize,
    /// Batch sizes.
    #[arg(long, alias = "batch-size", value_delimiter = ',', default_values_t = [1, 64], value_parser = small())]
    batch: Vec<usize>,
    /// Runs that the median is taken of.
    #[arg(long, default_value_t = 9, value_parser = small())]
    runs: usize,
    /// Threads of the kernels [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
    /// Write the network to this file, which must not be there, to time others with it.
    #[arg(long, value_name = "FILE")]
    onnx: Option<PathBuf>,
}

/// Runs the network and prints what it took.
///
/// # Errors
/// A cell that is not known or cannot be built.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    with_threads(args.threads, || runs(args))?
}

fn runs(args: &Args) -> Result<ExitCode, Error> {
    let genotype = cell::read(&args.cell)?;
    let skeleton = Skeleton { channels: args.channels, cells: args.cells, ..Skeleton::cifar() };
    let (space, operations) = (genotype.space()?, Operations::built_in());
    let net = DerivedNetwork::new(&genotype, &space, &skeleton, &operations, &Streams::new(0), &Device::Cpu)?;
    let net = net.into_inference()?;
    if let Some(path) = &args.onnx {
        eoinas_onnx::write(path, &net, &ExportOptions::default())?;
    }
    for &batch in &args.batch {
        let images = Tensor::randn(0f32, 1f32, (batch, 32, 32, 3), &Device::Cpu)?;
        let mut times = Vec::with_capacity(args.runs);
        for run in 0..args.runs.max(1) + 2 {
            let start = Instant::now();
            net.logits(&images)?;
            if run >= 2 {
                times.push(start.elapsed().as_secs_f64());
            }
        }
        times.sort_by(f64::total_cmp);
        let median = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
        say!("batch {batch:3}: {:8.1} ms, {:8.1} images/s", 1e3 * median, batch as f64 / median);
    }
    Ok(ExitCode::SUCCESS)
}
