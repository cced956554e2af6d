//! GDAS and first-order DARTS: one loop, two ways from architecture parameters to gates.

use eoinas_core::Genotype;
use eoinas_gumbel::{Relaxation, Sampled, Softmax};

use super::by_beta;
use crate::{
    blocks::Alternating,
    error::Result,
    halt::Flow,
    learner::Learner,
    method::{Identity, SearchMethod, Step, StepReport},
    search::SearchContext,
};

/// Weights and architecture in turn, no pruning, and the cell by the largest architecture weights.
#[derive(Debug)]
pub struct FirstOrder {
    name: &'static str,
    alternating: Alternating,
}

impl FirstOrder {
    /// With this way from architecture parameters to gates, and the mean gradient of so many draws an update.
    pub fn new(name: &'static str, relaxation: &'static dyn Relaxation, paths: usize) -> Self {
        Self { name, alternating: Alternating { relaxation, paths } }
    }

    /// GDAS (Dong and Yang, 2019): one op an edge from a hard Gumbel-softmax sample with straight-through gradients
    /// (Eq. 3 to 7), or the mean of several. The baseline that EoiNAS adds pruning and importance to.
    pub fn gdas(paths: usize) -> Self {
        Self::new("gdas", &Sampled, paths)
    }

    /// DARTS (Liu, Simonyan and Yang, 2019), first order: all ops of an edge weighted by `softmax(alpha)` (Eq. 2),
    /// Algorithm 1 with xi = 0, and the two strongest edges a node with their strongest op but `none` (Section 2.4).
    pub fn darts() -> Self {
        Self::new("darts", &Softmax, 1)
    }
}

impl SearchMethod for FirstOrder {
    fn identity(&self) -> Identity {
        Identity::new(self.name, serde_json::Value::Null)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        self.alternating.step(context.learner, step)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}
