//! `eoinas search`: the paper's Algorithm 1, and other methods on the same loop.

mod download;
mod report;
mod settings;
mod shared;

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::ValueEnum;
use eoinas_core::{SearchSpace, run_folder::names};
use eoinas_train::{
    Found, MethodKind, Options, Outcome, Preset, RunDir, Runs, Search, SearchConfig, Seeds, Trained, batch::Single,
    budget::Fitted, data::open_dataset,
};

use crate::{
    Error, MOST_RUNS, Start,
    baselines::{Baselines, Plan},
    choices, config_file,
    data::ImageFlags,
    flags,
    host::{Host, HostArgs},
    limits::LimitFlags,
    out,
    page::{self, PageArgs},
    ranks::Ranks,
    resume,
    share::{self, Processes, Several, patiently},
    then_train::{
        self,
        going_on::{self, GoingOn},
    },
    time,
};

/// Search for a cell by operation importance (EoiNAS), or by another method on the same loop.
///
/// Without arguments it shows what there is, in under three minutes on two cores: the preset `recommended` on images that are
/// built in, with --time 160s --then-train --baselines. The run's folder has the cell (genotype.txt, genotype.json), the
/// settings, a record of every event, and checkpoints: a run that was stopped, by Ctrl-C or by the power, goes on to the same
/// bytes with --resume.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas search
  eoinas search --data cifar-10-batches-bin --time 20m --then-train --baselines
  eoinas search --data cifar-10-batches-bin --preset paper
  eoinas search --download --dataset cifar100 --method gdas --seeds 4
  eoinas search --resume runs/search-embedded-v2-recommended
  eoinas search --preset paper --print-config > mine.toml
  eoinas search --config mine.toml --epochs 50")]
pub struct Args {
    #[command(flatten)]
    images: ImageFlags,
    /// Use only so many training images, both halves together; 0: all.
    #[arg(long, help_heading = "Images")]
    train_images: Option<usize>,
    /// Fetch CIFAR (cifar10, or what --dataset says) to --data [default: data] when it is not there.
    #[arg(long, help_heading = "Images")]
    download: bool,
    /// Settings to start from [default: that of --config, else recommended]
    #[arg(long, help_heading = "Settings", value_parser = choices::presets())]
    preset: Option<Preset>,
    /// File with settings, of which flags are the stronger: TOML with the names of config.json, or a config.json.
    #[arg(long, value_name = "FILE", help_heading = "Settings")]
    config: Option<PathBuf>,
    /// Print the settings as a file for --config, and do nothing.
    #[arg(long, help_heading = "Settings", conflicts_with_all = ["time", "seeds", "then_train", "baselines", "train_epochs", "max_latency", "out", "max_steps",
        "json", "verbose", "open_report"])]
    print_config: bool,
    /// Everything random follows from it [default: 0]
    #[arg(long, help_heading = "Settings")]
    seed: Option<u64>,
    /// Search with so many seeds and pick the best cell by validation.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS), help_heading = "Settings")]
    seeds: u64,
    /// Passes over the training half.
    #[arg(long, help_heading = "Settings")]
    epochs: Option<usize>,
    /// Fit the search to a time, such as 20m or 1h 30m: some steps are measured, then epochs and finalists are chosen once. With
    /// --then-train half of it is the training's.
    #[arg(long, value_parser = crate::time::parse, conflicts_with = "epochs", help_heading = "Settings")]
    time: Option<Duration>,
    /// Images in a step.
    #[arg(long, help_heading = "Settings")]
    batch_size: Option<usize>,
    /// Initial number of channels C.
    #[arg(long, help_heading = "Settings")]
    channels: Option<usize>,
    /// Number of cells L.
    #[arg(long, help_heading = "Settings")]
    cells: Option<usize>,
    /// The most ops of a network [default: 100000]
    #[arg(long, value_name = "N", help_heading = "Settings")]
    max_ops: Option<usize>,
    /// The search method [default: the preset's]
    #[arg(long, help_heading = "Method", value_parser = choices::methods())]
    method: Option<MethodKind>,
    /// One sampled op an edge, or all of them weighted [default: the preset's]
    #[arg(long, value_enum, help_heading = "Method")]
    path: Option<Paths>,
    /// Paths drawn for each update, of which it takes the mean gradient [default: 1]
    #[arg(long, help_heading = "Method")]
    paths_per_step: Option<usize>,
    /// Search with 1/K of the channels in every op, as PC-DARTS with K = 4 [default: all of them]
    #[arg(long, value_name = "K", help_heading = "Method")]
    partial_channels: Option<usize>,
    /// What the edges that enter a node are weighed by [default: equal]
    #[arg(long, value_enum, help_heading = "Method")]
    edges: Option<Edges>,
    #[command(flatten)]
    limits: LimitFlags,
    /// Compare so many cells at the end, the found one and those that differ from it in one choice, by short trainings; 0: none
    /// [default: the preset's]
    #[arg(long, value_name = "CELLS", help_heading = "Method")]
    finalists: Option<usize>,
    /// Then train the network of the found cell from scratch with the preset `quick`, measure it and save it.
    #[arg(long, help_heading = "Then")]
    then_train: bool,
    /// And set it beside the network of a random cell with as many multiply-adds and a linear classifier, trained on the same
    /// images.
    #[arg(long, requires = "then_train", help_heading = "Then")]
    baselines: bool,
    /// Epochs of that training [default: the preset's]
    #[arg(long, requires = "then_train", help_heading = "Then")]
    train_epochs: Option<usize>,
    /// Folder for the files of the run, which must not exist [default: runs/search-...]
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR", help_heading = "Run")]
    out: Option<PathBuf>,
    /// Go on with the run in this folder, with the settings it was started with.
    #[arg(long, value_name = "DIR", help_heading = "Run", conflicts_with_all = ["data", "dataset", "preset", "config",
        "print_config", "seed", "seeds", "epochs", "batch_size", "channels", "cells", "max_ops", "train_images", "image_size",
        "skip_unreadable", "max_pixels", "labels", "method", "path",
        "paths_per_step", "partial_channels", "edges", "max_parameters", "max_multiply_adds",
        "max_latency", "time", "finalists", "out", "download", "then_train", "baselines", "train_epochs"])]
    resume: Option<PathBuf>,
    /// With --resume: where a search with --time is late by what it took so far, make what is left of its plan anew. It then
    /// depends on the clock, and equals no other run.
    #[arg(long, help_heading = "Run")]
    replan: bool,
    /// Stop after so many steps of this session; the run can be resumed.
    #[arg(long, help_heading = "Run")]
    max_steps: Option<u64>,
    /// Print one JSON object as the last line.
    #[arg(long, help_heading = "Run")]
    json: bool,
    /// Name all cells on the front of the finals, not only a few.
    #[arg(long, help_heading = "Run", conflicts_with = "json")]
    verbose: bool,
    #[command(flatten, next_help_heading = "Run")]
    page: PageArgs,
    #[command(flatten)]
    processes: Processes,
    #[command(flatten)]
    host: HostArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Paths {
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

/// What follows a search, and the time for all of it.
struct Asked {
    time: Option<Duration>,
    then_train: bool,
    baselines: bool,
}

/// The time of a search of which nothing is said.
const DEFAULT_TIME: Duration = Duration::from_secs(160);

impl Args {
    /// What the flags say; where nothing is said of what is searched for and how, all that there is to show.
    fn asked(&self, host: &Host) -> Asked {
        let Self { then_train, baselines, time, .. } = *self;
        if !self.says_nothing() {
            return Asked { time, then_train, baselines };
        }
        let seconds = DEFAULT_TIME.as_secs();
        host.tell(&format!("nothing else was asked for: as with --time {seconds}s --then-train --baselines"));
        Asked { time: Some(DEFAULT_TIME), then_train: true, baselines: true }
    }

    /// Whether the flags of several processes fit what is searched for: what is `shared`, or was begun by one process.
    ///
    /// # Errors
    /// One that does not.
    fn check_processes(&self, shared: bool) -> Result<(), Error> {
        let alone = [
            (self.time.is_some() || self.says_nothing(), share::OF_A_TIME),
            (self.max_steps.is_some() && self.processes.starts_others(), share::STEPS_OF_ONE),
            (
                self.then_train,
                "what follows a search is done by one process; leave --then-train out, and train its cell then",
            ),
        ];
        let what =
            "a search that began with it, or of several seeds; this one is one process's, and goes on without it";
        self.processes.check((shared, what), self.out.as_deref(), &alone)
    }

    fn says_nothing(&self) -> bool {
        // In whole, so that no flag is forgotten here.
        #[rustfmt::skip]
        let Self {
            images, train_images, download, preset, config, print_config, seeds, epochs, time, batch_size, channels, cells,
            max_ops, method, path, paths_per_step, partial_channels, edges, limits, finalists, then_train, baselines,
            train_epochs, resume,
            seed: _, out: _, replan: _, max_steps: _, json: _, verbose: _, page: _, processes: _, host: _,
        } = self;
        let numbers = [train_images, epochs, batch_size, channels, cells, max_ops];
        let of_method = [paths_per_step, partial_channels, finalists, train_epochs];
        images.are_none()
            && limits.are_none()
            && numbers.into_iter().chain(of_method).all(Option::is_none)
            && *seeds == 1
            && (preset.is_none() && config.is_none() && time.is_none() && resume.is_none())
            && (method.is_none() && path.is_none() && edges.is_none())
            && ![download, print_config, then_train, baselines].into_iter().any(|flag| *flag)
    }
}

/// Searches, and trains the found cell's network where that is wanted.
///
/// # Errors
/// Settings that cannot work; a run that fails.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    resume::check_replan(args.replan, args.resume.as_deref())?;
    if args.print_config {
        let (base, config) = settings::of(args)?;
        out::text(&config_file::to_toml(&config, &base)?);
        return Ok(ExitCode::SUCCESS);
    }
    args.page.check()?;
    if let Some(ranks) = Ranks::join()? {
        return ranks.end(|ranks| shared::run(args, ranks, start));
    }
    args.resume.as_deref().map_or(Ok(()), |path| resume::check(path, "search", start))?;
    let host = args.host.open()?.with_max_steps(args.max_steps);
    let work = || {
        let (folder, config, outcome) = match search(args, &host)? {
            ControlFlow::Continue(ended) => ended,
            ControlFlow::Break(code) => return Ok(ControlFlow::Break(code)),
        };
        let then = match outcome {
            Outcome::Done(_) => then(&folder, &host)?,
            Outcome::Stopped(_) => None,
        };
        Ok(ControlFlow::Continue((folder, config, outcome, then)))
    };
    let (folder, config, outcome, then) = match args.host.run(work)? {
        ControlFlow::Continue(ended) => ended,
        ControlFlow::Break(code) => return Ok(code),
    };
    let code = report::report(args, (&folder, &config), &outcome, then.as_ref(), start)?;
    args.page.end(&folder);
    Ok(code)
}

/// What follows a search that is done.
struct Then {
    trained: Trained,
    baselines: Option<Baselines>,
}

/// Does what the plans in the folder of a search that is done say; `None` where there are none.
fn then(folder: &Path, host: &Host) -> Result<Option<Outcome<Then>>, Error> {
    if !folder.join(names::TRAINING_PLAN).exists() {
        return Ok(None);
    }
    let out = RunDir::open(folder)?;
    let trained = match then_train::train(&out, folder, host.options()).map_err(flags::of_training)? {
        Outcome::Done(trained) => trained,
        Outcome::Stopped(reason) => return Ok(Some(Outcome::Stopped(reason))),
    };
    page::keep_evaluation(&out.join(names::TRAINING), host);
    let baselines = match Plan::is_in(&out)
        .then(|| Baselines::train(&out, &trained, host))
        .transpose()
        .map_err(flags::of_training)?
    {
        Some(Err(reason)) => return Ok(Some(Outcome::Stopped(reason))),
        Some(Ok(baselines)) => Some(baselines),
        None => None,
    };
    Ok(Some(Outcome::Done(Then { trained, baselines })))
}

/// Where the files of a search are, its settings, and how it ended.
type Ended = (PathBuf, SearchConfig, Outcome<Found>);

/// Runs one search or several. An exit code where other processes report them.
fn search(args: &Args, host: &Host) -> Result<ControlFlow<ExitCode, Ended>, Error> {
    let several = Several { processes: &args.processes, machine: &args.host, host };
    if let Some(path) = &args.resume {
        let seeds = Seeds::is_in(path).then(|| patiently(|| Seeds::open(path))).transpose()?.map(|(seeds, _)| seeds);
        if args.replan && seeds.is_some() {
            return Err("--replan: searches with several seeds share their counts, which cannot be made anew; resume without it".into());
        }
        let shared = path.join(names::CLAIMS);
        if Single::is_in(&shared)
            && !args.replan
            && path.join(names::CONFIG).exists()
            && let Some(found) = RunDir::open(path)?.result()?
        {
            let config = RunDir::open(path)?.read_json(names::CONFIG)?;
            return Ok(ControlFlow::Continue((path.clone(), config, Outcome::Done(found))));
        }
        if shared.join(names::CLAIMS).is_dir() && !Single::is_in(&shared) {
            let settings = shared.join(names::CONFIG);
            return Err(format!(
                "{} is missing; the command that began this search writes it again, and goes on: with the same --out and settings",
                settings.display()
            )
            .into());
        }
        let single = Single::is_in(&shared).then(|| patiently(|| Single::open(&shared))).transpose()?;
        let single = single.map(|(single, _)| single);
        if args.replan && single.is_some() {
            return Err(
                "--replan: counts of a search that processes share cannot be made anew; resume without it".into()
            );
        }
        let config = match (&seeds, &single) {
            (Some(seeds), _) => seeds.config.clone(),
            (None, Some(single)) => single.0.clone(),
            (None, None) => RunDir::open(path)?.read_json(names::CONFIG)?,
        };
        if path.join(names::TRAINING_PLAN).exists()
            && let Some(found) = RunDir::open(path)?.result()?
        {
            if args.replan {
                return Err(
                    "--replan: the search is done, and the training after it has its own plan; resume without it"
                        .into(),
                );
            }
            return Ok(ControlFlow::Continue((path.clone(), config, Outcome::Done(found))));
        }
        let ended = match (seeds, single) {
            (Some(seeds), _) => several.complete(&seeds, path, || Ok(()))?,
            (None, Some(single)) => several.complete(&single, &shared, || Ok(()))?,
            (None, None) => {
                args.check_processes(false)?;
                let mut search = Search::resume(path, host.options())?;
                if args.replan {
                    host.tell(&search.replan()?);
                }
                ControlFlow::Continue(search.run()?)
            }
        };
        return Ok(ended.map_continue(|outcome| (path.clone(), config, outcome)));
    }
    args.check_processes(true)?;
    let (begun, mut time_plan, mut going_on) = (Instant::now(), None, None);
    let asked_for = args.asked(host);
    let (base, mut config) = settings::of(args)?;
    if args.download {
        let dir = config.data.dir.unwrap_or_else(|| "data".into());
        config.data.dir = Some(download::fetch(config.data.dataset, dir)?);
    }
    if args.limits.limit_latency() {
        let skeleton = config.unlimited(open_dataset(&config.data)?.info());
        let limits = args.limits.with_latency(config.limits.clone(), &skeleton, &SearchSpace::darts(), host)?;
        config = config.with_limits(limits);
    }
    let training = asked_for.then_train.then(|| then_train::settings(&config, args.train_epochs)).transpose();
    let mut training = training.map_err(flags::of_training)?;
    if let Some(asked) = asked_for.time {
        let (mut time, mut goes_on) = (asked, false);
        if let Some(settings) = training.take() {
            // A random cell's network is trained beside the found one's.
            let trainings = 1 + usize::from(asked_for.baselines);
            let (fitted, mut takes) = then_train::fitted(
                settings,
                &config,
                (time.saturating_sub(begun.elapsed()) / 2, asked),
                (args.train_epochs, trainings, None),
                host,
            )?;
            let may_go_on = config.limits.are_none() && args.seeds == 1 && args.train_epochs.is_none();
            if config.finalists == base.finalists
                && going_on::finals_like(&fitted, &mut config)
                && let (true, Some(finalists)) = (may_go_on, &mut config.finalists)
            {
                takes = asked.saturating_sub(begun.elapsed()).mul_f64(GoingOn::prepare(finalists, trainings));
                goes_on = true;
            }
            (training, time) = (Some(fitted), time.saturating_sub(takes));
        }
        let time = time.saturating_sub(begun.elapsed());
        let each = time / u32::try_from(args.seeds).unwrap_or(u32::MAX);
        let fitted = fitted(config, (each, asked), host, || host.options())?;
        time_plan = (args.seeds == 1).then_some(fitted.time);
        config = fitted.config;
        if let (true, Some(training), Some(finalists)) = (goes_on, &mut training, &config.finalists) {
            // What is set beside it sees as many images.
            training.epochs = finalists.epochs;
            going_on = Some(GoingOn::after(finalists));
        }
    }
    let asked = config.clone();
    let baselines = asked_for.baselines.then(|| Plan::new(config.seed));
    let name = format!("search-{}-{}", config.data.dataset, config.preset);
    let dir = || {
        let dir = resume::new_folder(args.out.as_deref(), &name)?;
        // With the first files, so that it is not forgotten whenever the search is stopped.
        training.iter().try_for_each(|training| dir.write_json(names::TRAINING_PLAN, training))?;
        going_on.iter().try_for_each(|going_on| dir.write_json(names::GOING_ON, going_on))?;
        time_plan.iter().try_for_each(|time| dir.write_json(names::TIME, time))?;
        baselines.iter().try_for_each(|baselines| dir.write_json(names::BASELINES_PLAN, baselines))?;
        Ok(dir)
    };
    if args.seeds == 1
        && let (true, Some(out)) = (args.processes.are_several(), &args.out)
    {
        Single::check_home(out)?;
        let (single, study) = (Single(config), out.join(names::CLAIMS));
        single.check(host.options())?;
        let ended = several.complete(&single, &study, || Ok(patiently(|| single.join(&study))?))?;
        return Ok(ended.map_continue(|outcome| (out.clone(), asked, outcome)));
    }
    if args.seeds == 1 {
        let mut search = Search::create_in(config, dir, host.options())?;
        let outcome = search.run()?;
        return Ok(ControlFlow::Continue((search.run_dir().path().to_owned(), asked, outcome)));
    }
    let seeds = Seeds::new(config, args.seeds);
    seeds.check(host.options())?;
    // What follows, and counts that were fitted to a time, are of one process.
    let folder = match args.out.clone().filter(|_| args.time.is_none() && !args.then_train) {
        Some(out) => out,
        None => {
            let mut dir = dir()?;
            seeds.create(&mut dir)?;
            dir.home().to_owned()
        }
    };
    let join = || Ok(patiently(|| seeds.join(&folder))?);
    let ended = several.complete(&seeds, &folder, join)?;
    Ok(ended.map_continue(|outcome| (folder, asked, outcome)))
}

/// The settings with counts for that time, and a line that says so.
pub(crate) fn fitted(
    config: SearchConfig,
    (time, asked): (Duration, Duration),
    host: &Host,
    options: impl FnMut() -> Options,
) -> Result<Fitted<SearchConfig>, Error> {
    let fitted = config.fitted_to(time, options);
    let fitted = fitted.map_err(|error| time::of_part(error, asked))?;
    host.tell(&fitted.note);
    Ok(fitted)
}
