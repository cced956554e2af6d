//! GDAS.

use eoinas_core::{
    Genotype, SearchSpace, Setting,
    schedule::{Linear, ScheduleConfig},
};
use eoinas_gumbel::{EdgeMode, Sampled};
use serde::{Deserialize, Serialize};

use super::{by_beta, identity};
use crate::{
    blocks::{Alternating, Draws},
    config::{self, ArchConfig, SearchConfig, SkipDropout},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    search::SearchContext,
};

/// GDAS (Dong and Yang, 2019): one op an edge from a hard Gumbel-softmax sample with straight-through gradients (Eq. 3 to
/// 7), or the mean of several; weights and architecture in turn, no pruning, the cell by the largest architecture weights.
/// The baseline that EoiNAS adds pruning and importance to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Gdas {
    /// Paths of which an update takes the mean gradient. Default: 1.
    pub paths_per_step: usize,
    /// How each path is drawn. Default: independent of the others; `fair`: each alive op of an edge in its turn.
    #[serde(default)]
    pub draws: Draws,
    /// Update of the architecture parameters.
    pub arch: ArchConfig,
    /// Temperature of the samples by epoch. Default: from 10 to 0.1 on a line, its authors'.
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

impl Default for Gdas {
    fn default() -> Self {
        Self {
            paths_per_step: 1,
            draws: Draws::Independent,
            arch: ArchConfig::default(),
            temperature: Linear { start: 10.0, end: 0.1, inclusive: true }.into(),
            warm_up_epochs: 0,
            partial_channels: None,
            edges: EdgeMode::Equal,
            skip_dropout: None,
        }
    }
}

impl Gdas {
    pub(crate) fn prescribed(self) -> Self {
        let Self { temperature, warm_up_epochs, .. } = Self::default();
        Self { temperature, warm_up_epochs, ..self }
    }
}

impl SearchMethod for Gdas {
    fn identity(&self) -> Identity {
        identity("gdas", self)
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        config::paths_per_step(self.paths_per_step)?;
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
        Alternating { relaxation: &Sampled, paths: self.paths_per_step, draws: self.draws }.step(context.learner, step)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}
