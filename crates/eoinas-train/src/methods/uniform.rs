//! The supernet of random search with weight sharing.

use eoinas_core::Genotype;
use eoinas_gumbel::Categorical;

use super::by_beta;
use crate::{
    blocks::{Alternating, train_weights},
    error::Result,
    halt::Flow,
    learner::Learner,
    method::{Identity, SearchMethod, Step, StepReport},
    search::SearchContext,
};

/// Weights alone, of one op an edge that is drawn from the alive ones with equal probability: the supernet of random
/// search with weight sharing (Li and Talwalkar, 2019) and of single-path one-shot search (Guo et al., 2020, with
/// uniform sampling).
///
/// The architecture parameters are never trained, so that the cell derived here only stands for one: while all are equal
/// it is the first op that can be derived, on the first edges of every node. The search proper compares the validation accuracies
/// of many cells with these weights ([`crate::evaluate`]). The validation half trains nothing and is not read.
#[derive(Debug)]
pub struct Uniform {
    alternating: Alternating,
}

impl Uniform {
    /// With the mean gradient of so many paths an update.
    pub fn new(paths: usize) -> Self {
        Self { alternating: Alternating { relaxation: &Categorical, paths } }
    }
}

impl SearchMethod for Uniform {
    fn identity(&self) -> Identity {
        Identity::new("uniform", serde_json::Value::Null)
    }

    fn reads_validation(&self) -> bool {
        false
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        // Equal parameters, whatever those of the learner are.
        let learner = &mut *context.learner;
        let equal = learner.alphas.map(|_| 0.0);
        let paths = self.alternating.weight_paths(learner, &equal, step)?;
        Ok(StepReport { train: train_weights(learner, step, &paths)?, valid: None })
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}
