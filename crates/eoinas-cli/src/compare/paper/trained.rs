//! The systems of Table 1, all trained alike.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use eoinas_core::{
    models::{Design, ModelConfig},
    run_folder::{self, names},
    zoo,
};
use eoinas_data::SourceKind;
use eoinas_train::{Outcome, StopReason, TrainConfig, Trained, Training};
use serde::{Deserialize, Serialize};

use super::published::{Cifar, Here, TABLE_1};
use crate::{Error, compare::table::mean_deviation, host::Host, out::say};

/// What every training of a study gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Budget {
    pub seeds: u64,
    pub epochs: usize,
    pub train_images: usize,
    pub test_images: usize,
    pub multiply_adds: u64,
    pub cells: usize,
}

/// What was trained so far: `study.json` in its folder.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Study {
    /// By the name of the data set.
    trained: BTreeMap<String, Part>,
}

/// The trainings on one data set.
#[derive(Debug, Serialize, Deserialize)]
struct Part {
    budget: Budget,
    /// Test errors in percent of each seed, by the system's folder.
    errors: BTreeMap<String, Vec<f64>>,
}

/// Name of the file with what was trained.
const FILE: &str = "study.json";
/// Side of the square that cutout blanks, in pixels: the paper's.
const CUTOUT: usize = 16;

impl Study {
    /// That of a folder; an empty one where there is none yet.
    pub fn open(out: &Path) -> Result<Self, Error> {
        let path = out.join(FILE);
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = fs::read_to_string(&path)?;
        serde_json::from_str(&text).map_err(|error| format!("{}: {error}", path.display()).into())
    }

    /// Trains every system on the images in `dir`, or goes on with that. A reason where it was stopped.
    pub fn train(
        &mut self,
        budget: &Budget,
        (dataset, dir): (SourceKind, &Path),
        out: &Path,
        host: &Host,
    ) -> Result<Option<StopReason>, Error> {
        let of_dataset = out.join(dataset.name());
        let mut errors = BTreeMap::new();
        let mut done = BTreeSet::new();
        for system in &TABLE_1 {
            let (Some(design), name) = (design(system)?, folder(system)) else { continue };
            if !done.insert(name.clone()) {
                continue;
            }
            let mut all = Vec::new();
            for seed in 0..budget.seeds {
                let run = of_dataset.join(&name).join(run_folder::seed(seed)).join(names::TRAINING);
                let mut config = config(budget, (dataset, dir), seed, system.cutout);
                config = if design.model().is_some() { config.for_model() } else { config };
                match Training::complete((config, design.clone()), &run, host.options_in(out))? {
                    Outcome::Done(trained) => all.push(error(&trained)),
                    Outcome::Stopped(reason) => return Ok(Some(reason)),
                }
            }
            say!("{name} on {dataset}: error {} %", mean_deviation(&all));
            errors.insert(name, all);
        }
        self.trained.insert(dataset.name().to_owned(), Part { budget: budget.clone(), errors });
        fs::write(out.join(FILE), serde_json::to_string_pretty(self)? + "\n")?;
        Ok(None)
    }

    /// The data sets that there are trainings on.
    pub fn datasets(&self) -> impl Iterator<Item = &str> {
        self.trained.keys().map(String::as_str)
    }

    /// Mean and deviation of a system's test errors on a data set.
    pub fn errors(&self, dataset: &str, system: &Cifar) -> String {
        let errors = self.trained.get(dataset).and_then(|part| part.errors.get(&folder(system)));
        match (errors, system.here) {
            (Some(errors), _) => mean_deviation(errors),
            (None, Here::Nothing) => "-".to_owned(),
            (None, _) => "not run".to_owned(),
        }
    }

    /// What the trainings were, one line a data set.
    pub fn notes(&self) -> Vec<String> {
        let line = |(dataset, Part { budget, .. }): (&String, &Part)| {
            let Budget { seeds, epochs, train_images, test_images, multiply_adds, .. } = budget;
            format!(
                "trained here on {dataset}: {epochs} epochs of {train_images} images, {:.1} M multiply-adds, {seeds} seed(s), tested on \
                 {test_images} images",
                *multiply_adds as f64 / 1e6
            )
        };
        self.trained.iter().map(line).collect()
    }
}

/// What is trained for a system.
fn design(system: &Cifar) -> Result<Option<Design>, Error> {
    Ok(match system.here {
        Here::Cell(name) => Some(zoo::find(name)?.genotype().into()),
        Here::Model(kind) => Some(ModelConfig::new(kind).into()),
        Here::Nothing => None,
    })
}

/// Where a system's trainings are: with and without cutout are two.
fn folder(system: &Cifar) -> String {
    let name = match system.here {
        Here::Cell(name) => name,
        Here::Model(kind) => kind.name(),
        Here::Nothing => system.name,
    };
    if system.cutout { format!("{name}-cutout") } else { name.to_owned() }
}

/// The settings of all: the preset `quick`, its augmentation with cutout or without, all at one cost.
fn config(budget: &Budget, (dataset, dir): (SourceKind, &Path), seed: u64, cutout: bool) -> TrainConfig {
    let mut config = TrainConfig { seed, split_seed: Some(0), epochs: budget.epochs, ..TrainConfig::quick() };
    config.multiply_adds = Some(budget.multiply_adds);
    config.network.cells = budget.cells;
    config.data.dataset = dataset;
    config.data.dir = Some(dir.to_owned());
    config.data.train_images = Some(budget.train_images);
    config.data.test_images = Some(budget.test_images);
    config.augment.cutout = if cutout { CUTOUT } else { 0 };
    (config.drop_path, config.auxiliary) = (0.0, 0.0);
    config
}

/// In percent.
fn error(trained: &Trained) -> f64 {
    100.0 * (1.0 - trained.accuracy)
}
