//! `eoinas train`: the network of a cell from scratch, of a found or a published one, or of random ones to compare with.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::ArgGroup;
use eoinas_core::{
    Genotype, SearchSpace, Setting,
    run_folder::{self, names},
    schedule::Warmup,
    skeleton::Form,
};
use eoinas_train::{
    Outcome, RunWriter, Runs, TrainConfig, TrainPreset, Trained, Training, Trials, batch,
    training::{ClassWeights, EarlyStopping},
};
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

/// Learning rate of the layers that have weights already, as a factor: the best of those that RESULTS.md compares.
const INIT_RATE: f64 = 1.0;
/// Share of the training images that choose the best epoch.
const HELD_OUT: f64 = 0.2;

/// Train the network of a cell from scratch and measure it on the test images.
///
/// The run's folder has the network (network/, which `eoinas classify` and `eoinas export` read), the settings, a record of
/// every event, and checkpoints: a run that was stopped goes on to the same bytes with --resume.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("cell").required(true).multiple(true), after_help = "\
Examples:
  eoinas train --genotype runs/search-embedded-quick/genotype.txt
  eoinas train --genotype darts-v2 --dataset cifar10 --data cifar-10-batches-bin --preset paper-cifar
  eoinas train --random 5
  eoinas train --init runs/train-cifar10-quick --data my-pictures --folds 5
  eoinas train --resume runs/train-embedded-quick
  eoinas train --preset paper-cifar --print-config > mine.toml
  eoinas train --genotype darts-v2 --config mine.toml --epochs 100")]
pub struct Args {
    /// A file with a genotype in any of its text forms, the name of a published cell (darts-v2, eoinas-a, ...), or the
    /// genotype itself
    #[arg(long, help_heading = "Cell", group = "cell", value_name = "FILE|NAME", conflicts_with_all = ["random", "init", "resume",
        "print_config"])]
    genotype: Option<PathBuf>,
    /// Begin with the weights of a network that was trained before, on other pictures: its folder (network/), or that of the
    /// training. Cell, size and normalisation are that network's; the head is new. For few pictures.
    #[arg(long, help_heading = "Cell", group = "cell", value_name = "MODEL", conflicts_with_all = ["random", "resume", "max_parameters",
        "max_multiply_adds", "max_latency"])]
    init: Option<PathBuf>,
    /// Train so many random cells instead, and print mean and deviation.
    #[arg(long, help_heading = "Cell", group = "cell", value_name = "N", conflicts_with_all = ["resume", "print_config"], value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS))]
    random: Option<u64>,
    /// Go on with the run in this folder, with the settings it was started with.
    #[arg(long, help_heading = "Run", group = "cell", value_name = "DIR", conflicts_with_all = ["dataset", "data", "preset", "train_images",
        "test_images", "image_size", "skip_unreadable", "max_pixels", "labels", "epochs", "batch_size", "channels", "cells", "multiply_adds",
        "max_parameters", "max_multiply_adds", "max_latency", "time", "drop_path",
        "cutout", "auxiliary", "label_smoothing", "accumulate", "ema", "warm_up", "config", "seed", "seeds", "out", "init_rate",
        "early_stopping", "held_out", "folds", "class_weights", "print_config"])]
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
    #[arg(long, help_heading = "Settings", group = "cell", conflicts_with_all = ["seeds", "folds", "out", "max_steps", "json",
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
    /// With --init: what the learning rate of all but the head is multiplied by, 0 (frozen) to 1 [default: 1]
    #[arg(long, help_heading = "Settings", value_name = "FACTOR")]
    init_rate: Option<f64>,
    /// End after so many epochs without a better score on held-out training images, and deliver the best epoch's network.
    #[arg(long, help_heading = "Settings", value_name = "EPOCHS")]
    early_stopping: Option<usize>,
    /// Share of the training images that --early-stopping holds out [default: 0.2]
    #[arg(long, help_heading = "Settings", value_name = "SHARE")]
    held_out: Option<f64>,
    /// How much the images of each class weigh in the training loss [default: none]
    #[arg(long, help_heading = "Settings", value_parser = choices::class_weights())]
    class_weights: Option<ClassWeights>,
    /// Everything random follows from it; random cells differ by it too [default: 0]
    #[arg(long, help_heading = "Settings")]
    seed: Option<u64>,
    /// Train with so many seeds, and print mean and deviation.
    #[arg(long, help_heading = "Settings", default_value_t = 1, conflicts_with = "random", value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS))]
    seeds: u64,
    /// Cross-validate: so many trainings, each tested on another part of the training images (of a folder without a test part: of
    /// all), and their accuracy with its interval.
    #[arg(long, help_heading = "Settings", conflicts_with_all = ["random", "seeds", "test_images"], value_parser = clap::value_parser!(u64).range(2..=MOST_RUNS))]
    folds: Option<u64>,
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
        let Settings { base, config, .. } = settings(args)?;
        out::text(&config_file::to_toml(&config, &base)?);
        return Ok(ExitCode::SUCCESS);
    }
    args.page.check()?;
    args.resume.as_deref().map_or(Ok(()), |path| resume::check(path, "train", start))?;
    let host = args.host.open()?.with_max_steps(args.max_steps);
    let ended = args.host.run(|| train(args, &host))?;
    let code = report(args, &ended, start)?;
    args.page.end(&ended.folder);
    Ok(code)
}

/// How one training or several ended.
struct Ended {
    /// Where the files are.
    folder: PathBuf,
    outcome: Outcome<Vec<Trained>>,
    /// Whether they are folds of a cross-validation.
    folds: bool,
}

/// Trains one network or several.
fn train(args: &Args, host: &Host) -> Result<Ended, Error> {
    if let Some(path) = &args.resume {
        let (outcome, folds) = if Trials::is_in(path) {
            let (trials, dir) = Trials::open(path)?;
            (trials.run(&dir, |_| host.options())?, trials.are_folds())
        } else {
            (Training::resume(path, host.options())?.run()?.map(|trained| vec![trained]), false)
        };
        return Ok(Ended { folder: path.clone(), outcome, folds });
    }
    let begun = Instant::now();
    let Settings { mut config, of_init, .. } = settings(args)?;
    let genotype = match &args.genotype {
        Some(text) => Some(cell::read(text)?),
        None => of_init,
    };
    if args.limits.limit_latency() {
        let space = genotype.as_ref().map_or(Ok(SearchSpace::darts()), |genotype| genotype.space())?;
        let skeleton = config.unlimited_for(&mut host.options())?;
        config.limits = args.limits.with_latency(config.limits, &skeleton, &space, host)?;
    }
    if let Some(time) = args.time {
        let time = time.saturating_sub(begun.elapsed());
        let cells = match &genotype {
            Some(genotype) => vec![genotype.clone(); args.folds.unwrap_or(args.seeds) as usize],
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
    let trials = match (genotype, args.folds) {
        (Some(genotype), Some(folds)) => Trials::folds(config, &genotype, folds as usize),
        (Some(genotype), None) if args.seeds == 1 => {
            let mut training = Training::create_in((config, genotype), dir, host.options())?;
            let outcome = training.run()?.map(|trained| vec![trained]);
            return Ok(Ended { folder: training.run_dir().path().to_owned(), outcome, folds: false });
        }
        (Some(genotype), None) => Trials::seeds(config, &genotype, args.seeds),
        (None, _) => Trials::random(config, &SearchSpace::darts(), args.random.unwrap_or(1)),
    };
    trials.check(host.options())?;
    let mut dir = dir()?;
    trials.create(&mut dir)?;
    let outcome = trials.run(&dir, |_| host.options())?;
    Ok(Ended { folder: dir.path().to_owned(), outcome, folds: trials.are_folds() })
}

/// What flags and file ask for.
struct Settings {
    /// The settings of the preset below them.
    base: TrainConfig,
    config: TrainConfig,
    /// The cell of the network that `--init` names.
    of_init: Option<Genotype>,
}

fn settings(args: &Args) -> Result<Settings, Error> {
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
    let mut of_init = None;
    if let Some(folder) = &args.init {
        let before = config.clone();
        let (with_init, genotype) = config.with_init(folder, args.init_rate.unwrap_or(INIT_RATE))?;
        check_file(&file, &before, &with_init)?;
        (config, of_init) = (with_init, Some(genotype));
    }
    if let Some(rate) = args.init_rate {
        let init = config.init.as_mut();
        init.ok_or_else(|| Setting::new("init.rate", rate, "none without the weights of a network: `init`"))?.rate =
            rate;
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
    set(&mut config.class_weights, args.class_weights);
    if let Some(epochs) = args.early_stopping {
        let held_out = config.early_stopping.map_or(HELD_OUT, |stopping| stopping.held_out);
        config.early_stopping = Some(EarlyStopping { epochs, held_out });
    }
    if let Some(held_out) = args.held_out {
        let stopping = config.early_stopping.as_mut();
        let alone = || Setting::new("early_stopping.held_out", held_out, "none without `early_stopping.epochs`");
        stopping.ok_or_else(alone)?.held_out = held_out;
    }
    if let Some(epochs) = args.warm_up {
        let expected = format!("0 to {}, the epochs of the training", config.epochs);
        Setting::check((0.0..=config.epochs as f64).contains(&epochs), "warm_up", epochs, expected)?;
        let then = Box::new(config.weights.learning_rate.clone());
        config.weights.learning_rate = Warmup { epochs, start: 0.0, then }.into();
    }
    Ok(Settings { base, config, of_init })
}

/// Whether the file says nothing of the network that `--init` does not, too.
fn check_file(file: &ConfigFile, before: &TrainConfig, with_init: &TrainConfig) -> Result<(), Error> {
    let fields = |config: &TrainConfig| {
        let network = &config.network;
        [
            ("channels", network.channels.to_string()),
            ("cells", network.cells.to_string()),
            ("stem_multiplier", network.stem_multiplier.to_string()),
            ("layers", format!("{:?}", network.layers)),
        ]
    };
    for ((name, got), (_, wanted)) in fields(before).into_iter().zip(fields(with_init)) {
        let expected = format!("{wanted}, as the network of `init` has; leave it out of the file");
        Setting::check(got == wanted || !file.has("network", name), format!("network.{name}"), &got, expected)?;
    }
    let expected = format!("{:?}, as the network of `init` has; leave it out of the file", with_init.form);
    let same = file.get::<Form>("form")?.is_none_or(|form| form == with_init.form);
    Ok(Setting::check(same, "form", format!("{:?}", before.form), expected)?)
}

fn report(args: &Args, ended: &Ended, start: &Start) -> Result<ExitCode, Error> {
    let (folder, shown) = (&ended.folder, ended.folder.display());
    let (code, json) = match &ended.outcome {
        Outcome::Done(all) => {
            let (mean, deviation) = batch::accuracy(all).unwrap_or_default();
            let folds = batch::pooled_accuracy(all).filter(|_| ended.folds).map(|(accuracy, interval)| Folds {
                accuracy,
                interval,
                images: all.iter().map(|trained| trained.test_images).sum(),
                command: command_of_all(folder, start),
            });
            if !args.json {
                all.iter().for_each(print_trained);
                match &folds {
                    Some(folds) => folds.print(deviation, all.len()),
                    None if all.len() > 1 || args.random.is_some() => {
                        let (mean, deviation) = (100.0 * mean, 100.0 * deviation);
                        say!("test accuracy {mean:.2} +- {deviation:.2} % over {} training(s)", all.len());
                    }
                    None => {}
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
            let mut json = json!({ "mean": mean, "deviation": deviation, "trained": all, "run": shown.to_string() });
            if let (Some(folds), Some(object)) = (&folds, json.as_object_mut()) {
                object.insert("folds".to_owned(), json!(folds));
            }
            (ExitCode::SUCCESS, json)
        }
        Outcome::Stopped(reason) => end::stopped(reason, "train", folder, start),
    };
    if args.json {
        say!("{json}");
    }
    Ok(code)
}

/// What a cross-validation found.
#[derive(Debug, serde::Serialize)]
struct Folds {
    /// Share of all images that were right, each tested once.
    accuracy: f64,
    /// Its interval (95 %).
    interval: (f64, f64),
    images: u64,
    /// The command that trains the network to use.
    command: String,
}

impl Folds {
    fn print(&self, deviation: f64, folds: usize) {
        let (accuracy, low, high) = (100.0 * self.accuracy, 100.0 * self.interval.0, 100.0 * self.interval.1);
        say!(
            "cross-validation: {accuracy:.1} % of {} images, each tested once by a network that had not seen it; {low:.1} to \
             {high:.1} % in 95 of 100 cases; the {folds} folds deviate by {:.1}",
            self.images,
            100.0 * deviation
        );
        say!(
            "none of these networks is the one to use: each lacks a fold. Train one with the same settings: {}",
            self.command
        );
    }
}

/// The command that trains one network with the settings that the folds in `folder` share.
fn command_of_all(folder: &Path, start: &Start) -> String {
    let genotype = folder.join(run_folder::fold(0)).join(names::GENOTYPE_TEXT);
    let config = folder.join(names::CONFIG);
    let words = [OsStr::new("--genotype"), genotype.as_os_str(), OsStr::new("--config"), config.as_os_str()];
    start.line("train", words)
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
        "test accuracy {:.2} % (top-5 {:.2} %{}; best epoch {}: {:.2} %{}) over {} images",
        100.0 * trained.accuracy,
        100.0 * trained.top5,
        averaged.unwrap_or_default(),
        trained.best_epoch + 1,
        100.0 * trained.best_accuracy,
        trained.held_out_images.map(|images| format!(" of {images} held out")).unwrap_or_default(),
        trained.test_images
    );
}
