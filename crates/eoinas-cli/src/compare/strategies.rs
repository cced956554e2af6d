//! `eoinas compare strategies`: what search strategies find where each candidate is trained.

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{
    ValueEnum,
    builder::{PossibleValue, RangedU64ValueParser},
};
use eoinas_core::{Genotype, SearchSpace, models::Design};
use eoinas_data::SourceKind;
use eoinas_report::Table;
use eoinas_strategy::{
    Eas, History, MetaQnn, MetaQnnConfig, Strategy as Asks, StrategyError, StrategySearch,
    chain::{Chain, ChainSpace, Growth},
};
use eoinas_train::{
    Lock, Outcome, SearchConfig, StopReason, TrainConfig, TrainError, Trained, Training, TrainingEvaluator,
    config::DataConfig, data::open_dataset,
};
use serde::{Deserialize, Serialize};

use super::{
    strategy,
    table::{self, mean_deviation},
};
use crate::{
    Error, MOST_RUNS, Start, data,
    host::Host,
    limits,
    out::{self, say},
    share,
};

/// Search strategies that ask for cells or for chains of layers, each of which is trained: the same images, cost, epochs and number of
/// trainings for all.
///
/// A candidate's score is its accuracy on training images that are held out of every training. The best one of a search is then
/// trained on all training images and tested on the others. Candidates are made as wide as --multiply-adds allow. Stopped, it
/// goes on with the same command; more --seeds add to what is there, and what was trained is not trained again.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  eoinas compare strategies --strategy random,evolution --budget 12
  eoinas compare strategies --data cifar-10-batches-bin --strategy random,metaqnn-chains,eas --budget 50 --seeds 3")]
pub struct Args {
    /// Strategies, joined by commas; random, the one that learns nothing, is what the others are compared with.
    #[arg(
        long,
        visible_alias = "strategies",
        value_enum,
        value_delimiter = ',',
        default_value = "random,evolution,metaqnn-chains"
    )]
    strategy: Vec<Strategy>,
    /// Trainings that a search may ask for.
    #[arg(long, default_value_t = 12, value_parser = RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    budget: usize,
    /// Searches of each strategy, with seeds that count up from 0.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=MOST_RUNS))]
    seeds: u64,
    /// Folder of the images, which is looked at; without it the embedded set.
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR")]
    data: Option<PathBuf>,
    /// Epochs of a training.
    #[arg(long, default_value_t = 2)]
    epochs: usize,
    /// Up to so many images train.
    #[arg(long, default_value_t = 1000)]
    train_images: usize,
    /// Up to so many images test what was found.
    #[arg(long, default_value_t = 1000)]
    test_images: usize,
    /// Multiply-adds an image that all networks are made as wide as.
    #[arg(long, default_value = "3M", value_name = "N", value_parser = limits::number)]
    multiply_adds: u64,
    /// Number of cells L of the networks of cells.
    #[arg(long, default_value_t = 5)]
    cells: usize,
    /// Folder of the study: histories, trainings, the table as Markdown and CSV.
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR", default_value = "runs/strategies")]
    out: PathBuf,
    #[command(flatten)]
    host: crate::host::HostArgs,
}

/// A strategy and what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strategy {
    Cells(strategy::Strategy),
    MetaQnnChains,
    Eas,
}

impl ValueEnum for Strategy {
    fn value_variants<'a>() -> &'a [Self] {
        use strategy::Strategy as Cells;
        &[
            Self::Cells(Cells::Random),
            Self::Cells(Cells::Evolution),
            Self::Cells(Cells::Reinforce),
            Self::Cells(Cells::Smbo),
            Self::Cells(Cells::MetaQnn),
            Self::Cells(Cells::Hierarchical),
            Self::Cells(Cells::GeneticCnn),
            Self::Cells(Cells::Nao),
            Self::MetaQnnChains,
            Self::Eas,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        match self {
            Self::Cells(cells) => cells.to_possible_value(),
            Self::MetaQnnChains => {
                Some(PossibleValue::new("metaqnn-chains").help("Chains of plain layers, as published"))
            }
            Self::Eas => Some(PossibleValue::new("eas").help("Chains that grow from a small one")),
        }
    }
}

/// What all trainings of a study share: `study.json`. A study goes on with no other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    dataset: SourceKind,
    data: Option<PathBuf>,
    epochs: usize,
    train_images: usize,
    test_images: usize,
    multiply_adds: u64,
    cells: usize,
}

/// The best of a search.
struct Found {
    held_out: f64,
    trained: Trained,
    /// Of its training, below the study's.
    folder: PathBuf,
}

/// What a search has learned so far, and with which settings.
#[derive(Serialize, Deserialize)]
struct Kept {
    settings: Settings,
    history: History,
}

/// EAS begins with it: three small convolutions.
const EAS_START: &str = "conv3-16 pool2/2 conv3-32 pool2/2 conv3-64 average";
const SETTINGS: &str = "study.json";

/// Searches, trains, prints.
///
/// # Errors
/// Settings that cannot be; another study in the folder; a training that fails.
pub fn run(args: &Args, _: &Start) -> Result<ExitCode, Error> {
    let lock = Lock::take_new(&args.out)?;
    lock.note().into_iter().for_each(out::note);
    let settings = Settings {
        dataset: data::kind_of(None, args.data.as_deref())?,
        data: args.data.clone(),
        epochs: args.epochs,
        train_images: args.train_images,
        test_images: args.test_images,
        multiply_adds: args.multiply_adds,
        cells: args.cells,
    };
    settings.check(&args.out)?;
    let host = args.host.open()?;
    match args.host.run(|| searches(args, &settings, &host))? {
        Outcome::Done(table) => {
            table::write(&table, &args.out, "strategies")?;
            say!("{}", table.to_markdown());
            say!("files: {}", args.out.display());
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Stopped(reason) => Ok(share::stopped(&reason)),
    }
}

fn searches(args: &Args, settings: &Settings, host: &Host) -> Result<Outcome<Table>, Error> {
    let mut table = Table::new([
        "strategy",
        "seeds",
        "trainings",
        "best held-out accuracy, %",
        "its test accuracy, %",
        "found with the first seed, below the study's folder",
    ]);
    for strategy in &args.strategy {
        let name = strategy.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned());
        let mut all = Vec::new();
        for seed in 0..args.seeds {
            let folder = args.out.join(&name).join(format!("seed-{seed}"));
            let search = Search { settings, host, study: &args.out, folder: &folder, budget: args.budget, seed };
            match search.run(*strategy)? {
                Outcome::Done(found) => all.push(found),
                Outcome::Stopped(reason) => return Ok(Outcome::Stopped(reason)),
            }
        }
        let column =
            |of: fn(&Found) -> f64| mean_deviation(&all.iter().map(|found| 100.0 * of(found)).collect::<Vec<_>>());
        let first = all.first().map_or_else(String::new, |found| found.folder.display().to_string());
        let row = [
            name,
            args.seeds.to_string(),
            args.budget.to_string(),
            column(|found| found.held_out),
            column(|found| found.trained.accuracy),
            first,
        ];
        table.rows.push(row.into());
    }
    Ok(Outcome::Done(table))
}

/// One search of a study.
struct Search<'a> {
    settings: &'a Settings,
    host: &'a Host,
    study: &'a Path,
    folder: &'a Path,
    budget: usize,
    seed: u64,
}

impl Search<'_> {
    fn run(&self, strategy: Strategy) -> Result<Outcome<Found>, Error> {
        match strategy {
            Strategy::Cells(cells) => {
                let space = SearchSpace::darts();
                let strategy = cells.build(space, self.budget)?;
                self.search(strategy, |text| Ok(Genotype::parse(text)?))
            }
            Strategy::MetaQnnChains => {
                let images = DataConfig {
                    dataset: self.settings.dataset,
                    dir: self.settings.data.clone(),
                    train_images: Some(self.settings.train_images),
                    ..SearchConfig::quick().data
                };
                let images = open_dataset(&images)?;
                let image = images.info().height.min(images.info().width);
                let strategy = MetaQnn::chains(ChainSpace { image, ..ChainSpace::default() })?;
                self.search(strategy.with_config(MetaQnnConfig::for_budget(self.budget))?, chain)
            }
            Strategy::Eas => self.search(Eas::new(EAS_START.parse()?, Growth::default())?, chain),
        }
    }

    fn search<C: Clone + Display + Into<Design>>(
        &self,
        strategy: impl Asks<C>,
        parse: impl Fn(&str) -> Result<C, Error>,
    ) -> Result<Outcome<Found>, Error> {
        fs::create_dir_all(self.folder)?;
        // Schedules stretch over the budget, so that a larger one is another search, which finds trainings done.
        let path = self.folder.join(format!("history-{}.json", self.budget));
        let history = match path.exists() {
            true => self.settings.history(&path)?,
            false => History::default(),
        };
        let (host, study) = (self.host.clone(), self.study.to_owned());
        let config = self.settings.config(self.seed);
        let trainings = self.folder.join("trainings");
        let evaluator = TrainingEvaluator::new(config.clone(), &trainings, move || host.options_in(&study));
        let mut search = StrategySearch::new(strategy, evaluator, self.budget, self.seed).resume(history)?;
        loop {
            match search.step() {
                Ok(true) => {
                    self.settings.keep(self.study)?;
                    let kept = Kept { settings: self.settings.clone(), history: search.history().clone() };
                    table::write_whole(&path, &(serde_json::to_string_pretty(&kept)? + "\n"))?;
                }
                Ok(false) => break,
                Err(error) => return stopped(error).map(Outcome::Stopped),
            }
        }
        let best = search.history().best().ok_or("no training was asked for")?;
        let index = search.history().entries.iter().position(|entry| entry == best).unwrap_or(0);
        let design: Design = parse(&best.genotype)?.into();
        let config = config.for_design(&design);
        let run = self.folder.join(format!("found-{}-{index}", self.budget));
        let folder = run.strip_prefix(self.study).unwrap_or(&run).to_owned();
        let held_out = best.evaluation.score;
        Ok(Training::complete((config, design), &run, self.host.options_in(self.study))?.map(|trained| Found {
            held_out,
            trained,
            folder,
        }))
    }
}

fn chain(text: &str) -> Result<Chain, Error> {
    Ok(text.parse()?)
}

/// Why an evaluation was stopped.
///
/// # Errors
/// The error, where it was none.
fn stopped(error: StrategyError) -> Result<StopReason, Error> {
    match error {
        StrategyError::Evaluate { source, index, genotype } => match source.downcast::<TrainError>() {
            Ok(stopped) => match *stopped {
                TrainError::EvaluationStopped { reason, .. } => Ok(reason),
                error => Err(StrategyError::Evaluate { source: Box::new(error), index, genotype }.into()),
            },
            Err(source) => Err(StrategyError::Evaluate { source, index, genotype }.into()),
        },
        error => Err(error.into()),
    }
}

impl Settings {
    /// Those of a study that is in the folder have to be the same.
    fn check(&self, out: &Path) -> Result<(), Error> {
        let path = out.join(SETTINGS);
        if !path.exists() {
            return Ok(());
        }
        let there: Self = table::read_json(&path)?;
        if there != *self {
            let (there, asked) = (serde_json::to_string(&there)?, serde_json::to_string(self)?);
            let text =
                format!("holds a study with other settings, {there}; asked for are {asked}; choose another --out");
            return Err(format!("{} {text}", out.display()).into());
        }
        Ok(())
    }

    /// Writes them to the folder of a study that has begun.
    fn keep(&self, out: &Path) -> Result<(), Error> {
        let path = out.join(SETTINGS);
        match path.exists() {
            true => Ok(()),
            false => Ok(table::write_whole(&path, &(serde_json::to_string_pretty(self)? + "\n"))?),
        }
    }

    /// The history in a file, of these settings.
    fn history(&self, path: &Path) -> Result<History, Error> {
        let kept: Kept = table::read_json(path)?;
        match kept.settings == *self {
            true => Ok(kept.history),
            false => Err(format!("{} is of other settings; choose another --out", path.display()).into()),
        }
    }

    /// Of a training; `TrainingEvaluator` holds images out.
    fn config(&self, seed: u64) -> TrainConfig {
        let mut config = TrainConfig { seed, split_seed: Some(0), epochs: self.epochs, ..TrainConfig::quick() };
        config.multiply_adds = Some(self.multiply_adds);
        config.network.cells = self.cells;
        config.data.dataset = self.dataset;
        config.data.dir.clone_from(&self.data);
        config.data.train_images = Some(self.train_images);
        config.data.test_images = Some(self.test_images);
        config.augment.cutout = 0;
        (config.drop_path, config.auxiliary) = (0.0, 0.0);
        config
    }
}
