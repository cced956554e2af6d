//! The systems of Table 1, all trained alike.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use eoinas_core::{
    models::{Design, ModelConfig},
    run_folder::{self, names},
    zoo,
};
use eoinas_data::SourceKind;
use eoinas_train::{TrainConfig, TrainError, Trained, Training};
use serde::{Deserialize, Serialize};

use super::published::{Cifar, Here, TABLE_1};
use crate::{
    Error,
    compare::table::{self, mean_deviation},
    host::Host,
    out::say,
    share::{self, Flow, Share},
};

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
    trained: BTreeMap<String, OfDataset>,
}

/// The trainings on one data set.
#[derive(Debug, Serialize, Deserialize)]
struct OfDataset {
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
        if path.exists() { table::read_json(&path) } else { Ok(Self::default()) }
    }

    /// With the test errors of all trainings on a data set, in their order, written to its folder. What another command has added
    /// since stays.
    pub fn with<'a>(
        self,
        budget: &Budget,
        dataset: SourceKind,
        trained: impl Iterator<Item = (&'a Part, f64)>,
        out: &Path,
    ) -> Result<Self, Error> {
        let mut errors = BTreeMap::<String, Vec<f64>>::new();
        for (part, error) in trained {
            errors.entry(part.name.clone()).or_default().push(error);
        }
        for (name, all) in &errors {
            say!("{name} on {dataset}: error {} %", mean_deviation(all));
        }
        let mut study = Self::open(out)?;
        study.trained.insert(dataset.name().to_owned(), OfDataset { budget: budget.clone(), errors });
        table::write_whole(&out.join(FILE), &(serde_json::to_string_pretty(&study)? + "\n"))?;
        Ok(study)
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
        let line = |(dataset, OfDataset { budget, .. }): (&String, &OfDataset)| {
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

/// A training: a system and a seed.
pub(super) struct Part {
    /// Of the system's folder.
    name: String,
    task: (TrainConfig, Design),
}

/// All trainings on the images in a folder, system by system.
pub(super) fn parts(budget: &Budget, images: (SourceKind, &Path)) -> Result<Vec<Part>, Error> {
    let (mut parts, mut done) = (Vec::new(), BTreeSet::new());
    for system in &TABLE_1 {
        let (Some(design), name) = (design(system)?, folder(system)) else { continue };
        if !done.insert(name.clone()) {
            continue;
        }
        for seed in 0..budget.seeds {
            let config = config(budget, images, seed, system.cutout);
            let config = config.for_design(&design);
            parts.push(Part { name: name.clone(), task: (config, design.clone()) });
        }
    }
    Ok(parts)
}

impl Part {
    /// The test error in percent.
    pub fn train(&self, dataset: SourceKind, out: &Path, host: &Host, share: &Share) -> Flow<f64> {
        let seed = run_folder::seed(self.task.0.seed);
        let run = out.join(dataset.name()).join(&self.name).join(seed).join(names::TRAINING);
        let task = |_: Option<&Path>| Ok::<_, TrainError>(self.task.clone());
        share::flow(Training::share(task, &run, host.options_in(out), &share.claims)).map(|trained| error(&trained))
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
