//! The same training with several seeds, cells or folds.

use eoinas_core::{
    Genotype, SearchSpace, SeedStream, Streams,
    models::{Design, DesignText},
    run_folder::{self, names},
    statistics::{mean_and_deviation, wilson_interval},
};
use serde::{Deserialize, Serialize};

use super::Runs;
use crate::{
    error::Result,
    run::{Options, RunWriter},
    training::{Fold, TrainConfig, TrainJob, Trained, parse_genotype},
};

/// Trainings that share their settings but for cell, seed and fold: `trials.json` in the folder that holds their runs.
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
    /// What is trained: in JSON the field `genotype`, a cell's text, or `model`.
    #[serde(flatten)]
    pub design: DesignText,
    /// Its seed.
    pub seed: u64,
    /// The fold that it is tested on, of a cross-validation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<Fold>,
}

impl Trials {
    /// One network with `seeds` seeds that count up from that of `config`.
    pub fn seeds(config: TrainConfig, design: &Design, seeds: u64) -> Self {
        let trial = |index| {
            let seed = config.seed.wrapping_add(index);
            Trial { name: run_folder::seed(seed), design: design.text(), seed, fold: None }
        };
        Self { trials: (0..seeds).map(trial).collect(), config }
    }

    /// One network, cross-validated: each of `folds` trainings is tested on another part of the training images, and trained on
    /// the others. Seeds count up from that of `config`.
    pub fn folds(config: TrainConfig, design: &Design, folds: usize) -> Self {
        let trial = |fold| Trial {
            name: run_folder::fold(fold),
            design: design.text(),
            seed: config.seed.wrapping_add(fold as u64),
            fold: Some(Fold { fold, of: folds }),
        };
        Self { trials: (0..folds).map(trial).collect(), config }
    }

    /// Whether this is a cross-validation.
    pub fn are_folds(&self) -> bool {
        self.trials.iter().any(|trial| trial.fold.is_some())
    }

    /// `count` random cells of `space`, each with its own seed, counted up from that of `config`.
    pub fn random(config: TrainConfig, space: &SearchSpace, count: u64) -> Self {
        let trial = |index| {
            let seed = config.seed.wrapping_add(index);
            let design = DesignText::Genotype(random_cell(space, seed).to_string());
            Trial { name: run_folder::random_cell(seed), design, seed, fold: None }
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

    fn task(&self, trial: &Trial, options: &Options) -> Result<(TrainConfig, Design)> {
        let split_seed = self.config.split_seed.or(Some(self.config.seed));
        let mut config = TrainConfig { seed: trial.seed, split_seed, ..self.config.clone() };
        config.data.fold = trial.fold.or(config.data.fold);
        let design = match &trial.design {
            DesignText::Genotype(text) => parse_genotype(text, options)?.into(),
            DesignText::Model(model) => model.clone().into(),
        };
        Ok((config, design))
    }

    fn gather(&self, found: Vec<Trained>) -> Result<Vec<Trained>> {
        Ok(found)
    }

    /// Beside the folds of a cross-validation the settings that they share, for the training of the network to use.
    fn write(&self, dir: &RunWriter, _: &Vec<Trained>) -> Result<()> {
        if self.are_folds() { dir.write_json(names::CONFIG, &self.config) } else { Ok(()) }
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

/// Share of all tested images that the folds of a cross-validation got right, 0 to 1, with its interval
/// ([`wilson_interval`], 95 %): every image was tested once, by a network that had not seen it. The interval knows the chance of
/// which images there are; that of the trainings is in how the folds deviate ([`accuracy`]). `None` without images.
pub fn pooled_accuracy(folds: &[Trained]) -> Option<(f64, (f64, f64))> {
    let images: u64 = folds.iter().map(|trained| trained.test_images).sum();
    let right: f64 = folds.iter().map(|trained| trained.accuracy * trained.test_images as f64).sum();
    wilson_interval(right.round() as u64, images).map(|interval| (right / images as f64, interval))
}
