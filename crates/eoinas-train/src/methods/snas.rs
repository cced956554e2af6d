//! SNAS.

use std::slice;

use eoinas_core::{Genotype, SeedStream};
use eoinas_gumbel::Mixture;
use eoinas_nn::Wanted;

use super::by_beta;
use crate::{
    blocks::{Alternating, finite},
    error::Result,
    halt::Flow,
    learner::{ArchGradient, Learner},
    method::{Identity, SearchMethod, Step, StepReport},
    search::SearchContext,
    tally::Tally,
};

/// SNAS (Xie, Zheng, Liu and Lin, 2019), without its resource constraint: all ops of an edge with gates from the concrete
/// distribution (Eq. 5 and 6), weights and architecture together from the training loss, in one pass.
///
/// The validation half trains nothing and is not read; the cell is the most probable one.
#[derive(Debug, Default)]
pub struct Snas;

impl SearchMethod for Snas {
    fn identity(&self) -> Identity {
        Identity::new("snas", serde_json::Value::Null)
    }

    fn reads_validation(&self) -> bool {
        false
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        let learner = &mut *context.learner;
        let path = Alternating::new(&Mixture).sample(learner, &learner.alphas, step, SeedStream::WeightPath, 0)?;
        let wanted = if step.plan.warm_up { Wanted::WEIGHTS } else { Wanted::BOTH };
        let mut output = learner.pass(&step.train, path.run(), wanted, &step.pass_options())?;
        finite("training loss", output.loss)?;
        let train = Tally::from(&output);
        let gradients = output.weight_gradients.take().unwrap_or_default();
        let norm = learner.update_weights(
            gradients,
            slice::from_ref(path.gates()),
            step.plan.learning_rate,
            !step.plan.warm_up,
        )?;
        finite("gradient of the weights", norm)?;
        let report = StepReport { train, valid: None };
        let Some(gates) = output.gate_gradients else { return Ok(report) };
        let mut gradients = ArchGradient::zeros(learner.space());
        path.pullback_into(learner, &Mixture, &gates, 1.0, &mut gradients)?;
        let paths = [(path.gates().clone(), train.accuracy().unwrap_or(0.0))];
        let norm = learner.update_arch(&gradients, &paths)?;
        finite("gradient of the architecture parameters", norm)?;
        Ok(report)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}
