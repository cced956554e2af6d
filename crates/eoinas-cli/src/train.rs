//! `eoinas train`: the network of a cell from scratch, of a found or a published one, or of random ones to compare with.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::ArgGroup;
use eoinas_core::{SearchSpace, Setting, run_folder::names, schedule::Warmup};
use eoinas_train::{Outcome, RunWriter, Runs, TrainConfig, TrainPreset, Trained, Training, Trials, batch};
use serde_json::json;

use crate::{
    Error, MOST_RUNS, Start, cell, choices,
    config_file::{self, ConfigFile, set},
    data::{ImageFlags, has_windows},
    end,
    host::{Host, HostArgs},
    latency,
    limits::{self, LimitFlags, in_words},
    out,
    out::say,
    page::PageArgs,
    resume,
};

/// Train the network of a cell from scratch and measure it on the test images.
///
/// The run's folder has the network (network/, which `eoinas classify` and `eoinas export` read), the settings, a record of
/// every event, and checkpoints: a run that was stopped goes on to the same bytes with --resume.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("cell").required(true), after_help = "\
Examples:
  eoinas train --genotype runs/search-embedded-quick/genotype.txt
  eoinas train --genotype darts-v2 --dataset cifar10 --data cifar-10-batches-bin --preset paper-cifar
  eoinas train --random 5
  eoinas train --resume runs/train-embedded-quick
  eoinas train --preset paper-cifar --print-config > mine.toml
  eoinas train --genotype darts-v2 --config mine.toml --epochs 100")]
pub struct Args {
    /// A file with a genotype in any of its text forms, the name of a published cell (darts-v2, eoinas-a, ...), or the
    /// genotype itself
    #[arg(long, help_heading = "Cell", group = "cell", value_name = "FILE|NAME")]
    genotype: Option<PathBuf>,
    /// Train so many random cells instead, and print mean and deviation.
    #[arg(long, help_heading = "Cell", group = "cell", value_name = "N", value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS))]
    random: Option<u64>,
    /// Go on with the run in this folder, with the settings it was started with.
    #[arg(long, help_heading = "Run", group = "cell", value_name = "DIR", conflicts_with_all = ["dataset", "data", "preset", "train_images",
        "test_images", "image_size", "skip_unreadable", "max_pixels", "labels", "epochs", "batch_size", "channels", "cells", "multiply_adds",
        "max_parameters", "max_multiply_adds", "max_latency", "time", "drop_path",
        "cutout", "auxiliary", "label_smoothing", "accumulate", "ema", "warm_up", "config", "seed", "seeds", "out"])]
    resume: Option<PathBuf>,
    #[command(flatten)]
    images: ImageFlags,
    /// Settings to start from [default: that of --config, else quick]
    #[arg(long, help_heading = "Settings", value_parser = choices::train_presets())]
    preset: Option<TrainPreset>,
    /// File with settings, of which flags are the stronger: TOML with the names of config.json, or a config.json.
    #[arg(long, help_heading = "Settings", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the settings as a file for --config, and do nothing.
    #[arg(long, help_heading = "Settings", group = "cell", conflicts_with_all = ["seeds", "out", "max_steps", "json",
        "open_report"])]
    print_config: bool,
    /// Use only so many training images, balanced over the classes.
    #[arg(long, help_heading = "Images")]
    train_images: Option<usize>,
    /// Use only so many test images.
    #[arg(long, help_heading = "Images")]
    test_images: Option<usize>,
    /// Passes over the training images.
    #[arg(long, help_heading = "Settings")]
    epochs: Option<usize>,
    /// Fit all trainings together to a time, such as 20m or 1h 30m: some steps are measured, then epochs are chosen once.
    #[arg(long, value_parser = crate::time::parse, conflicts_with_all = ["epochs", "print_config"], help_heading = "Settings")]
    time: Option<Duration>,
    /// Images in a mini-batch.
    #[arg(long, help_heading = "Settings")]
    batch_size: Option<usize>,
    /// Initial number of channels C.
    #[arg(long, help_heading = "Settings", conflicts_with_all = ["max_parameters", "max_multiply_adds"])]
    channels: Option<usize>,
    /// Number of cells L.
    #[arg(long, help_heading = "Settings")]
    cells: Option<usize>,
    /// Give each network the number of channels with which it comes closest to so many multiply-adds an image (30M, for
    /// example), so that cells are compared at equal cost.
    #[arg(long, help_heading = "Settings", value_name = "N", conflicts_with_all = ["channels", "max_parameters", "max_multiply_adds", "max_latency"], value_parser = limits::number)]
    multiply_adds: Option<u64>,
    #[command(flatten)]
    limits: LimitFlags,
    /// Largest probability of dropping a path, reached at the end.
    #[arg(long, help_heading = "Settings")]
    drop_path: Option<f64>,
    /// Side of the square that is cut out of training images, in pixels.
    #[arg(long, help_heading = "Settings")]
    cutout: Option<usize>,
    /// Weight of the auxiliary head's loss; 0: no such head.
    #[arg(long, help_heading = "Settings")]
    auxiliary: Option<f64>,
    /// Label smoothing of the training loss.
    #[arg(long, help_heading = "Settings")]
    label_smoothing: Option<f64>,
    /// Mini-batches in an update.
    #[arg(long, help_heading = "Settings")]
    accumulate: Option<usize>,
    /// Decay of a moving average of the weights, which is evaluated too; 0.999 for example.
    #[arg(long, help_heading = "Settings", value_name = "DECAY")]
    ema: Option<f64>,
    /// Epochs in which the learning rate rises to its first value.
    #[arg(long, help_heading = "Settings", value_name = "EPOCHS")]
    warm_up: Option<f64>,
    /// Everything random follows from it; random cells differ by it too [default: 0]
    #[arg(long, help_heading = "Settings")]
    seed: Option<u64>,
    /// Train with so many seeds, and print mean and deviation.
    #[arg(long, help_heading = "Settings", default_value_t = 1, conflicts_with = "random", value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS))]
    seeds: u64,
    /// Folder for the files of the run, which must not exist [default: runs/train-...]
    #[arg(long, value_parser = crate::start::path(), help_heading = "Run", value_name = "DIR")]
    out: Option<PathBuf>,
    /// Stop after so many steps of this session; the run can be resumed.
    #[arg(long, help_heading = "Run")]
    max_steps: Option<u64>,
    /// Print one JSON object as the last line.
    #[arg(long, help_heading = "Run")]
    json: bool,
    #[command(flatten, next_help_heading = "Run")]
    page: PageArgs,
    #[command(flatten)]
    host: HostArgs,
}

/// Trains one network or several.
///
/// # Errors
/// A cell or settings that cannot work; a run that fails.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    if args.print_config {
        let (base, config) = config(args)?;
        out::text(&config_file::to_toml(&config, &base)?);
        return Ok(ExitCode::SUCCESS);
    }
    args.page.check()?;
    args.resume.as_deref().map_or(Ok(()), |path| resume::check(path, "train", start))?;
    let host = args.host.open()?.with_max_steps(args.max_steps);
    let (folder, outcome) = args.host.run(|| train(args, &host))?;
    let code = report(args, &folder, &outcome, start)?;
    args.page.end(&folder);
    Ok(code)
}

/// Trains one network or several; returns where the files are.
fn train(args: &Args, host: &Host) -> Result<(PathBuf, Outcome<Vec<Trained>>), Error> {
    if let Some(path) = &args.resume {
        let outcome = if Trials::is_in(path) {
            let (trials, dir) = Trials::open(path)?;
            trials.run(&dir, |_| host.options())?
        } else {
            Training::resume(path, host.options())?.run()?.map(|trained| vec![trained])
        };
        return Ok((path.clone(), outcome));
    }
    let begun = Instant::now();
    let (_, mut config) = config(args)?;
    if args.limits.limit_latency() {
        let space = match &args.genotype {
            Some(text) => cell::read(text)?.space()?,
            None => SearchSpace::darts(),
        };
        let skeleton = config.unlimited_for(&mut host.options())?;
        config.limits = args.limits.with_latency(config.limits, &skeleton, &space, host)?;
    }
    if let Some(time) = args.time {
        let time = time.saturating_sub(begun.elapsed());
        let cells = match &args.genotype {
            Some(text) => vec![cell::read(text)?; args.seeds as usize],
            None => (0..args.random.unwrap_or(1))
                .map(|index| batch::random_cell(&SearchSpace::darts(), config.seed.wrapping_add(index)))
                .collect(),
        };
        let fitted = config.fitted_to(time, &cells, || host.options())?;
        host.tell(&fitted.note);
        config = fitted.config;
    }
    let name = format!("train-{}-{}", config.data.dataset, config.preset);
    let dir = || match &args.out {
        Some(out) => RunWriter::create(out),
        None => RunWriter::create_unique("runs".as_ref(), &name),
    };
    let trials = match (&args.genotype, args.random) {
        (Some(text), _) if args.seeds == 1 => {
            let mut training = Training::create_in((config, cell::read(text)?), dir, host.options())?;
            let outcome = training.run()?.map(|trained| vec![trained]);
            return Ok((training.run_dir().path().to_owned(), outcome));
        }
        (Some(text), _) => Trials::seeds(config, &cell::read(text)?, args.seeds),
        (None, count) => Trials::random(config, &SearchSpace::darts(), count.unwrap_or(1)),
    };
    trials.check(host.options())?;
    let mut dir = dir()?;
    trials.create(&mut dir)?;
    Ok((dir.path().to_owned(), trials.run(&dir, |_| host.options())?))
}

/// The settings that flags and file ask for, and those of the preset below them.
fn config(args: &Args) -> Result<(TrainConfig, TrainConfig), Error> {
    let file = ConfigFile::read(args.config.as_deref())?;
    let preset = args.preset.or(file.get("preset")?).unwrap_or(TrainPreset::Quick);
    let base = preset.config();
    let mut config = file.over(&base)?;
    config.preset = preset;
    let below = (config.data.dataset, config.data.dir.take());
    (config.data.dataset, config.data.dir) = args.images.choose(None, &file, below)?;
    if let Some(size) = args.images.image_size {
        let pictures = has_windows(config.data.dataset, size) && config.augment.crop.is_none();
        config = if pictures { config.for_pictures(size) } else { config };
        config.data.image_size = Some(size);
    }
    set(&mut config.seed, args.seed);
    config.data.train_images = args.train_images.or(config.data.train_images);
    config.data.test_images = args.test_images.or(config.data.test_images);
    config.data.skip_unreadable |= args.images.pictures.skip_unreadable;
    config.data.labels = args.images.pictures.labels.clone().or(config.data.labels);
    config.data.max_pixels = args.images.pictures.max_pixels.or(config.data.max_pixels);
    set(&mut config.epochs, args.epochs);
    set(&mut config.batch_size, args.batch_size);
    set(&mut config.network.channels, args.channels);
    set(&mut config.network.cells, args.cells);
    config.multiply_adds = args.multiply_adds.or(config.multiply_adds);
    config.limits = args.limits.over(config.limits, args.cells.is_some());
    let limited = args.limits.limit_latency() || !config.limits.are_none();
    let beside = args.channels.filter(|_| limited);
    let expected = "none beside `limits` of the settings, to which the number of channels is fitted";
    Setting::check(beside.is_none(), "network.channels", beside.unwrap_or_default(), expected)?;
    set(&mut config.drop_path, args.drop_path);
    set(&mut config.augment.cutout, args.cutout);
    set(&mut config.auxiliary, args.auxiliary);
    set(&mut config.label_smoothing, args.label_smoothing);
    set(&mut config.accumulate, args.accumulate);
    config.average = args.ema.or(config.average);
    if let Some(epochs) = args.warm_up {
        let expected = format!("0 to {}, the epochs of the training", config.epochs);
        Setting::check((0.0..=config.epochs as f64).contains(&epochs), "warm_up", epochs, expected)?;
        let then = Box::new(config.weights.learning_rate.clone());
        config.weights.learning_rate = Warmup { epochs, start: 0.0, then }.into();
    }
    Ok((base, config))
}

fn report(args: &Args, folder: &Path, outcome: &Outcome<Vec<Trained>>, start: &Start) -> Result<ExitCode, Error> {
    let shown = folder.display();
    let (code, json) = match outcome {
        Outcome::Done(all) => {
            let (mean, deviation) = batch::accuracy(all).unwrap_or_default();
            if !args.json {
                all.iter().for_each(print_trained);
                if all.len() > 1 || args.random.is_some() {
                    let (mean, deviation) = (100.0 * mean, 100.0 * deviation);
                    say!("test accuracy {mean:.2} +- {deviation:.2} % over {} training(s)", all.len());
                }
                say!("files: {shown}");
                if let [trained] = all.as_slice()
                    && let Some(got) = latency::of_training(folder, trained.latency_ms)?
                {
                    say!("{}", got.line());
                }
                if all.len() == 1 {
                    let network = folder.join(names::NETWORK);
                    say!("the network to use: {}", network.display());
                }
            }
            let json = json!({ "mean": mean, "deviation": deviation, "trained": all, "run": shown.to_string() });
            (ExitCode::SUCCESS, json)
        }
        Outcome::Stopped(reason) => end::stopped(reason, "train", folder, start),
    };
    if args.json {
        say!("{json}");
    }
    Ok(code)
}

fn print_trained(trained: &Trained) {
    say!("{}", trained.genotype);
    say!(
        "{}{} parameters, {} multiply-adds; {} images, {} epochs, seed {}, {:.0} s",
        limits::size(trained.channels, trained.cells),
        in_words(trained.parameters),
        in_words(trained.multiply_adds),
        trained.train_images,
        trained.epochs,
        trained.seed,
        trained.seconds
    );
    let averaged = trained.averaged_accuracy.map(|value| format!(", averaged weights {:.2} %", 100.0 * value));
    say!(
        "test accuracy {:.2} % (top-5 {:.2} %{}; best epoch {}: {:.2} %) over {} images",
        100.0 * trained.accuracy,
        100.0 * trained.top5,
        averaged.unwrap_or_default(),
        trained.best_epoch + 1,
        100.0 * trained.best_accuracy,
        trained.test_images
    );
}
