//! GDAS.

use eoinas_core::Genotype;
use eoinas_gumbel::Sampled;
use eoinas_prune::Beta;

use super::alternating::{Alternating, Flow};
use crate::{
    error::Result,
    learner::Learner,
    method::{SearchMethod, Step, StepReport},
};

/// GDAS (Dong and Yang, 2019): one op an edge from a hard Gumbel-softmax sample with straight-through gradients (Eq. 3 to
/// 7), weights and architecture in turn, no pruning, and the cell by the largest architecture weights. The baseline that
/// EoiNAS adds pruning and importance to.
#[derive(Debug, Default)]
pub struct Gdas;

impl SearchMethod for Gdas {
    fn name(&self) -> &str {
        "gdas"
    }

    fn step(&mut self, learner: &mut Learner, step: &Step) -> Flow<StepReport> {
        Alternating { relaxation: &Sampled }.step(learner, step)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        Ok(learner.prune.derive(learner.space(), &learner.alphas, &Beta {})?)
    }
}
