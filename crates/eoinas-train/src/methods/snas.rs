//! SNAS.

use std::{ops::ControlFlow, slice};

use eoinas_core::{Genotype, SeedStream};
use eoinas_gumbel::Mixture;
use eoinas_nn::Wanted;

use super::{
    alternating::{Alternating, Flow, finite},
    by_beta,
};
use crate::{
    error::Result,
    learner::{ArchGradient, Learner},
    method::{SearchMethod, Step, StepReport},
    stop::check_finite,
    tally::Tally,
};

/// SNAS (Xie, Zheng, Liu and Lin, 2019), without its resource constraint: all ops of an edge with gates from the concrete
/// distribution (Eq. 5 and 6), weights and architecture together from the training loss, in one pass.
///
/// The validation half trains nothing and is not read; the cell is the most probable one.
#[derive(Debug, Default)]
pub struct Snas;

impl SearchMethod for Snas {
    fn name(&self) -> &str {
        "snas"
    }

    fn reads_validation(&self) -> bool {
        false
    }

    fn step(&mut self, learner: &mut Learner, step: &Step) -> Flow<StepReport> {
        let path = Alternating { relaxation: &Mixture, paths: 1 }.sample(
            learner,
            &learner.alphas,
            step,
            SeedStream::WeightPath,
            0,
        )?;
        let wanted = if step.plan.warm_up { Wanted::WEIGHTS } else { Wanted::BOTH };
        let mut output = learner.pass(&step.train, path.run(), wanted, &step.pass_options())?;
        if let Err(reason) = check_finite("training loss", output.loss) {
            return Ok(ControlFlow::Break(reason));
        }
        let train = Tally::from(&output);
        let gradients = output.weight_gradients.take().unwrap_or_default();
        let norm = learner.update_weights(
            gradients,
            slice::from_ref(path.gates()),
            step.plan.learning_rate,
            !step.plan.warm_up,
        )?;
        if let ControlFlow::Break(reason) = finite("gradient of the weights", norm, ()) {
            return Ok(ControlFlow::Break(reason));
        }
        let report = StepReport { train, valid: None };
        let Some(gates) = output.gate_gradients else { return Ok(ControlFlow::Continue(report)) };
        let mut gradients = ArchGradient::zeros(learner.space());
        path.pullback_into(learner, &Mixture, &gates, 1.0, &mut gradients)?;
        let paths = [(path.gates().clone(), train.accuracy().unwrap_or(0.0))];
        let norm = learner.update_arch(&gradients, &paths)?;
        Ok(finite("gradient of the architecture parameters", norm, report))
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}
