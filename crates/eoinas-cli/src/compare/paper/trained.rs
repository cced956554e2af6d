//! The systems of Table 1, all trained alike.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use eoinas_core::{
    models::{Design, ModelConfig},
    run_folder::{self, names},
    zoo,
};
use eoinas_data::SourceKind;
use eoinas_train::{Claims, TrainConfig, TrainError, Trained, Training};
use serde::{Deserialize, Serialize};

use super::published::{Cifar, Here, TABLE_1};
use crate::{
    Error, Start,
    compare::{
        settings::{self, Note},
        table::{self, mean_deviation},
    },
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

    /// With the test errors of all trainings on a data set, each with its system's folder, written to its folder. What another command
    /// has added since stays.
    pub fn with(
        self,
        budget: &Budget,
        dataset: SourceKind,
        trained: Vec<(String, f64)>,
        out: &Path,
    ) -> Result<Self, Error> {
        let mut errors = BTreeMap::<String, Vec<f64>>::new();
        for (name, error) in trained {
            errors.entry(name).or_default().push(error);
        }
        for (name, all) in &errors {
            say!("{name} on {dataset}: error {} %", mean_deviation(all));
        }
        let mut study = Self::open(out)?;
        let seeds = errors.values().map(|all| all.len() as u64).max().unwrap_or(budget.seeds);
        let budget = Budget { seeds, ..budget.clone() };
        study.trained.insert(dataset.name().to_owned(), OfDataset { budget, errors });
        let json = serde_json::to_string_pretty(&study)? + "\n";
        let path = out.join(FILE);
        if !fs::read_to_string(&path).is_ok_and(|there| there == json) {
            table::write_whole(&path, &json)?;
        }
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
    parts_of(budget, images, |_| (0..budget.seeds).collect())
}

/// Those of seeds that nobody asked for now, which are done in the folder `out`.
pub(super) fn others(budget: &Budget, images: (SourceKind, &Path), out: &Path) -> Result<Vec<Part>, Error> {
    let seeds = |name: &str| settings::seeds(&out.join(images.0.name()).join(name), &[names::TRAINING]);
    parts_of(budget, images, |name| seeds(name).into_iter().filter(|seed| *seed >= budget.seeds).collect())
}

fn parts_of(
    budget: &Budget,
    images: (SourceKind, &Path),
    seeds: impl Fn(&str) -> Vec<u64>,
) -> Result<Vec<Part>, Error> {
    let (mut parts, mut done) = (Vec::new(), BTreeSet::new());
    for system in &TABLE_1 {
        let (Some(design), name) = (design(system)?, folder(system)) else { continue };
        if !done.insert(name.clone()) {
            continue;
        }
        for seed in seeds(&name) {
            let config = config(budget, images, seed, system.cutout);
            let config = config.for_design(&design);
            parts.push(Part { name: name.clone(), task: (config, design.clone()) });
        }
    }
    Ok(parts)
}

/// Notes what the trainings on a data set are, before any begins. Another data set may have another budget.
pub(super) fn note(
    (budget, images): (&Budget, (SourceKind, &Path)),
    parts: &[Part],
    out: &Path,
    (claims, host): (&Claims, &Host),
    start: &Start,
) -> Result<(), Error> {
    let dataset = images.0;
    let study = Note::of_study(&out.join(dataset.name()), config(budget, images, 0, false));
    let begun = || {
        let mut any = false;
        for part in parts {
            any |= claims.check_begun(&part.run(dataset, out), &part.task.0)?;
        }
        Ok(any)
    };
    // Each system's: one may not fit the budget where the others do.
    let check = || {
        let mut checked = BTreeSet::new();
        for part in parts.iter().filter(|part| checked.insert(&part.name)) {
            Training::check(part.task.clone(), host.options())?;
        }
        Ok(())
    };
    settings::agree(&[&study], begun, check, start)
}

impl Part {
    fn run(&self, dataset: SourceKind, out: &Path) -> PathBuf {
        let seed = run_folder::seed(self.task.0.seed);
        out.join(dataset.name()).join(&self.name).join(seed).join(names::TRAINING)
    }

    /// Its system's folder, and the test error in percent.
    pub fn train(&self, dataset: SourceKind, out: &Path, host: &Host, share: &Share) -> Flow<(String, f64)> {
        let task = |_: Option<&Path>| Ok::<_, TrainError>(self.task.clone());
        // Each data set has its own files.
        let options = host.options_in(&out.join(dataset.name()));
        let trained = Training::share(task, &self.run(dataset, out), options, &share.claims);
        share::flow(trained).map(|trained| (self.name.clone(), error(&trained)))
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
