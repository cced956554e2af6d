//! ROME.

use eoinas_core::{Genotype, SearchSpace, Setting, schedule::ScheduleConfig};
use eoinas_gumbel::EdgeMode;
use serde::{Deserialize, Serialize};

use super::{Gdas, identity};
use crate::{
    blocks::Draws,
    config::{ArchConfig, SearchConfig, SkipDropout},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    search::SearchContext,
};

/// ROME (Wang et al., 2023): GDAS with a topology that is sampled, too (its Gumbel-Top2: [`EdgeMode::Sampled`]), and the
/// mean gradient of seven paths an update: a step costs seven times as much. A node keeps its most probable edges.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rome {
    /// Paths of which an update takes the mean gradient. Default: 7.
    pub paths_per_step: usize,
    /// Update of the architecture parameters, of ops and edges.
    pub arch: ArchConfig,
    /// Temperature of the samples by epoch. Default: that of [`Gdas`].
    pub temperature: ScheduleConfig,
    /// First epochs that train weights only. Default: 0.
    pub warm_up_epochs: usize,
    /// Partial channels ([`super::PcDarts`]): the ops of an edge read 1/K of its channels. Default: none.
    pub partial_channels: Option<usize>,
    /// Dropout on the skip connections of stride 1. Default: none.
    pub skip_dropout: Option<SkipDropout>,
}

impl Default for Rome {
    fn default() -> Self {
        let Gdas { arch, temperature, warm_up_epochs, partial_channels, skip_dropout, .. } = Gdas::default();
        Self { paths_per_step: 7, arch, temperature, warm_up_epochs, partial_channels, skip_dropout }
    }
}

impl Rome {
    pub(crate) fn prescribed(self) -> Self {
        let Self { paths_per_step, temperature, warm_up_epochs, .. } = Self::default();
        Self { paths_per_step, temperature, warm_up_epochs, ..self }
    }

    fn gdas(&self) -> Gdas {
        let Self { paths_per_step, arch, temperature, warm_up_epochs, partial_channels, skip_dropout } = self.clone();
        let edges = EdgeMode::Sampled;
        let draws = Draws::Independent;
        Gdas { paths_per_step, draws, arch, temperature, warm_up_epochs, partial_channels, edges, skip_dropout }
    }
}

impl SearchMethod for Rome {
    fn identity(&self) -> Identity {
        identity("rome", self)
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        self.gdas().validate(run, space)
    }

    fn learner(&self) -> LearnerSettings {
        self.gdas().learner()
    }

    fn timetable(&self, run: &SearchConfig, space: &SearchSpace) -> Timetable {
        self.gdas().timetable(run, space)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        self.gdas().step(context, step)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        self.gdas().derive(learner)
    }
}
