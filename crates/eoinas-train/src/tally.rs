//! Loss and correct answers, summed over batches.

use eoinas_nn::PassOutput;
use serde::{Deserialize, Serialize};

/// Sums over the batches of an epoch or an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Sum of the losses of all images.
    pub loss: f64,
    /// Images that got the right class.
    pub correct: u64,
    /// All images.
    pub samples: u64,
}

impl Tally {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.samples += other.samples;
    }

    /// Mean loss of an image; `None` without any.
    pub fn mean_loss(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.loss / self.samples as f64)
    }

    /// Share of the images that got the right class, 0 to 1; `None` without any.
    pub fn accuracy(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.correct as f64 / self.samples as f64)
    }
}

impl From<&PassOutput> for Tally {
    fn from(output: &PassOutput) -> Self {
        let (correct, samples) = (output.correct as u64, output.samples as u64);
        Self { loss: output.loss * output.samples as f64, correct, samples }
    }
}
