//! DARTS, first order.

use eoinas_core::Genotype;
use eoinas_gumbel::Softmax;
use eoinas_prune::Beta;

use super::alternating::{Alternating, Flow};
use crate::{
    error::Result,
    learner::Learner,
    method::{SearchMethod, Step, StepReport},
};

/// DARTS (Liu, Simonyan and Yang, 2019), first order: all ops of an edge weighted by `softmax(alpha)` (Eq. 2), weights
/// and architecture in turn (Algorithm 1 with xi = 0), and the two strongest edges a node with their strongest op but
/// `none` (Section 2.4).
#[derive(Debug, Default)]
pub struct Darts;

impl SearchMethod for Darts {
    fn name(&self) -> &str {
        "darts"
    }

    fn step(&mut self, learner: &mut Learner, step: &Step) -> Flow<StepReport> {
        Alternating { relaxation: &Softmax }.step(learner, step)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        Ok(learner.prune.derive(learner.space(), &learner.alphas, &Beta {})?)
    }
}
