//! Where a training stands, apart from its tensors.

use serde::{Deserialize, Serialize};

use super::score::Score;
use crate::tally::Tally;

/// Where a training stands. Random draws and the data's cursor follow from epoch and step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainState {
    /// The epoch that is being worked on; the number of epochs when all are done.
    pub epoch: usize,
    /// Updates done in it.
    pub step: usize,
    /// Updates done in the whole run.
    pub total_steps: u64,
    /// Training images of this epoch so far.
    pub train: Tally,
    /// The epoch with the best test accuracy so far.
    pub best: Option<BestEpoch>,
    /// On the test part after the last epoch that is done.
    pub last: Option<Score>,
    /// The same of the averaged weights.
    pub last_averaged: Option<Score>,
}

/// The best epoch so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BestEpoch {
    /// The epoch, from 0.
    pub epoch: usize,
    /// Updates done at its end: the name of its checkpoint.
    pub step: u64,
    /// Its top-1 accuracy on the test part, 0 to 1; that of the averaged weights where there are any.
    pub accuracy: f64,
}

/// `state.json` of a training's checkpoint: everything that is not a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedTraining {
    /// Where the training stands.
    pub state: TrainState,
}

impl TrainState {
    /// An update is done.
    pub(super) fn step_done(&mut self, train: Tally) {
        self.step += 1;
        self.total_steps += 1;
        self.train.add(train);
    }

    /// An epoch is done and evaluated.
    pub(super) fn epoch_done(&mut self, score: Score, averaged: Option<Score>) {
        let accuracy = averaged.unwrap_or(score).top1();
        if self.best.is_none_or(|best| accuracy > best.accuracy) {
            self.best = Some(BestEpoch { epoch: self.epoch, step: self.total_steps, accuracy });
        }
        (self.last, self.last_averaged) = (Some(score), averaged);
        self.epoch += 1;
        self.step = 0;
        self.train = Tally::default();
    }
}
