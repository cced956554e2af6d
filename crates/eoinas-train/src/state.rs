//! Where a search stands, apart from its tensors.

use eoinas_prune::PruneState;
use serde::{Deserialize, Serialize};

use crate::tally::Tally;

/// Where a search stands.
///
/// Random streams need no place in it, as every draw is derived from (seed, epoch, step); the data cursor is the step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchState {
    /// The epoch that is being worked on; the number of epochs when all are done.
    pub epoch: usize,
    /// Steps done in it.
    pub step: usize,
    /// Steps done in the whole run.
    pub total_steps: u64,
    /// Training batches of this epoch so far.
    pub train: Tally,
    /// Validation batches of this epoch so far.
    pub valid: Tally,
    /// The epoch with the best validation accuracy so far.
    pub best: Option<Best>,
}

/// The best epoch so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Steps done at its end: the name of its checkpoint.
    pub step: u64,
    /// Its validation accuracy, 0 to 1.
    pub accuracy: f64,
}

/// `state.json` of a search's checkpoint: everything that is not a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedSearch {
    /// Where the search stands.
    pub state: SearchState,
    /// Alive ops, statistics, edge strengths.
    pub prune: PruneState,
    /// Updates of the architecture parameters so far: Adam's step.
    pub arch_steps: u64,
    /// State of the method's own.
    pub method: serde_json::Value,
}

impl SearchState {
    /// A step is done.
    pub(crate) fn step_done(&mut self, train: Tally, valid: Option<Tally>) {
        self.step += 1;
        self.total_steps += 1;
        self.train.add(train);
        self.valid.add(valid.unwrap_or_default());
    }

    /// An epoch is done.
    pub(crate) fn epoch_done(&mut self) {
        let best = self.best.map_or(f64::NEG_INFINITY, |best| best.accuracy);
        if let Some(accuracy) = self.valid.accuracy().filter(|accuracy| *accuracy > best) {
            self.best = Some(Best { step: self.total_steps, accuracy });
        }
        self.epoch += 1;
        self.step = 0;
        (self.train, self.valid) = (Tally::default(), Tally::default());
    }
}
