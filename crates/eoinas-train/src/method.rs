//! What a search method has to say: everything else is shared.

use std::{fmt, ops::ControlFlow};

use eoinas_core::{EdgeOpTable, Genotype, Streams};
use eoinas_nn::{Batch, PassOptions};
use eoinas_prune::PruneDecision;

use crate::{error::Result, learner::Learner, plan::EpochPlan, stop::StopReason, tally::Tally};

/// One step of a search as a method sees it.
#[derive(Debug)]
pub struct Step {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The step in it, from 0.
    pub step: usize,
    /// The epoch's values.
    pub plan: EpochPlan,
    /// The run's random streams.
    pub streams: Streams,
    /// A batch of the training half.
    pub train: Batch,
    /// A batch of the validation half; `None` during the warm-up, and for a method that does not read any.
    pub valid: Option<Batch>,
}

impl Step {
    /// Dropout and its random stream for a pass of this step.
    pub fn pass_options(&self) -> PassOptions {
        self.path_options(0)
    }

    /// The same for one of several paths that the step runs on the same batch, from 0.
    pub fn path_options(&self, path: usize) -> PassOptions {
        PassOptions {
            skip_dropout: self.plan.skip_dropout as f32,
            streams: self.streams,
            epoch: self.epoch as u64,
            step: self.index(path),
            ..PassOptions::default()
        }
    }

    /// The index of a path's random streams: that of the step for the first path, apart from all steps for others.
    pub(crate) fn index(&self, path: usize) -> u64 {
        self.step as u64 | (path as u64) << 32
    }
}

/// What a step found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepReport {
    /// On the training batch.
    pub train: Tally,
    /// On the validation batch, if the architecture was updated.
    pub valid: Option<Tally>,
}

/// A search method: what one step does with the network, and which cell comes out.
///
/// Everything random is drawn from `step.streams` at (epoch, step), so that a resumed run draws the same.
pub trait SearchMethod: fmt::Debug + Send {
    /// Its name, for the record.
    fn name(&self) -> &str;

    /// Whether its steps read the validation half; if not, none of its images are loaded. Default: yes.
    fn reads_validation(&self) -> bool {
        true
    }

    /// One step: updates weights, and the architecture unless it is warming up. `Break`: something is not finite.
    ///
    /// # Errors
    /// Whatever cannot be computed.
    fn step(&mut self, learner: &mut Learner, step: &Step) -> Result<ControlFlow<StopReason, StepReport>>;

    /// The end of an epoch, with the prunings that are due. Returns what was pruned. Default: nothing is.
    ///
    /// # Errors
    /// Whatever cannot be computed.
    fn epoch_end(&mut self, _learner: &mut Learner, _plan: &EpochPlan) -> Result<Vec<PruneDecision>> {
        Ok(Vec::new())
    }

    /// The indicator of every op, for the record. Default: the method has none.
    ///
    /// # Errors
    /// Whatever cannot be computed.
    fn indicators(&self, _learner: &Learner) -> Result<Option<EdgeOpTable<Option<f64>>>> {
        Ok(None)
    }

    /// The cell that would be derived now.
    ///
    /// # Errors
    /// Nothing can be derived.
    fn derive(&self, learner: &Learner) -> Result<Genotype>;

    /// State of the method's own, for checkpoints. Default: none.
    fn save(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    /// Takes over the state of its own from a checkpoint. `Err` says what is wrong with it.
    ///
    /// # Errors
    /// A state that it did not save.
    fn load(&mut self, _state: serde_json::Value) -> Result<(), String> {
        Ok(())
    }
}
