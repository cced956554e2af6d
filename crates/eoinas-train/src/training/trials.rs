//! The same training with several seeds or cells, and the mean of what comes out.

use std::path::Path;

use eoinas_core::{
    Genotype, SearchSpace, SeedStream, Streams,
    run_folder::{self, names},
    statistics::mean_and_deviation,
};
use serde::{Deserialize, Serialize};

use super::{
    config::TrainConfig,
    engine::{TrainOutcome, Training},
    setup::{TrainOptions, TrainParts},
    trained::Trained,
    validate::TrainConfigError,
};
use crate::{error::Result, run_dir::RunDir, stop::StopReason};

/// Trainings that share their settings but for cell and seed: `trials.json` in the folder that holds their runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trials {
    /// The settings that all share. Its seed also chooses the images, so that all learn from the same ones.
    pub config: TrainConfig,
    /// Each training.
    pub trials: Vec<Trial>,
}

/// One training of [`Trials`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Its folder's name below that of the trials, and its name in tables.
    pub name: String,
    /// The genotype's text.
    pub genotype: String,
    /// Its seed.
    pub seed: u64,
}

/// How trials ended.
#[derive(Clone, Debug, PartialEq)]
pub enum TrialsOutcome {
    /// Each in the order of the trials.
    Trained(Vec<Trained>),
    /// One stopped before its end; what is saved can be resumed.
    Stopped(StopReason),
}

impl Trials {
    /// One genotype with `seeds` seeds that count up from that of `config`.
    pub fn seeds(config: TrainConfig, genotype: &Genotype, seeds: u64) -> Self {
        let trial = |index| {
            let seed = config.seed.wrapping_add(index);
            Trial { name: run_folder::seed(seed), genotype: genotype.to_string(), seed }
        };
        Self { trials: (0..seeds).map(trial).collect(), config }
    }

    /// `count` random cells of `space`, each with its own seed, counted up from that of `config`.
    pub fn random(config: TrainConfig, space: &SearchSpace, count: u64) -> Self {
        let trial = |index| {
            let seed = config.seed.wrapping_add(index);
            let mut rng = Streams::new(seed).rng(SeedStream::Named("random cell"), 0, 0);
            let genotype = Genotype::random(space, &mut rng).to_string();
            Trial { name: run_folder::random_cell(seed), genotype, seed }
        };
        Self { trials: (0..count).map(trial).collect(), config }
    }

    /// Checks that the first one can be trained, without writing anything: settings, cell, images.
    ///
    /// # Errors
    /// As [`Training::create`].
    pub fn check(&self, mut options: TrainOptions) -> Result<()> {
        let first = self.trials.first().ok_or(TrainConfigError::Trials)?;
        let genotype = genotype(first, &options)?;
        TrainParts::new(self.config.clone(), genotype, &mut options).map(|_| ())
    }

    /// Writes `trials.json` to a folder that is new or empty.
    ///
    /// # Errors
    /// No trials, settings that cannot work, a folder that cannot be written.
    pub fn create(&self, dir: &RunDir) -> Result<()> {
        if self.trials.is_empty() {
            return Err(TrainConfigError::Trials.into());
        }
        self.config.validate()?;
        Ok(dir.write_json(names::TRIALS, self)?)
    }

    /// Whether `path` is the folder of trials.
    pub fn is_in(path: &Path) -> bool {
        path.join(names::TRIALS).exists()
    }

    /// Reads `trials.json`.
    ///
    /// # Errors
    /// It is not there or not valid.
    pub fn open(path: &Path) -> Result<(Self, RunDir)> {
        let dir = RunDir::open(path)?;
        Ok((dir.read_json(names::TRIALS)?, dir))
    }

    /// Trains each, goes on with those that were interrupted and takes the results of those that are done. `options`
    /// makes what each training needs.
    ///
    /// # Errors
    /// Those of a training.
    pub fn run(&self, dir: &RunDir, mut options: impl FnMut(&Trial) -> TrainOptions) -> Result<TrialsOutcome> {
        let mut all = Vec::new();
        for trial in &self.trials {
            let outcome = self.train(trial, &dir.join(&trial.name), options(trial))?;
            match outcome {
                TrainOutcome::Trained(trained) => all.push(trained),
                TrainOutcome::Stopped(reason) => return Ok(TrialsOutcome::Stopped(reason)),
            }
        }
        Ok(TrialsOutcome::Trained(all))
    }

    fn train(&self, trial: &Trial, path: &Path, options: TrainOptions) -> Result<TrainOutcome> {
        let genotype = genotype(trial, &options)?;
        let split_seed = self.config.split_seed.or(Some(self.config.seed));
        let config = TrainConfig { seed: trial.seed, split_seed, ..self.config.clone() };
        Training::complete(&config, &genotype, path, options)
    }
}

fn genotype(trial: &Trial, options: &TrainOptions) -> Result<Genotype> {
    Ok(match &options.space {
        Some(space) => Genotype::parse_with(&trial.genotype, space)?,
        None => Genotype::parse(&trial.genotype)?,
    })
}

impl TrialsOutcome {
    /// Mean and sample standard deviation of the test accuracies, 0 to 1; `None` for trials that stopped.
    pub fn accuracy(&self) -> Option<(f64, f64)> {
        let Self::Trained(all) = self else { return None };
        let accuracies: Vec<f64> = all.iter().map(|trained| trained.accuracy).collect();
        mean_and_deviation(&accuracies)
    }
}
