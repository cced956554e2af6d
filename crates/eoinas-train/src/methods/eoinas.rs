//! The paper's Algorithm 1: search by operation importance with gradual pruning.

use std::ops::ControlFlow;

use rand::Rng;

use eoinas_core::{EdgeOpTable, Genotype, SeedStream};
use eoinas_gumbel::{Relaxation, Sample};
use eoinas_nn::Wanted;
use eoinas_prune::{Evidence, Indicator, PruneDecision};

use crate::{
    error::Result,
    learner::Learner,
    method::{SearchMethod, Step, StepReport},
    plan::EpochPlan,
    stop::{StopReason, check_finite},
    tally::Tally,
};

/// Algorithm 1: sample a path, train its weights; sample another, train the architecture; from time to time take the
/// least important op away from every edge.
///
/// With a schedule that never prunes it is GDAS with the derivation by importance.
#[derive(Debug)]
pub struct EoiNas {
    relaxation: &'static dyn Relaxation,
    indicator: Box<dyn Indicator>,
}

type Flow<T> = Result<ControlFlow<StopReason, T>>;

impl EoiNas {
    /// With this way from architecture parameters to gates, and this importance.
    pub fn new(relaxation: &'static dyn Relaxation, indicator: Box<dyn Indicator>) -> Self {
        Self { relaxation, indicator }
    }

    fn sample(&self, learner: &Learner, step: &Step, stream: SeedStream) -> Result<Sample> {
        let mut rng = step.streams.rng(stream, step.epoch as u64, step.step as u64);
        let rng: &mut dyn Rng = &mut rng;
        Ok(self.relaxation.sample(&learner.alphas, learner.alive(), learner.space(), step.plan.temperature, rng)?)
    }

    /// Line 4 of Algorithm 1: a path's weights on a training batch. C^e is counted from the end of the warm-up on.
    fn train_weights(&self, learner: &mut Learner, step: &Step) -> Flow<Tally> {
        let sample = self.sample(learner, step, SeedStream::WeightPath)?;
        let mut output = learner.pass(&step.train, &sample.gates, Wanted::WEIGHTS, &step.pass_options())?;
        if let Err(reason) = check_finite("training loss", output.loss) {
            return Ok(ControlFlow::Break(reason));
        }
        let gradients = output.weight_gradients.take().unwrap_or_default();
        let count = !step.plan.warm_up;
        let norm = learner.update_weights(gradients, &sample.gates, step.plan.learning_rate, count)?;
        Ok(finite("gradient of the weights", norm, Tally::from(&output)))
    }

    /// Line 5: the architecture on a validation batch, with a path of its own, whose accuracy becomes C^a.
    fn train_arch(&self, learner: &mut Learner, step: &Step, valid: &eoinas_nn::Batch) -> Flow<Tally> {
        let sample = self.sample(learner, step, SeedStream::ArchPath)?;
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

fn finite<T>(what: &str, value: f64, then: T) -> ControlFlow<StopReason, T> {
    match check_finite(what, value) {
        Ok(()) => ControlFlow::Continue(then),
        Err(reason) => ControlFlow::Break(reason),
    }
}

impl SearchMethod for EoiNas {
    fn name(&self) -> &str {
        "eoinas"
    }

    fn step(&mut self, learner: &mut Learner, step: &Step) -> Flow<StepReport> {
        let train = match self.train_weights(learner, step)? {
            ControlFlow::Continue(tally) => tally,
            ControlFlow::Break(reason) => return Ok(ControlFlow::Break(reason)),
        };
        let Some(valid) = &step.valid else {
            return Ok(ControlFlow::Continue(StepReport { train, valid: None }));
        };
        Ok(self.train_arch(learner, step, valid)?.map_continue(|valid| StepReport { train, valid: Some(valid) }))
    }

    fn epoch_end(&mut self, learner: &mut Learner, plan: &EpochPlan) -> Result<Vec<PruneDecision>> {
        learner.prune(self.indicator.as_ref(), plan.prunings)
    }

    fn indicators(&self, learner: &Learner) -> Result<Option<EdgeOpTable<Option<f64>>>> {
        let statistics = learner.prune.statistics();
        let evidence = Evidence::new(learner.space(), &learner.alphas, learner.alive(), statistics)?;
        Ok(Some(evidence.indicators(self.indicator.as_ref())?))
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        Ok(learner.prune.derive(learner.space(), &learner.alphas, self.indicator.as_ref())?)
    }
}
