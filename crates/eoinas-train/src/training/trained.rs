//! What a training ends with.

use std::fmt;

use eoinas_core::{Measure, Score, models::DesignText};
use serde::{Deserialize, Serialize};

/// The result of a training: `result.json` of a finished run, and what `--json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// What it is: in JSON the field `genotype`, a cell's text, or `model`.
    #[serde(flatten)]
    pub design: DesignText,
    /// Top-1 accuracy on the test part after the last epoch, 0 to 1: the result. On the held-out training images or a fold of them,
    /// here and below, where the settings say so; of a training that stops early that of the best epoch's network. All accuracies are 0 or `None` where the task has no classes.
    pub accuracy: f64,
    /// The score there of a task without classes: its result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// Top-5 accuracy there.
    pub top5: f64,
    /// Mean loss there: cross entropy in nats, of numbers the mean squared error, each standardised.
    pub loss: f64,
    /// Top-1 accuracy of the averaged weights after the last epoch; `None` without an average.
    pub averaged_accuracy: Option<f64>,
    /// The score of the averaged weights of a task without classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub averaged_score: Option<f64>,
    /// The highest top-1 accuracy of any epoch, on the images that are evaluated after each: those of the test part, where it is
    /// chosen on them, so that it flatters and is no result to compare; of a training that stops early those held out for that.
    pub best_accuracy: f64,
    /// The best score of any epoch, likewise, of a task without classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_score: Option<f64>,
    /// That epoch, from 0.
    pub best_epoch: usize,
    /// Images of the test part that were evaluated.
    pub test_images: u64,
    /// Images held out of the training to choose the best epoch by; `None` where the last one is the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_out_images: Option<u64>,
    /// Images that trained.
    pub train_images: u64,
    /// The run's seed.
    pub seed: u64,
    /// Epochs that were trained.
    pub epochs: usize,
    /// Seconds over all sessions.
    pub seconds: f64,
    /// Trained parameters of the network, auxiliary head left out.
    pub parameters: u64,
    /// Its multiply-adds for one image.
    pub multiply_adds: u64,
    /// Its milliseconds by the table of a limit on latency, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// Its initial number of channels, where the result says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// Its number of cells, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cells: Option<usize>,
}

impl Trained {
    /// The result: the accuracy, or the score that takes its place.
    pub fn score(&self) -> Score {
        self.score.clone().unwrap_or_else(|| Score { measure: Measure::accuracy(), value: self.accuracy })
    }
}

impl fmt::Display for Trained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on the test images", self.score())
    }
}
