//! `eoinas compare strategies`: what search strategies find where each candidate is trained.

mod affordable;
mod study;

use std::{cell::RefCell, ops::ControlFlow, path::PathBuf, process::ExitCode, sync::Arc};

use clap::{
    ValueEnum,
    builder::{PossibleValue, RangedU64ValueParser},
};
use eoinas_core::SearchSpace;
use eoinas_data::SourceKind;
use eoinas_report::Table;
use eoinas_train::{Claims, TrainConfig, Training, batch};
use serde::{Deserialize, Serialize};

use self::study::{Found, Part, Study};
use super::{
    settings::{self, Note},
    strategy,
    table::{self, mean_deviation},
};
use crate::{
    Error, MOST_RUNS, Start, data, limits,
    out::say,
    share::{self, Ended, Processes},
};

/// Search strategies that ask for cells, or for networks layer by layer, each of which is trained: the same images, cost, epochs and
/// number of trainings for all.
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
    processes: Processes,
    #[command(flatten)]
    host: crate::host::HostArgs,
}

/// A strategy and what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Strategy {
    Cells(strategy::Strategy),
    MetaQnnChains,
    HierarchicalMotifs,
    GeneticCnnStages,
    Eas,
    EasDenseNets,
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
            Self::HierarchicalMotifs,
            Self::GeneticCnnStages,
            Self::Eas,
            Self::EasDenseNets,
        ]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, about) = match self {
            Self::Cells(cells) => return cells.to_possible_value(),
            Self::MetaQnnChains => ("metaqnn-chains", "Chains of plain layers, as published"),
            Self::HierarchicalMotifs => ("hierarchical-motifs", "Motifs within motifs, as published"),
            Self::GeneticCnnStages => ("genetic-cnn-stages", "Stages of connected convolutions, as published"),
            Self::Eas => ("eas", "Chains that grow from a small one"),
            Self::EasDenseNets => ("eas-densenets", "DenseNets that grow from a small one"),
        };
        Some(PossibleValue::new(name).help(about))
    }
}

impl Strategy {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
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

/// Searches, trains, prints.
///
/// # Errors
/// Settings that cannot be; another study in the folder; a training that fails.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    let settings = Settings {
        dataset: data::kind_of(None, args.data.as_deref())?,
        data: args.data.clone(),
        epochs: args.epochs,
        train_images: args.train_images,
        test_images: args.test_images,
        multiply_adds: args.multiply_adds,
        cells: args.cells,
    };
    let host = args.host.open()?;
    let of_seed =
        |seed| args.strategy.iter().map(move |strategy| Part { strategy: *strategy, budget: args.budget, seed });
    let parts: Vec<Part> = (0..args.seeds).flat_map(of_seed).collect();
    // Those of an earlier version are in the histories as well.
    let begin = |_: &Claims| {
        let check = || {
            let cell = batch::random_cell(&SearchSpace::darts(), 0);
            Ok(Training::check((settings.config(0), cell.into()), host.options())?)
        };
        settings::agree(&[&Note::of_study(&args.out, settings.clone())], || Ok(false), check, start)
    };
    let share = match args.processes.open((parts.len(), &args.out), &args.host, &host, begin)? {
        ControlFlow::Continue(share) => share,
        ControlFlow::Break(code) => return Ok(code),
    };
    let study =
        Study { settings, out: &args.out, host, claims: Arc::clone(&share.claims), waiting: RefCell::default() };
    let ended = args.host.run(move || {
        let ended = share.each(&parts, |part| study.found(part))?;
        let Ended::Done(mut found) = ended else { return Ok(ended) };
        found.extend(share::others(&study.others(&parts)?, |part| study.found(part)));
        Ok(Ended::Done(found))
    })?;
    share::end(ended, |found| report(args, &found))
}

/// The table, printed and as `strategies.*` in the study's folder: of all searches that are done in it, first those that were
/// asked for.
fn report(args: &Args, found: &[(Part, Found)]) -> Result<(), Error> {
    let mut table = Table::new([
        "strategy",
        "seeds",
        "trainings",
        "best held-out accuracy, %",
        "its test accuracy, %",
        "found with the first seed, below the study's folder",
    ]);
    let mut rows: Vec<(Strategy, usize)> = args.strategy.iter().map(|strategy| (*strategy, args.budget)).collect();
    rows.extend(found.iter().map(|(part, _)| (part.strategy, part.budget)));
    for row in settings::once(&rows) {
        let own: Vec<&Found> =
            found.iter().filter(|(part, _)| (part.strategy, part.budget) == *row).map(|(_, found)| found).collect();
        let column =
            |of: fn(&Found) -> f64| mean_deviation(&own.iter().map(|found| 100.0 * of(found)).collect::<Vec<_>>());
        table.rows.push(vec![
            row.0.name(),
            own.len().to_string(),
            row.1.to_string(),
            column(|found| found.held_out),
            column(|found| found.trained.accuracy),
            own.first().map_or_else(String::new, |found| found.folder.display().to_string()),
        ]);
    }
    let tables = [("strategies".to_owned(), table)];
    share::written(table::write(&tables, &args.out), &args.out)?;
    tables.iter().for_each(|(_, table)| say!("{}", table.to_markdown()));
    say!("files: {}", args.out.display());
    Ok(())
}

impl Settings {
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
