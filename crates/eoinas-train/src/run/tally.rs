//! Loss and correct answers, summed over batches.

use eoinas_nn::PassOutput;
use serde::{Deserialize, Serialize};

/// Sums over the batches of an epoch or an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Sum of the losses of all images, in nats.
    #[serde(alias = "loss_sum")]
    pub loss: f64,
    /// Images that got the right class.
    pub correct: u64,
    /// Images whose class is among the five best; with five classes or fewer that is every image.
    #[serde(default)]
    pub correct_top5: u64,
    /// All images.
    #[serde(alias = "images")]
    pub samples: u64,
}

impl Tally {
    /// Adds another one.
    pub fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.correct_top5 += other.correct_top5;
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

    /// Share of the images whose class is among the five best, 0 to 1; `None` without any.
    pub fn top5(&self) -> Option<f64> {
        (self.samples > 0).then(|| self.correct_top5 as f64 / self.samples as f64)
    }
}

impl From<&PassOutput> for Tally {
    fn from(output: &PassOutput) -> Self {
        let samples = output.samples as u64;
        let (correct, correct_top5) = (output.correct as u64, output.correct_top5 as u64);
        Self { loss: output.loss * output.samples as f64, correct, correct_top5, samples }
    }
}
