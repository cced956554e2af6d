//! DARTS, first order.

use eoinas_core::{
    Genotype, SearchSpace, Setting,
    schedule::{Exponential, ScheduleConfig},
};
use eoinas_gumbel::{EdgeMode, Softmax};
use serde::{Deserialize, Serialize};

use super::{by_beta, identity};
use crate::{
    blocks::Alternating,
    config::{self, ArchConfig, SearchConfig, SkipDropout},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    search::SearchContext,
};

/// DARTS (Liu, Simonyan and Yang, 2019), first order: all ops of an edge weighted by `softmax(alpha)` (Eq. 2), Algorithm 1
/// with xi = 0, and the two strongest edges a node with their strongest op but `none` (Section 2.4).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Darts {
    /// Update of the architecture parameters. Default: initial values of standard deviation 1e-3.
    pub arch: ArchConfig,
    /// Temperature of edges that are sampled; ops have none. Default: EoiNAS's.
    pub temperature: ScheduleConfig,
    /// First epochs that train weights only. Default: 0.
    pub warm_up_epochs: usize,
    /// Partial channels ([`super::PcDarts`]): the ops of an edge read 1/K of its channels. Default: none.
    pub partial_channels: Option<usize>,
    /// What the edges that enter a node are weighed by. Default: equal.
    pub edges: EdgeMode,
    /// Dropout on the skip connections of stride 1. Default: none.
    pub skip_dropout: Option<SkipDropout>,
}

impl Default for Darts {
    fn default() -> Self {
        Self {
            arch: ArchConfig { init_std: 1e-3, ..ArchConfig::default() },
            temperature: Exponential::paper_temperature().into(),
            warm_up_epochs: 0,
            partial_channels: None,
            edges: EdgeMode::Equal,
            skip_dropout: None,
        }
    }
}

impl Darts {
    pub(crate) fn prescribed(self) -> Self {
        Self { arch: ArchConfig { init_std: 1e-3, ..self.arch }, warm_up_epochs: 0, ..self }
    }
}

impl SearchMethod for Darts {
    fn identity(&self) -> Identity {
        identity("darts", self)
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        config::partial_channels(self.partial_channels, &run.network)?;
        config::edges(self.edges, space)?;
        self.arch.validate()?;
        config::temperature(&self.temperature, run.epochs)?;
        config::skip_dropout(self.skip_dropout)
    }

    fn learner(&self) -> LearnerSettings {
        let Self { arch, partial_channels, edges, .. } = self.clone();
        LearnerSettings { arch, partial_channels, edges, ..LearnerSettings::default() }
    }

    fn timetable(&self, run: &SearchConfig, _: &SearchSpace) -> Timetable {
        let timetable = Timetable::new(run.epochs).warm_up(self.warm_up_epochs);
        timetable.temperature(&self.temperature).skip_dropout(self.skip_dropout)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        Alternating::new(&Softmax).step(context.learner, step)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}
