//! `eoinas train`: a network from scratch: that of a found or a published cell, of random ones to compare with, or a human-designed
//! one.

mod report;
mod settings;
mod shared;

use std::{
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::ArgGroup;
use eoinas_core::{
    SearchSpace,
    models::{Design, ModelConfig},
    run_folder::names,
};
use eoinas_train::{Outcome, Runs, TrainPreset, Training, Trials, batch, training::ClassWeights};

#[cfg(feature = "images")]
pub(crate) use self::settings::INIT_RATE;
use self::{report::Ended, settings::Settings};
use crate::{
    Error, MOST_RUNS, Start, cell, choices, config_file,
    data::ImageFlags,
    host::{Host, HostArgs},
    limits::{self, LimitFlags},
    out,
    page::{self, PageArgs},
    ranks::Ranks,
    resume,
    share::{self, Processes, Several},
};

/// Train the network of a cell, or a human-designed one, from scratch and measure it on the test images.
///
/// The run's folder has the network (network/, which `eoinas classify` and `eoinas export` read), the settings, a record of
/// every event, and checkpoints: a run that was stopped goes on to the same bytes with --resume.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("cell").required(true).multiple(true), after_help = "\
Examples:
  eoinas train --genotype runs/search-embedded-v2-recommended/genotype.txt
  eoinas train --genotype darts-v2 --dataset cifar10 --data cifar-10-batches-bin --preset paper-cifar
  eoinas train --network mobilenet-v2 --multiply-adds 12M
  eoinas train --random 5
  eoinas train --init runs/train-cifar10-quick --data my-pictures --folds 5
  eoinas train --resume runs/train-embedded-v2-quick
  eoinas train --preset paper-cifar --print-config > mine.toml
  eoinas train --genotype darts-v2 --config mine.toml --epochs 100")]
pub struct Args {
    /// A file with a genotype in any of its text forms, the name of a published cell (darts-v2, eoinas-a, ...), or the
    /// genotype itself
    #[arg(long, help_heading = "Cell", group = "cell", value_name = "FILE|NAME", conflicts_with_all = ["random", "init", "resume",
        "print_config"])]
    genotype: Option<PathBuf>,
    /// Begin with the weights of a network that was trained before, on other pictures: its folder (network/), or that of the
    /// training. Cell, size and normalisation are that network's; the head is new, unless the
    /// classes are the same. For few pictures.
    #[arg(long, help_heading = "Cell", group = "cell", value_name = "MODEL", conflicts_with_all = ["random", "resume", "max_parameters",
        "max_multiply_adds", "max_latency"])]
    init: Option<PathBuf>,
    /// A human-designed network by its name, or one by its layers: a chain ('conv3-64 pool2/2 dense128'), stages ('stage5-8:1-01
    /// dense128'), motifs ('motifs16 3.0.6 | 1') or dense blocks ('densenet24 block12x3 transition30 block12x3'); instead of a cell's network.
    #[arg(long, help_heading = "Cell", group = "cell", value_name = "NAME", value_parser = choices::Networks, conflicts_with_all = ["genotype", "random", "init", "resume",
        "print_config", "channels", "cells", "drop_path", "auxiliary", "max_parameters", "max_multiply_adds", "max_latency"])]
    network: Option<ModelConfig>,
    /// With --network: its channels as a multiple of the published ones [default: 1]
    #[arg(long, help_heading = "Cell", value_name = "FACTOR", requires = "network", conflicts_with_all = ["genotype", "random", "init", "resume", "print_config", "multiply_adds"])]
    width: Option<f64>,
    /// With --network: its layers, as its name counts them [default: as published]
    #[arg(long, help_heading = "Cell", value_name = "LAYERS", requires = "network", conflicts_with_all = ["genotype", "random", "init", "resume", "print_config"])]
    depth: Option<usize>,
    /// Train so many random cells instead, and print mean and deviation.
    #[arg(long, help_heading = "Cell", group = "cell", value_name = "N", conflicts_with_all = ["resume", "print_config"], value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS))]
    random: Option<u64>,
    /// Go on with the run in this folder, with the settings it was started with.
    #[arg(long, help_heading = "Run", group = "cell", value_name = "DIR", conflicts_with_all = ["dataset", "data", "preset", "train_images",
        "test_images", "image_size", "skip_unreadable", "max_pixels", "labels", "epochs", "batch_size", "channels", "cells", "max_ops", "multiply_adds",
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
    /// The most ops of a network [default: 100000]
    #[arg(long, value_name = "N", help_heading = "Settings")]
    max_ops: Option<usize>,
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
    /// Folder for the files of the run, which must not exist; several trainings are shared by all processes that are started with the
    /// same command [default: runs/train-...]
    #[arg(long, value_parser = crate::start::path(), help_heading = "Run", value_name = "DIR")]
    out: Option<PathBuf>,
    /// With --resume: where a training with --time is late by what it took so far, make what is left of its plan anew. It then
    /// depends on the clock, and equals no other run.
    #[arg(long, help_heading = "Run")]
    replan: bool,
    /// Stop after so many steps of this session; the run can be resumed.
    #[arg(long, help_heading = "Run")]
    max_steps: Option<u64>,
    /// Print one JSON object as the last line.
    #[arg(long, help_heading = "Run")]
    json: bool,
    #[command(flatten, next_help_heading = "Run")]
    page: PageArgs,
    #[command(flatten)]
    processes: Processes,
    #[command(flatten)]
    host: HostArgs,
}

/// Trains one network or several.
///
/// # Errors
/// A cell or settings that cannot work; a run that fails.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    resume::check_replan(args.replan, args.resume.as_deref())?;
    if args.print_config {
        let Settings { base, config, .. } = settings::of(args)?;
        out::text(&config_file::to_toml(&config, &base)?);
        return Ok(ExitCode::SUCCESS);
    }
    args.page.check()?;
    if let Some(ranks) = Ranks::join()? {
        return ranks.end(|ranks| shared::run(args, ranks, start));
    }
    args.resume.as_deref().map_or(Ok(()), |path| resume::check(path, "train", start))?;
    let host = args.host.open()?.with_max_steps(args.max_steps);
    let work = || {
        let ended = train(args, &host)?;
        if let ControlFlow::Continue(Ended { folder, outcome: Outcome::Done(_), .. }) = &ended
            && folder.join(names::NETWORK).is_dir()
        {
            page::keep_evaluation(folder, &host);
        }
        Ok(ended)
    };
    let ended = match args.host.run(work)? {
        ControlFlow::Continue(ended) => ended,
        ControlFlow::Break(code) => return Ok(code),
    };
    let code = report::report(args, &ended, start)?;
    args.page.end(&ended.folder);
    Ok(code)
}

/// Trains one network or several. An exit code where other processes report them.
fn train(args: &Args, host: &Host) -> Result<ControlFlow<ExitCode, Ended>, Error> {
    let several = Several { processes: &args.processes, machine: &args.host, host };
    let ended = |folder, outcome, folds| Ok(ControlFlow::Continue(Ended { folder, outcome, folds }));
    if let Some(path) = &args.resume {
        if Trials::is_in(path) {
            if args.replan {
                return Err(
                    "--replan: several trainings share their counts, which cannot be made anew; resume without it"
                        .into(),
                );
            }
            let (trials, _) = share::patiently(|| Trials::open(path))?;
            let ended = several.complete(&trials, path, || Ok(()))?;
            let folds = trials.are_folds();
            return Ok(ended.map_continue(|outcome| Ended { folder: path.clone(), outcome, folds }));
        }
        args.check_processes(false)?;
        let mut training = Training::resume(path, host.options())?;
        if args.replan {
            host.tell(&training.replan()?);
        }
        let outcome = training.run()?.map(|trained| vec![trained]);
        return ended(path.clone(), outcome, false);
    }
    args.check_processes(args.seeds > 1 || args.folds.is_some() || args.random.is_some())?;
    let begun = Instant::now();
    let Settings { mut config, of_init, .. } = settings::of(args)?;
    let design = match (&args.genotype, &args.network) {
        (Some(text), _) => Some(Design::Cell(cell::read(text)?)),
        (None, Some(model)) => {
            let width = args.width.unwrap_or(model.width);
            Some(ModelConfig { width, depth: args.depth, ..model.clone() }.into())
        }
        (None, None) => of_init,
    };
    if args.limits.limit_latency() {
        let genotype = design.as_ref().and_then(Design::genotype);
        let space = genotype.map_or(Ok(SearchSpace::darts()), |genotype| genotype.space())?;
        let skeleton = config.unlimited_for(&mut host.options())?;
        config.limits = args.limits.with_latency(config.limits, &skeleton, &space, host)?;
    }
    let (single, mut time_plan) = (design.is_some() && args.folds.is_none() && args.seeds == 1, None);
    if let Some(time) = args.time {
        let time = time.saturating_sub(begun.elapsed());
        let networks = match &design {
            Some(design) => vec![design.clone(); args.folds.unwrap_or(args.seeds) as usize],
            None => (0..args.random.unwrap_or(1))
                .map(|index| batch::random_cell(&SearchSpace::darts(), config.seed.wrapping_add(index)).into())
                .collect(),
        };
        let fitted = config.fitted_to(time, &networks, || host.options())?;
        host.tell(&fitted.note);
        time_plan = single.then_some(fitted.time);
        config = fitted.config;
    }
    let name = format!("train-{}-{}", config.data.dataset, config.preset);
    let dir = || {
        let dir = resume::new_folder(args.out.as_deref(), &name)?;
        time_plan.iter().try_for_each(|time| dir.write_json(names::TIME, time))?;
        Ok(dir)
    };
    let trials = match (design, args.folds) {
        (Some(design), Some(folds)) => Trials::folds(config, &design, folds as usize),
        (Some(design), None) if args.seeds == 1 => {
            let mut training = Training::create_in((config, design), dir, host.options())?;
            let outcome = training.run()?.map(|trained| vec![trained]);
            return ended(training.run_dir().path().to_owned(), outcome, false);
        }
        (Some(design), None) => Trials::seeds(config, &design, args.seeds),
        (None, _) => Trials::random(config, &SearchSpace::darts(), args.random.unwrap_or(1)),
    };
    trials.check(host.options())?;
    // Counts that were fitted to a time are those of one process.
    let folder = match args.out.clone().filter(|_| args.time.is_none()) {
        Some(out) => out,
        None => {
            let mut dir = dir()?;
            trials.create(&mut dir)?;
            dir.home().to_owned()
        }
    };
    let join = || Ok(share::patiently(|| trials.join(&folder))?);
    let ended = several.complete(&trials, &folder, join)?;
    let folds = trials.are_folds();
    Ok(ended.map_continue(|outcome| Ended { folder, outcome, folds }))
}

impl Args {
    /// Whether the flags of several processes fit what is trained.
    ///
    /// # Errors
    /// One that does not.
    fn check_processes(&self, several: bool) -> Result<(), Error> {
        let what = "several trainings; give --seeds, --folds or --random, too";
        let alone = [
            (self.time.is_some(), share::OF_A_TIME),
            (self.max_steps.is_some() && self.processes.starts_others(), share::STEPS_OF_ONE),
        ];
        self.processes.check((several, what), self.out.as_deref(), &alone)
    }
}
