//! The supernet of random search with weight sharing.

use eoinas_core::{Genotype, SearchSpace, Setting};
use eoinas_gumbel::Categorical;
use serde::{Deserialize, Serialize};

use super::{by_beta, identity};
use crate::{
    blocks::{Alternating, Draws, train_weights},
    config::{self, SearchConfig, SkipDropout},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    search::SearchContext,
};

/// Weights alone, of one op an edge that is drawn from the alive ones with equal probability: the supernet of random
/// search with weight sharing ([`super::RandomWs`]) and of single-path one-shot search (Guo et al., 2020, with uniform
/// sampling).
///
/// The architecture parameters are never trained, so that the cell derived here only stands for one: while all are equal
/// it is the first op that can be derived, on the first edges of every node. A search proper compares the validation
/// accuracies of many cells with these weights ([`crate::SupernetEvaluator`]). The validation half trains nothing and is
/// not read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Uniform {
    /// Paths of which an update takes the mean gradient. Default: 1.
    pub paths_per_step: usize,
    /// How each path is drawn. Default: independent of the others; `fair`: each alive op of an edge in its turn.
    #[serde(default)]
    pub draws: Draws,
    /// Partial channels ([`super::PcDarts`]): the ops of an edge read 1/K of its channels. Default: none.
    pub partial_channels: Option<usize>,
    /// Dropout on the skip connections of stride 1. Default: none.
    pub skip_dropout: Option<SkipDropout>,
}

impl Default for Uniform {
    fn default() -> Self {
        Self { paths_per_step: 1, draws: Draws::Independent, partial_channels: None, skip_dropout: None }
    }
}

impl SearchMethod for Uniform {
    fn identity(&self) -> Identity {
        identity("uniform", self)
    }

    fn reads_validation(&self) -> bool {
        false
    }

    fn validate(&self, run: &SearchConfig, _: &SearchSpace) -> Result<(), Setting> {
        config::paths_per_step(self.paths_per_step)?;
        config::partial_channels(self.partial_channels, &run.network)?;
        config::skip_dropout(self.skip_dropout)
    }

    fn learner(&self) -> LearnerSettings {
        LearnerSettings { partial_channels: self.partial_channels, ..LearnerSettings::default() }
    }

    fn timetable(&self, run: &SearchConfig, _: &SearchSpace) -> Timetable {
        Timetable::new(run.epochs).skip_dropout(self.skip_dropout)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        let learner = &mut *context.learner;
        // Equal parameters, whatever those of the learner are.
        let equal = learner.alphas.map(|_| 0.0);
        let drawn = Alternating { relaxation: &Categorical, paths: self.paths_per_step, draws: self.draws };
        let paths = drawn.weight_paths(learner, &equal, step)?;
        Ok(StepReport { train: train_weights(learner, step, &paths)?, valid: None })
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}
