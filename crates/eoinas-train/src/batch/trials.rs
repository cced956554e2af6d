//! The same training with several seeds or cells.

use eoinas_core::{
    Genotype, SearchSpace, SeedStream, Streams,
    run_folder::{self, names},
    statistics::mean_and_deviation,
};
use serde::{Deserialize, Serialize};

use super::Runs;
use crate::{
    error::Result,
    run::{Options, RunWriter},
    training::{TrainConfig, TrainJob, Trained, parse_genotype},
};

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
            let genotype = random_cell(space, seed).to_string();
            Trial { name: run_folder::random_cell(seed), genotype, seed }
        };
        Self { trials: (0..count).map(trial).collect(), config }
    }
}

impl Runs for Trials {
    type Job = TrainJob;
    type Item = Trial;
    type Found = Vec<Trained>;
    const FILE: &'static str = names::TRIALS;

    fn items(&self) -> &[Trial] {
        &self.trials
    }

    fn name(trial: &Trial) -> String {
        trial.name.clone()
    }

    fn task(&self, trial: &Trial, options: &Options) -> Result<(TrainConfig, Genotype)> {
        let split_seed = self.config.split_seed.or(Some(self.config.seed));
        let config = TrainConfig { seed: trial.seed, split_seed, ..self.config.clone() };
        Ok((config, parse_genotype(&trial.genotype, options)?))
    }

    fn gather(&self, _: &RunWriter, found: Vec<Trained>) -> Result<Vec<Trained>> {
        Ok(found)
    }
}

/// The random cell of a seed.
pub fn random_cell(space: &SearchSpace, seed: u64) -> Genotype {
    Genotype::random(space, &mut Streams::new(seed).rng(SeedStream::Named("random cell"), 0, 0))
}

/// Mean and sample standard deviation of the test accuracies, 0 to 1, or of the scores that take their place; `None` without
/// any.
pub fn accuracy(trained: &[Trained]) -> Option<(f64, f64)> {
    let accuracies: Vec<f64> = trained.iter().map(|trained| trained.score().value).collect();
    mean_and_deviation(&accuracies)
}
