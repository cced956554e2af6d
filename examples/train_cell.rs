//! Trains the network of a cell from scratch and measures it on the test part: of a found cell, or of random ones to
//! compare it with.
//!
//! ```text
//! cargo run --release --example train_cell -- --genotype runs/search-embedded-quick/genotype.txt
//! cargo run --release --example train_cell -- --random 5
//! ```

use std::{path::PathBuf, process::ExitCode, time::Instant};

use candle_core::Device;
use clap::{ArgGroup, Parser};
use eoinas_core::{
    Genotype, Schedule, SearchSpace, SeedStream, Skeleton, Streams, count,
    schedule::{Cosine, Linear},
};
use eoinas_data::{Augment, Loader, LoaderConfig, Part, Source, SourceKind, split};
use eoinas_nn::{Batch, DerivedNetwork, Operations, PassOptions, Sgd};
use eoinas_train::{machine::with_threads, tally::Tally};

/// Train the network of a cell from scratch and measure it on the test images.
#[derive(Debug, Parser)]
#[command(version, group = ArgGroup::new("cell").required(true))]
struct Args {
    /// File with a genotype, in any of its text forms.
    #[arg(long, group = "cell", value_name = "FILE")]
    genotype: Option<PathBuf>,
    /// Train so many random cells instead, and print mean and deviation.
    #[arg(long, group = "cell", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    random: Option<u64>,
    /// embedded, cifar10, cifar100, mnist or folder.
    #[arg(long, default_value = "embedded")]
    dataset: SourceKind,
    /// Folder of the images; the embedded set needs none.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Use only so many training images, balanced over the classes.
    #[arg(long, default_value_t = 5000)]
    train_images: usize,
    /// Passes over the training images.
    #[arg(long, default_value_t = 10)]
    epochs: usize,
    /// Images in a step.
    #[arg(long, default_value_t = 64)]
    batch_size: usize,
    /// Initial number of channels C; the paper trains with 36.
    #[arg(long, default_value_t = 8)]
    channels: usize,
    /// Number of cells L; the paper trains with 20.
    #[arg(long, default_value_t = 5)]
    cells: usize,
    /// Largest probability of dropping a path, reached at the end.
    #[arg(long, default_value_t = 0.0)]
    drop_path: f64,
    /// Everything random follows from it; random cells differ by it too.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Threads of the kernels [default: all cores]
    #[arg(long)]
    threads: Option<usize>,
}

type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let args = Args::parse();
    match with_threads(args.threads, || run(&args)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => fail(&error),
        Err(error) => fail(&error.into()),
    }
}

fn fail(error: &Error) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::FAILURE
}

fn run(args: &Args) -> Result<(), Error> {
    let space = SearchSpace::darts();
    let accuracies = match (&args.genotype, args.random) {
        (Some(file), _) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| format!("cannot read the genotype in {}: {error}", file.display()))?;
            let genotype = Genotype::parse_in(&text, &space).map_err(|error| format!("{}: {error}", file.display()))?;
            vec![train(args, &space, &genotype, args.seed)?]
        }
        (None, count) => (0..count.unwrap_or(1))
            .map(|index| {
                let seed = args.seed + index;
                let mut rng = Streams::new(seed).rng(SeedStream::Named("random cell"), 0, 0);
                train(args, &space, &Genotype::random(&space, &mut rng), seed)
            })
            .collect::<Result<Vec<_>, _>>()?,
    };
    let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
    let squares: f64 = accuracies.iter().map(|accuracy| (accuracy - mean).powi(2)).sum();
    let deviation = (squares / (accuracies.len().max(2) - 1) as f64).sqrt();
    println!("test accuracy {:.2} +- {:.2} % over {} cell(s)", 100.0 * mean, 100.0 * deviation, accuracies.len());
    Ok(())
}

/// Trains one network and returns its accuracy on the test part.
fn train(args: &Args, space: &SearchSpace, genotype: &Genotype, seed: u64) -> Result<f64, Error> {
    let streams = Streams::new(seed);
    let device = Device::Cpu;
    let source = Source::new(args.dataset, args.data.clone());
    let (data, test) = (source.open(Part::Train)?, source.open(Part::Test)?);
    let images = args.train_images.min(data.len());
    let indices = split::balanced_subset(&split::labels(data.as_ref())?, images, &streams)?;
    let info = data.info().clone();
    let skeleton = Skeleton { channels: args.channels, cells: args.cells, ..Skeleton::cifar() }
        .with_classes(info.classes.len())
        .with_image(info.channels, info.height, info.width);
    skeleton.validate(space)?;
    let counts = count::network(genotype, &skeleton, space)?;
    println!("{genotype}");
    println!(
        "{} images, C = {}, {} cells, seed {seed}: {} parameters, {} multiply-adds",
        images, args.channels, args.cells, counts.parameters, counts.multiply_adds
    );

    let augment = Augment { flip: info.flip, ..Augment::search() };
    let config = LoaderConfig { batch_size: args.batch_size, augment, ..LoaderConfig::new(indices, streams) };
    let loader = Loader::new(data, config)?;
    let order = LoaderConfig { shuffle: false, ..LoaderConfig::new((0..test.len()).collect(), streams) };
    let test = Loader::new(test, order)?;

    let mut network = DerivedNetwork::new(genotype, space, &skeleton, &Operations::built_in(), &streams, &device)?;
    let (rate, drop) = (Cosine { start: 0.025, end: 0.0 }, Linear::new(0.0, args.drop_path)?);
    let epochs = args.epochs as f64;
    let start = Instant::now();
    for epoch in 0..args.epochs {
        let options = PassOptions {
            drop_path: drop.value(epoch as f64, epochs) as f32,
            streams,
            epoch: epoch as u64,
            ..PassOptions::default()
        };
        let mut tally = Tally::default();
        for (step, batch) in loader.epoch(epoch as u64, 0).enumerate() {
            let output =
                network.train_pass(&tensor(batch?, &device)?, &PassOptions { step: step as u64, ..options })?;
            tally.add(Tally::from(&output));
            if let Some(gradients) = &output.weight_gradients {
                Sgd::default().step(network.parameters_mut(), gradients, rate.value(epoch as f64, epochs))?;
            }
        }
        let seconds = start.elapsed().as_secs_f64();
        let (loss, accuracy) = (tally.mean_loss().unwrap_or(f64::NAN), tally.accuracy().unwrap_or(0.0));
        println!("epoch {epoch:3}  train loss {loss:.3}  train accuracy {:.2} %  {seconds:.0} s", 100.0 * accuracy);
    }
    let mut tally = Tally::default();
    for batch in test.epoch(0, 0) {
        tally.add(Tally::from(&network.evaluate(&tensor(batch?, &device)?)?));
    }
    let accuracy = tally.accuracy().unwrap_or(0.0);
    println!("test accuracy {:.2} % over {} images", 100.0 * accuracy, tally.samples);
    Ok(accuracy)
}

fn tensor(batch: eoinas_data::Batch, device: &Device) -> Result<Batch, Error> {
    let shape = (batch.n, batch.h, batch.w, batch.c);
    Ok(Batch::from_pixels(batch.images, shape, batch.labels, device)?)
}
