//! Trains the network of a cell from scratch and measures it on the test part: of a found or a published cell, or of
//! random ones to compare it with.
//!
//! ```text
//! cargo run --release --example train_cell -- --genotype runs/search-embedded-quick/genotype.txt
//! cargo run --release --example train_cell -- --random 5
//! cargo run --release --example train_cell -- --genotype darts-v2 --dataset cifar10 --data DIR --preset paper-cifar
//! ```

mod common;
#[path = "common/open_report.rs"]
mod open_report;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{ArgGroup, Parser};
use common::{Error, host::HostArgs};
use eoinas_core::{Genotype, SearchSpace, run_folder::names, schedule::Warmup, zoo};
use eoinas_data::SourceKind;
use eoinas_train::{
    RunDir, StopReason, TrainConfig, TrainOptions, TrainOutcome, TrainPreset, Trained, Training, Trials,
    stop::MaxSteps, training::TrialsOutcome,
};

/// Train the network of a cell from scratch and measure it on the test images.
#[derive(Debug, Parser)]
#[command(version, group = ArgGroup::new("cell").required(true))]
struct Args {
    /// A file with a genotype in any of its text forms, or the name of a published cell: darts-v2, eoinas-a, ...
    #[arg(long, group = "cell", value_name = "FILE|NAME")]
    genotype: Option<String>,
    /// Train so many random cells instead, and print mean and deviation.
    #[arg(long, group = "cell", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    random: Option<u64>,
    /// Go on with the run in this folder, with the settings it was started with.
    #[arg(long, group = "cell", value_name = "DIR", conflicts_with_all = ["dataset", "data", "preset", "train_images",
        "test_images", "image_size", "skip_unreadable", "epochs", "batch_size", "channels", "cells", "drop_path",
        "cutout", "auxiliary", "label_smoothing", "accumulate", "ema", "warm_up", "seed", "seeds", "out"])]
    resume: Option<PathBuf>,
    /// embedded, cifar10, cifar100, mnist or folder (one subfolder per class) [default: the preset's; else embedded]
    #[arg(long)]
    dataset: Option<SourceKind>,
    /// Folder of the images; the embedded set needs none.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Settings to start from: paper-cifar, paper-imagenet or quick.
    #[arg(long, default_value = "quick")]
    preset: TrainPreset,
    /// Use only so many training images, balanced over the classes.
    #[arg(long)]
    train_images: Option<usize>,
    /// Use only so many test images.
    #[arg(long)]
    test_images: Option<usize>,
    /// Height and width that the pictures of a folder get; from 64 on random windows are cut from them.
    #[arg(long)]
    image_size: Option<usize>,
    /// Leave out unreadable images of a folder, and name them, instead of ending.
    #[arg(long)]
    skip_unreadable: bool,
    /// Passes over the training images.
    #[arg(long)]
    epochs: Option<usize>,
    /// Images in a mini-batch.
    #[arg(long)]
    batch_size: Option<usize>,
    /// Initial number of channels C.
    #[arg(long)]
    channels: Option<usize>,
    /// Number of cells L.
    #[arg(long)]
    cells: Option<usize>,
    /// Largest probability of dropping a path, reached at the end.
    #[arg(long)]
    drop_path: Option<f64>,
    /// Side of the square that is cut out of training images, in pixels.
    #[arg(long)]
    cutout: Option<usize>,
    /// Weight of the auxiliary head's loss; 0: no such head.
    #[arg(long)]
    auxiliary: Option<f64>,
    /// Label smoothing of the training loss.
    #[arg(long)]
    label_smoothing: Option<f64>,
    /// Mini-batches in an update.
    #[arg(long)]
    accumulate: Option<usize>,
    /// Decay of a moving average of the weights, which is evaluated too; 0.999 for example.
    #[arg(long, value_name = "DECAY")]
    ema: Option<f64>,
    /// Epochs in which the learning rate rises to its first value.
    #[arg(long, value_name = "EPOCHS")]
    warm_up: Option<f64>,
    /// Everything random follows from it; random cells differ by it too.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Train with so many seeds, and print mean and deviation.
    #[arg(long, default_value_t = 1, conflicts_with = "random", value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    #[command(flatten)]
    host: HostArgs,
    /// Folder for the files of the run, which must not exist [default: runs/train-...]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Stop after so many steps of this session; the run can be resumed.
    #[arg(long)]
    max_steps: Option<u64>,
    #[command(flatten)]
    page: open_report::OpenReport,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    common::end(run(&Args::parse()))
}

fn run(args: &Args) -> Result<ExitCode, Error> {
    args.page.check()?;
    let host = args.host.open()?;
    let options = || {
        let mut options = host.train_options();
        options.rules.extend(args.max_steps.map(|steps| Box::new(MaxSteps(steps)) as _));
        options
    };
    let (folder, outcome) = args.host.run(|| train(args, options))?;
    let code = report(args, &folder, &outcome)?;
    args.page.end(&folder);
    Ok(code)
}

/// Trains one network or several; returns where the files are.
fn train(args: &Args, options: impl Fn() -> TrainOptions) -> Result<(PathBuf, TrialsOutcome), Error> {
    if let Some(path) = &args.resume {
        let outcome = if Trials::is_in(path) {
            let (trials, dir) = Trials::open(path)?;
            trials.run(&dir, |_| options())?
        } else {
            single(Training::resume(path, options())?.run()?)
        };
        return Ok((path.clone(), outcome));
    }
    let config = config(args);
    let name = format!("train-{}-{}", config.data.dataset, config.preset);
    let dir = || match &args.out {
        Some(out) => RunDir::create(out),
        None => RunDir::create_unique("runs".as_ref(), &name),
    };
    let trials = match (&args.genotype, args.random) {
        (Some(text), _) if args.seeds == 1 => {
            let mut training = Training::create_in(config, genotype(text)?, dir, options())?;
            let outcome = training.run()?;
            return Ok((training.run_dir().path().to_owned(), single(outcome)));
        }
        (Some(text), _) => Trials::seeds(config, &genotype(text)?, args.seeds),
        (None, count) => Trials::random(config, &SearchSpace::darts(), count.unwrap_or(1)),
    };
    trials.check(options())?;
    let dir = dir()?;
    trials.create(&dir)?;
    Ok((dir.path().to_owned(), trials.run(&dir, |_| options())?))
}

fn single(outcome: TrainOutcome) -> TrialsOutcome {
    match outcome {
        TrainOutcome::Trained(trained) => TrialsOutcome::Trained(vec![trained]),
        TrainOutcome::Stopped(reason) => TrialsOutcome::Stopped(reason),
    }
}

/// From a file, or of a published cell.
fn genotype(text: &str) -> Result<Genotype, Error> {
    if !Path::new(text).exists() {
        let published = zoo::find(text).map_err(|error| format!("there is no file {text}, and {error}"))?;
        return Ok(published.genotype());
    }
    let file = std::fs::read_to_string(text).map_err(|error| format!("cannot read the genotype in {text}: {error}"))?;
    Ok(Genotype::parse(&file).map_err(|error| format!("{text}: {error}"))?)
}

fn config(args: &Args) -> TrainConfig {
    let mut config = args.preset.config();
    config.data.dataset = args.dataset.unwrap_or(config.data.dataset);
    if let Some(size) = args.image_size {
        let pictures = size >= 64 && config.data.dataset == SourceKind::Folder && config.augment.crop.is_none();
        config = if pictures { config.for_pictures(size) } else { config };
        config.data.image_size = Some(size);
    }
    config.seed = args.seed;
    config.data.dir = args.data.clone();
    config.data.train_images = args.train_images;
    config.data.test_images = args.test_images;
    config.data.skip_unreadable = args.skip_unreadable;
    set(&mut config.epochs, args.epochs);
    set(&mut config.batch_size, args.batch_size);
    set(&mut config.network.channels, args.channels);
    set(&mut config.network.cells, args.cells);
    set(&mut config.drop_path, args.drop_path);
    set(&mut config.augment.cutout, args.cutout);
    set(&mut config.auxiliary, args.auxiliary);
    set(&mut config.label_smoothing, args.label_smoothing);
    set(&mut config.accumulate, args.accumulate);
    config.average = args.ema.or(config.average);
    if let Some(epochs) = args.warm_up {
        let then = Box::new(config.weights.learning_rate.clone());
        config.weights.learning_rate = Warmup { epochs, start: 0.0, then }.into();
    }
    config
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn report(args: &Args, folder: &Path, outcome: &TrialsOutcome) -> Result<ExitCode, Error> {
    let folder = folder.display().to_string();
    let (code, json) = match outcome {
        TrialsOutcome::Trained(all) => {
            let (mean, deviation) = outcome.accuracy().unwrap_or_default();
            if !args.json {
                all.iter().for_each(print_trained);
                if all.len() > 1 || args.random.is_some() {
                    let (mean, deviation) = (100.0 * mean, 100.0 * deviation);
                    println!("test accuracy {mean:.2} +- {deviation:.2} % over {} training(s)", all.len());
                }
                println!("files: {folder}");
                if all.len() == 1 {
                    println!("the network to use: {folder}/{}", names::NETWORK);
                }
            }
            (
                ExitCode::SUCCESS,
                serde_json::json!({ "mean": mean, "deviation": deviation, "trained": all, "run": folder }),
            )
        }
        TrialsOutcome::Stopped(reason) => {
            eprintln!("stopped: {reason}");
            let resume = format!("cargo run --release --example train_cell -- --resume {folder}");
            let spoilt = matches!(reason, StopReason::NonFinite { .. });
            eprintln!("{}: {resume}", if spoilt { "the last good state can be resumed with" } else { "go on with" });
            (
                common::exit_code(reason),
                serde_json::json!({ "stopped": reason.name(), "run": folder, "resume": resume }),
            )
        }
    };
    if args.json {
        println!("{json}");
    }
    Ok(code)
}

fn print_trained(trained: &Trained) {
    println!("{}", trained.genotype);
    println!(
        "{:.2} M parameters, {:.0} M multiply-adds; {} images, {} epochs, seed {}, {:.0} s",
        trained.parameters as f64 / 1e6,
        trained.multiply_adds as f64 / 1e6,
        trained.train_images,
        trained.epochs,
        trained.seed,
        trained.seconds
    );
    let averaged = trained.averaged_accuracy.map(|value| format!(", averaged weights {:.2} %", 100.0 * value));
    println!(
        "test accuracy {:.2} % (top-5 {:.2} %{}; best epoch {}: {:.2} %) over {} images",
        100.0 * trained.accuracy,
        100.0 * trained.top5,
        averaged.unwrap_or_default(),
        trained.best_epoch + 1,
        100.0 * trained.best_accuracy,
        trained.test_images
    );
}
