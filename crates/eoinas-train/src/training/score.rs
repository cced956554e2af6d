//! How good a network is on a set of images.

use eoinas_nn::PassOutput;
use serde::{Deserialize, Serialize};

/// Loss and accuracies over a set of images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Sum of the cross entropies of all images, in nats.
    pub loss_sum: f64,
    /// Images that got the right class.
    pub correct: u64,
    /// Images whose class is among the five best.
    pub correct_top5: u64,
    /// All images.
    pub images: u64,
}

impl Score {
    /// Adds the outcome of one pass.
    pub fn add(&mut self, output: &PassOutput) {
        self.loss_sum += output.loss * output.samples as f64;
        self.correct += output.correct as u64;
        self.correct_top5 += output.correct_top5 as u64;
        self.images += output.samples as u64;
    }

    /// Mean cross entropy in nats; NaN without images.
    pub fn loss(&self) -> f64 {
        self.loss_sum / self.images as f64
    }

    /// Share of the images that got the right class, 0 to 1; 0 without images.
    pub fn top1(&self) -> f64 {
        self.correct as f64 / self.images.max(1) as f64
    }

    /// Share of the images whose class is among the five best, 0 to 1; 0 without images. With five classes or fewer it
    /// is 1.
    pub fn top5(&self) -> f64 {
        self.correct_top5 as f64 / self.images.max(1) as f64
    }
}
