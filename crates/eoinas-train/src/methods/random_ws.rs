//! Random search with weight sharing.

use eoinas_core::{Genotype, SearchSpace, SeedStream, Setting};
use serde::{Deserialize, Serialize};

use super::{Uniform, identity};
use crate::{
    blocks::Draws,
    config::{SearchConfig, SkipDropout},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    search::SearchContext,
};

/// Random search with weight sharing (Li and Talwalkar, 2019): the supernet of [`Uniform`]; at the end the best of many
/// random cells by their score (accuracy, R2, ...) over the whole validation half with its weights, the first of equal ones. The record
/// has every candidate.
///
/// The cells are those of [`eoinas_strategy::RandomSearch`] with the run's seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomWs {
    /// Random cells. Default: 100.
    pub candidates: usize,
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

impl Default for RandomWs {
    fn default() -> Self {
        Self {
            candidates: 100,
            paths_per_step: 1,
            draws: Draws::Independent,
            partial_channels: None,
            skip_dropout: None,
        }
    }
}

impl RandomWs {
    fn supernet(&self) -> Uniform {
        let Self { paths_per_step, draws, partial_channels, skip_dropout, .. } = *self;
        Uniform { paths_per_step, draws, partial_channels, skip_dropout }
    }
}

impl SearchMethod for RandomWs {
    fn identity(&self) -> Identity {
        identity("random-ws", self)
    }

    fn reads_validation(&self) -> bool {
        self.supernet().reads_validation()
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        Setting::check(self.candidates > 0, "candidates", self.candidates, "at least 1")?;
        self.supernet().validate(run, space)
    }

    fn learner(&self) -> LearnerSettings {
        self.supernet().learner()
    }

    fn timetable(&self, run: &SearchConfig, space: &SearchSpace) -> Timetable {
        self.supernet().timetable(run, space)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        self.supernet().step(context, step)
    }

    /// Stands for one, as that of [`Uniform`].
    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        self.supernet().derive(learner)
    }

    fn finish(&mut self, context: &mut SearchContext<'_>) -> Flow<Genotype> {
        let measure = context.learner.supernet.task().measure();
        let mut best: Option<(f64, Genotype)> = None;
        for index in 0..self.candidates {
            let mut rng = context.streams().rng(SeedStream::Named("strategy"), 0, index as u64);
            let genotype = Genotype::random(context.learner.space(), &mut rng);
            let tally = context.evaluate(&genotype.gates(context.learner.space())?, ..)?;
            let merit = measure.merit(tally.score().unwrap_or(0.0));
            context.evaluated(format!("candidate {genotype}"), &tally);
            if best.as_ref().is_none_or(|(best, _)| merit > *best) {
                best = Some((merit, genotype));
            }
        }
        match best {
            Some((_, genotype)) => Ok(genotype),
            None => Ok(self.derive(context.learner)?),
        }
    }
}
