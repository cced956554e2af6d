//! The step that DARTS, GDAS and EoiNAS have in common: the weights on a training batch, then the architecture on a
//! validation batch.

use std::ops::ControlFlow;

use rand::Rng;

use eoinas_core::{EdgeOpTable, SeedStream};
use eoinas_gumbel::{Relaxation, Sample};
use eoinas_nn::{Batch, Wanted};

use crate::{
    error::Result,
    learner::Learner,
    method::{Step, StepReport},
    stop::{StopReason, check_finite},
    tally::Tally,
};

/// What a step comes to, or why the search has to stop.
pub(super) type Flow<T> = Result<ControlFlow<StopReason, T>>;

/// First-order alternation (DARTS, Algorithm 1 with xi = 0; the paper's Algorithm 1, lines 4 and 5), with gates of its
/// own for each half.
#[derive(Debug)]
pub(super) struct Alternating {
    pub relaxation: &'static dyn Relaxation,
}

impl Alternating {
    /// Both halves; the first alone during the warm-up.
    pub fn step(&self, learner: &mut Learner, step: &Step) -> Flow<StepReport> {
        let alphas = learner.alphas.clone();
        let train = match self.train_weights(learner, &alphas, step)? {
            ControlFlow::Continue(tally) => tally,
            ControlFlow::Break(reason) => return Ok(ControlFlow::Break(reason)),
        };
        let Some(valid) = &step.valid else {
            return Ok(ControlFlow::Continue(StepReport { train, valid: None }));
        };
        Ok(self.train_arch(learner, step, valid)?.map_continue(|valid| StepReport { train, valid: Some(valid) }))
    }

    /// Gates of this step by `alphas`, from the stream of one half.
    pub fn sample(
        &self,
        learner: &Learner,
        alphas: &EdgeOpTable<f32>,
        step: &Step,
        stream: SeedStream,
    ) -> Result<Sample> {
        let mut rng = step.streams.rng(stream, step.epoch as u64, step.step as u64);
        let rng: &mut dyn Rng = &mut rng;
        Ok(self.relaxation.sample(alphas, learner.alive(), learner.space(), step.plan.temperature, rng)?)
    }

    /// The weights on a training batch. C^e is counted from the end of the warm-up on.
    pub fn train_weights(&self, learner: &mut Learner, alphas: &EdgeOpTable<f32>, step: &Step) -> Flow<Tally> {
        let sample = self.sample(learner, alphas, step, SeedStream::WeightPath)?;
        let mut output = learner.pass(&step.train, &sample.gates, Wanted::WEIGHTS, &step.pass_options())?;
        if let Err(reason) = check_finite("training loss", output.loss) {
            return Ok(ControlFlow::Break(reason));
        }
        let gradients = output.weight_gradients.take().unwrap_or_default();
        let count = !step.plan.warm_up;
        let norm = learner.update_weights(gradients, &sample.gates, step.plan.learning_rate, count)?;
        Ok(finite("gradient of the weights", norm, Tally::from(&output)))
    }

    /// The architecture on a validation batch; the accuracy of its path becomes C^a.
    fn train_arch(&self, learner: &mut Learner, step: &Step, valid: &Batch) -> Flow<Tally> {
        let sample = self.sample(learner, &learner.alphas, step, SeedStream::ArchPath)?;
        let output = learner.pass(valid, &sample.gates, Wanted::GATES, &step.pass_options())?;
        if let Err(reason) = check_finite("validation loss", output.loss) {
            return Ok(ControlFlow::Break(reason));
        }
        let tally = Tally::from(&output);
        let gates = output.gate_gradients.unwrap_or_else(|| sample.gates.zeros_like());
        let gradients = self.relaxation.pullback(&sample, &gates)?;
        let norm = learner.update_arch(&gradients, &sample.gates, tally.accuracy().unwrap_or(0.0))?;
        Ok(finite("gradient of the architecture parameters", norm, tally))
    }
}

/// `then`, unless `value` is not finite.
pub(super) fn finite<T>(what: &str, value: f64, then: T) -> ControlFlow<StopReason, T> {
    match check_finite(what, value) {
        Ok(()) => ControlFlow::Continue(then),
        Err(reason) => ControlFlow::Break(reason),
    }
}
