//! Searches for a cell: the paper's Algorithm 1 on the embedded images, on CIFAR, MNIST or a folder of images.
//!
//! ```text
//! cargo run --release --example cifar_search
//! cargo run --release --example cifar_search -- --data cifar-10-batches-bin --preset paper
//! cargo run --release --example cifar_search -- --then-train
//! ```

mod common;
#[path = "common/open_report.rs"]
mod open_report;
#[path = "common/then_train.rs"]
mod then_train;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};
use common::{Error, host::HostArgs};
use eoinas_core::run_folder::names;
use eoinas_data::SourceKind;
use eoinas_train::{
    Found, Outcome, Preset, RunDir, Search, SearchConfig, SearchOptions, Seeds, StopReason, StopRule, TrainConfig,
    TrainOutcome, Trained, config::MethodKind, data::open_dataset, stop::MaxSteps,
};

/// Search for a cell by operation importance (EoiNAS).
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Folder of the images; without it the embedded set is used.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// embedded, cifar10, cifar100, mnist or folder (one subfolder per class) [default: cifar10 with --data, else embedded]
    #[arg(long)]
    dataset: Option<SourceKind>,
    /// Settings to start from: paper, authors or quick.
    #[arg(long, default_value = "quick")]
    preset: Preset,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Search with so many seeds and pick the best cell by validation.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// Passes over the training half.
    #[arg(long)]
    epochs: Option<usize>,
    /// Images in a step.
    #[arg(long)]
    batch_size: Option<usize>,
    /// Initial number of channels C.
    #[arg(long)]
    channels: Option<usize>,
    /// Number of cells L.
    #[arg(long)]
    cells: Option<usize>,
    /// Use only so many training images, both halves together; 0: all.
    #[arg(long)]
    train_images: Option<usize>,
    /// The search method: eoinas, gdas, darts, darts2, snas, uniform, mdenas, pdarts, pc-darts, rome, random-ws,
    /// eoinas-scale-free or gdas-pruning.
    #[arg(long, default_value_t = MethodKind::Eoinas)]
    method: MethodKind,
    /// One sampled op an edge, or all of them weighted [default: the preset's]
    #[arg(long, value_enum)]
    path: Option<Path>,
    /// Paths drawn for each update, of which it takes the mean gradient [default: 1]
    #[arg(long)]
    paths_per_step: Option<usize>,
    /// Search with 1/K of the channels in every op, as PC-DARTS with K = 4 [default: all of them]
    #[arg(long, value_name = "K")]
    partial_channels: Option<usize>,
    /// What the edges that enter a node are weighed by [default: equal]
    #[arg(long, value_enum)]
    edges: Option<Edges>,
    /// Then train the network of the found cell from scratch with the preset `quick`, measure it and save it.
    #[arg(long)]
    then_train: bool,
    /// Epochs of that training [default: the preset's]
    #[arg(long, requires = "then_train")]
    train_epochs: Option<usize>,
    #[command(flatten)]
    host: HostArgs,
    /// Folder for the files of the run, which must not exist [default: runs/search-...]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder, with the settings it was started with.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["data", "dataset", "preset", "seed", "seeds", "epochs",
        "batch_size", "channels", "cells", "train_images", "method", "path", "paths_per_step", "partial_channels",
        "edges", "out", "download", "then_train", "train_epochs"])]
    resume: Option<PathBuf>,
    /// Stop after so many steps of this session; the run can be resumed.
    #[arg(long)]
    max_steps: Option<u64>,
    /// Fetch CIFAR to --data [default: data] when it is not there.
    #[arg(long)]
    download: bool,
    #[command(flatten)]
    page: open_report::OpenReport,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Path {
    Sampled,
    Mixture,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Edges {
    /// All count alike.
    Equal,
    /// By the softmax of their parameters (PC-DARTS).
    Normalised,
    /// Two of them are sampled (ROME).
    Sampled,
}

fn main() -> ExitCode {
    common::end(run(&Args::parse()))
}

fn run(args: &Args) -> Result<ExitCode, Error> {
    args.page.check()?;
    let host = args.host.open()?;
    let limit = || args.max_steps.map(|steps| Box::new(MaxSteps(steps)) as Box<dyn StopRule>);
    let options = |_seed| {
        let mut options = host.search_options();
        options.rules.extend(limit());
        options
    };
    let (folder, outcome, trained) = args.host.run(|| {
        let (folder, outcome) = search(args, options)?;
        let planned = folder.join(names::TRAINING_PLAN).exists() && matches!(outcome, Outcome::Found(_));
        let mut options = host.train_options();
        options.rules.extend(limit());
        let train = || then_train::train(&RunDir::open(&folder)?, &folder, options);
        let trained = planned.then(train).transpose()?;
        Ok((folder, outcome, trained))
    })?;
    let code = report(args, &folder, &outcome, trained.as_ref())?;
    args.page.end(&folder);
    Ok(code)
}

/// Runs one search or several; returns where its files are.
fn search(args: &Args, options: impl Fn(u64) -> SearchOptions) -> Result<(PathBuf, Outcome), Error> {
    if let Some(path) = &args.resume {
        if path.join(names::TRAINING_PLAN).exists()
            && let Some(found) = RunDir::open(path)?.result()?
        {
            return Ok((path.clone(), Outcome::Found(found)));
        }
        let outcome = if Seeds::is_in(path) {
            let (seeds, dir) = Seeds::open(path)?;
            seeds.run(&dir, options)?
        } else {
            Search::resume(path, options(0))?.run()?
        };
        return Ok((path.clone(), outcome));
    }
    let config = config(args)?;
    let training = args.then_train.then(|| training(args, &config)).transpose()?;
    let name = format!("search-{}-{}", config.data.dataset, config.preset);
    let dir = || match &args.out {
        Some(out) => RunDir::create(out),
        None => RunDir::create_unique("runs".as_ref(), &name),
    };
    if args.seeds == 1 {
        let mut search = Search::create_in(config, dir, options(args.seed))?;
        if let Some(training) = &training {
            search.run_dir().write_json(names::TRAINING_PLAN, training)?;
        }
        let outcome = search.run()?;
        return Ok((search.run_dir().path().to_owned(), outcome));
    }
    config.validate()?;
    let dir = dir()?;
    let seeds = Seeds::new(config, args.seeds);
    seeds.create(&dir)?;
    if let Some(training) = &training {
        dir.write_json(names::TRAINING_PLAN, training)?;
    }
    Ok((dir.path().to_owned(), seeds.run(&dir, options)?))
}

/// As it is on the command line.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn config(args: &Args) -> Result<SearchConfig, Error> {
    let mut config = args.preset.config();
    config.seed = args.seed;
    config.epochs = args.epochs.unwrap_or(config.epochs);
    config.batch_size = args.batch_size.unwrap_or(config.batch_size);
    config.network.channels = args.channels.unwrap_or(config.network.channels);
    config.network.cells = args.cells.unwrap_or(config.network.cells);
    config = config.with_method(args.method);
    // Of the method, which refuses by name what it does not have.
    let own = [
        ("partial_channels", args.partial_channels.map(|share| share.to_string())),
        ("edges", args.edges.map(|edges| name(&edges))),
        ("paths_per_step", args.paths_per_step.map(|paths| paths.to_string())),
        ("path", args.path.map(|path| name(&path))),
    ];
    for (setting, value) in own {
        config = value.map_or(Ok(config.clone()), |value| config.with_setting(setting, &value))?;
    }
    if let Some(images) = args.train_images {
        config.data.train_images = (images > 0).then_some(images);
    }
    let has_data = args.data.is_some() || args.download;
    config.data.dataset = args.dataset.unwrap_or(if has_data { SourceKind::Cifar10 } else { SourceKind::Embedded });
    config.data.dir = args.data.clone();
    if args.download {
        config.data.dir = Some(download(config.data.dataset, args.data.clone().unwrap_or_else(|| "data".into()))?);
    }
    Ok(config)
}

/// Settings of the training that follows, on the images of the search.
fn training(args: &Args, search: &SearchConfig) -> Result<TrainConfig, Error> {
    let data = &search.data;
    let available = open_dataset(data)?.len();
    let mut config = TrainConfig::quick();
    config.seed = search.seed;
    config.data.dataset = data.dataset;
    config.data.dir = data.dir.clone();
    config.data.train_images = data.train_images;
    config.data.image_size = data.image_size;
    config.data.skip_unreadable = data.skip_unreadable;
    config.epochs = args.train_epochs.unwrap_or(config.epochs);
    let config =
        then_train::with_batch_for(config, data.train_images.map_or(available, |images| images.min(available)));
    config.validate()?;
    Ok(config)
}

#[cfg(feature = "download")]
fn download(dataset: SourceKind, dir: PathBuf) -> Result<PathBuf, Error> {
    use eoinas_data::download::{Archive, fetch};
    let archive = match dataset {
        SourceKind::Cifar10 => Archive::cifar10(),
        SourceKind::Cifar100 => Archive::cifar100(),
        other => return Err(format!("--download fetches cifar10 and cifar100, not {other}").into()),
    };
    let style = indicatif::ProgressStyle::with_template("{bar:24} {bytes}/{total_bytes} {eta} left")?;
    let bar = indicatif::ProgressBar::new(0).with_style(style);
    let folder = fetch(&archive, &dir, &mut |progress| {
        bar.set_length(progress.total.unwrap_or(progress.done));
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    Ok(folder?)
}

#[cfg(not(feature = "download"))]
fn download(_: SourceKind, _: PathBuf) -> Result<PathBuf, Error> {
    Err("this program was built without the feature `download`; build it with it, or fetch the files by hand".into())
}

fn report(
    args: &Args,
    path: &std::path::Path,
    outcome: &Outcome,
    trained: Option<&TrainOutcome>,
) -> Result<ExitCode, Error> {
    let folder = path.display();
    let stopped = match (outcome, trained) {
        (Outcome::Stopped(reason), _) | (_, Some(TrainOutcome::Stopped(reason))) => Some(reason),
        _ => None,
    };
    let (code, json) = match (outcome, stopped) {
        (Outcome::Found(found), None) => {
            let trained = match trained {
                Some(TrainOutcome::Trained(trained)) => Some(trained),
                _ => None,
            };
            if !args.json {
                print_found(found, &folder, trained);
                if let Some(trained) = trained {
                    then_train::print_trained(&RunDir::open(path)?, trained);
                }
            }
            let mut json = serde_json::to_value(found)?;
            json["run"] = folder.to_string().into();
            if let Some(trained) = trained {
                json["trained"] = serde_json::to_value(trained)?;
            }
            (ExitCode::SUCCESS, json)
        }
        (_, Some(reason)) | (Outcome::Stopped(reason), None) => {
            eprintln!("stopped: {reason}");
            let resume = format!("cargo run --release --example cifar_search -- --resume {folder}");
            let spoilt = matches!(reason, StopReason::NonFinite { .. });
            eprintln!("{}: {resume}", if spoilt { "the last good state can be resumed with" } else { "go on with" });
            (
                common::exit_code(reason),
                serde_json::json!({ "stopped": reason.name(), "run": folder.to_string(), "resume": resume }),
            )
        }
    };
    if args.json {
        println!("{json}");
    }
    Ok(code)
}

fn print_found(found: &Found, folder: &std::path::Display<'_>, trained: Option<&Trained>) {
    println!("{}", found.genotype);
    println!(
        "validation accuracy of the derived network with the search's weights: {:.2} % (seed {}, {} epochs, {:.0} s)",
        100.0 * found.validation_accuracy,
        found.seed,
        found.epochs,
        found.seconds
    );
    println!(
        "the network to train with it: {:.2} M parameters, {:.0} M multiply-adds",
        found.parameters as f64 / 1e6,
        found.multiply_adds as f64 / 1e6
    );
    println!("files: {folder}");
    if trained.is_some() {
        return;
    }
    println!("train it: cargo run --release --example train_cell -- --genotype {folder}/genotype.txt");
}
