//! The paper's Algorithm 1: search by operation importance with gradual pruning.

use eoinas_core::{EdgeOpTable, Genotype};
use eoinas_gumbel::Relaxation;
use eoinas_prune::{Evidence, Indicator, PruneDecision};

use crate::{
    blocks::Alternating,
    error::Result,
    halt::Flow,
    learner::Learner,
    method::{Identity, SearchMethod, Step, StepReport},
    plan::EpochPlan,
    search::SearchContext,
};

/// Algorithm 1: sample a path, train its weights; sample another, train the architecture; from time to time take the
/// least important op away from every edge.
///
/// With the indicator `beta` it is the paper's ablation of GDAS with gradual pruning (Section 4.5).
#[derive(Debug)]
pub struct EoiNas {
    alternating: Alternating,
    indicator: Box<dyn Indicator>,
}

impl EoiNas {
    /// With this way from architecture parameters to gates, and this importance.
    pub fn new(relaxation: &'static dyn Relaxation, indicator: Box<dyn Indicator>) -> Self {
        Self { alternating: Alternating { relaxation, paths: 1 }, indicator }
    }

    /// The same with the mean gradient of so many paths an update.
    pub fn with_paths(mut self, paths: usize) -> Self {
        self.alternating.paths = paths;
        self
    }
}

impl SearchMethod for EoiNas {
    fn identity(&self) -> Identity {
        Identity::new("eoinas", serde_json::Value::Null)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        self.alternating.step(context.learner, step)
    }

    fn epoch_end(&mut self, context: &mut SearchContext<'_>, plan: &EpochPlan) -> Flow<Vec<PruneDecision>> {
        Ok(context.learner.prune(self.indicator.as_ref(), plan.prunings)?)
    }

    fn indicators(&self, learner: &Learner) -> Result<Option<EdgeOpTable<Option<f64>>>> {
        let statistics = learner.prune.statistics();
        let evidence = Evidence::new(learner.space(), &learner.alphas, learner.alive(), statistics)?;
        Ok(Some(evidence.indicators(self.indicator.as_ref())?))
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        learner.derive(self.indicator.as_ref())
    }
}
