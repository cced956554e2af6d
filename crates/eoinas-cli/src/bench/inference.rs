//! `eoinas bench inference`: images a second of a network.

use std::{path::PathBuf, process::ExitCode, time::Instant};

use candle_core::{Device, Tensor};
use eoinas_core::{Skeleton, Streams, models::ModelConfig, network::NetworkSpec};
use eoinas_nn::{Batch, DerivedNetwork, Operations, PassOptions};
use eoinas_onnx::ExportOptions;
use eoinas_train::{
    machine::with_threads,
    memory::{Footprint, Work},
};

use crate::{
    Error, Start,
    bench::{check_room, small},
    cell,
    out::say,
};

/// Outputs of a human-designed network, as many as a cell's has.
const CLASSES: usize = 10;

/// Images a second of a network, used for evaluation alone: BatchNorm folded, random weights. With --train in training.
///
/// tests/pytorch/inference_speed.py times PyTorch and ONNX Runtime with the file that --onnx writes; model_speed.py there times
/// PyTorch with human-designed networks.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas bench inference darts-v2 --threads 2
  eoinas bench inference darts-v2 --batch 1,64 --onnx darts-v2.onnx
  eoinas bench inference mobilenet-v2 --batch 64 --train")]
pub struct Args {
    /// Name of a published cell or of a human-designed network, a file with a genotype, or a genotype.
    #[arg(value_name = "CELL|NETWORK|FILE")]
    network: PathBuf,
    /// Initial number of channels C of a cell's network [default: 36]
    #[arg(long)]
    channels: Option<usize>,
    /// Number of cells L of a cell's network [default: 20]
    #[arg(long)]
    cells: Option<usize>,
    /// Height and width of the images.
    #[arg(long, default_value_t = 32, value_parser = small())]
    image_size: usize,
    /// Time training passes, forward and backward, with dropout of paths and the auxiliary head left out.
    #[arg(long, conflicts_with = "onnx")]
    train: bool,
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
    let net = network(args)?;
    if args.train {
        return times(args, |images| {
            let labels = vec![0; images.dim(0)?];
            let batch = Batch::new(images.clone(), labels)?;
            Ok(net.train_pass(&batch, &PassOptions::default()).map(drop)?)
        });
    }
    let net = net.into_inference()?;
    if let Some(path) = &args.onnx {
        eoinas_onnx::write(path, &net, &ExportOptions::default())?;
    }
    times(args, |images| Ok(net.logits(images).map(drop)?))
}

/// The network with random weights.
fn network(args: &Args) -> Result<DerivedNetwork, Error> {
    let (streams, device, size) = (Streams::new(0), Device::Cpu, args.image_size);
    let name = args.network.to_string_lossy();
    let work = if args.train { Work::Training } else { Work::Inference };
    let work = (work, args.batch.iter().copied().max().unwrap_or(1));
    if let Ok(model) = name.parse::<ModelConfig>() {
        for (flag, got) in [("--channels", args.channels), ("--cells", args.cells)] {
            if got.is_some() {
                return Err(format!("{flag}: {model} is no network of cells; leave it out").into());
            }
        }
        let images = [size, size, 3];
        let footprint = Footprint::of_layers(&model.graph(images, CLASSES)?);
        check_room(footprint, work, &device, "--batch or --image-size")?;
        return Ok(DerivedNetwork::of_model(&model, images, CLASSES, &streams, &device)?);
    }
    let genotype = cell::read(&args.network)?;
    let (channels, cells) = (args.channels.unwrap_or(36), args.cells.unwrap_or(20));
    let skeleton = Skeleton { channels, cells, ..Skeleton::cifar() }.with_image(3, size, size);
    let space = genotype.space()?;
    let footprint = Footprint::of_cells(&NetworkSpec::derived(&genotype, &space, &skeleton)?);
    check_room(footprint, work, &device, "--batch, --channels, --cells or --image-size")?;
    Ok(DerivedNetwork::new(&genotype, &space, &skeleton, &Operations::built_in(), &streams, &device)?)
}

/// Times passes over batches of each size.
fn times(args: &Args, pass: impl Fn(&Tensor) -> Result<(), Error>) -> Result<ExitCode, Error> {
    for &batch in &args.batch {
        let images = Tensor::randn(0f32, 1f32, (batch, args.image_size, args.image_size, 3), &Device::Cpu)?;
        let mut times = Vec::with_capacity(args.runs);
        for run in 0..args.runs.max(1) + 2 {
            let start = Instant::now();
            pass(&images)?;
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
