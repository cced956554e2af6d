//! PC-DARTS.

use eoinas_core::{Genotype, SearchSpace, Setting};
use eoinas_gumbel::EdgeMode;
use serde::{Deserialize, Serialize};

use super::{Darts, identity};
use crate::{
    config::{ArchConfig, SearchConfig, SkipDropout},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    search::SearchContext,
};

/// PC-DARTS (Xu et al., 2020): first-order DARTS whose ops read 1/K of the channels of an edge while the others pass by
/// (partial channel connections), and whose edges are weighed by the softmax of parameters of their own (edge
/// normalisation, [`EdgeMode::Normalised`]). A node keeps the edges of the largest product of both weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PcDarts {
    /// K: every op reads 1/K of the channels. Default: 4.
    pub partial_channels: usize,
    /// Update of the architecture parameters, of ops and edges. Default: that of [`Darts`].
    pub arch: ArchConfig,
    /// First epochs that train weights only. Default: 48 of 160, as its 15 of 50; another method's run takes the same part
    /// of its epochs.
    pub warm_up_epochs: usize,
    /// Dropout on the skip connections of stride 1. Default: none.
    pub skip_dropout: Option<SkipDropout>,
}

impl Default for PcDarts {
    fn default() -> Self {
        Self { partial_channels: 4, arch: Darts::default().arch, warm_up_epochs: 48, skip_dropout: None }
    }
}

impl PcDarts {
    pub(crate) fn prescribed(self, epochs: usize) -> Self {
        let arch = ArchConfig { init_std: Darts::default().arch.init_std, ..self.arch };
        Self { arch, warm_up_epochs: epochs * 3 / 10, ..self }
    }

    fn darts(&self) -> Darts {
        let Self { partial_channels, arch, warm_up_epochs, skip_dropout } = self.clone();
        let (partial_channels, edges) = (Some(partial_channels), EdgeMode::Normalised);
        Darts { arch, warm_up_epochs, partial_channels, edges, skip_dropout, ..Darts::default() }
    }
}

impl SearchMethod for PcDarts {
    fn identity(&self) -> Identity {
        identity("pc-darts", self)
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        self.darts().validate(run, space)
    }

    fn learner(&self) -> LearnerSettings {
        self.darts().learner()
    }

    fn timetable(&self, run: &SearchConfig, _: &SearchSpace) -> Timetable {
        Timetable::new(run.epochs).warm_up(self.warm_up_epochs).skip_dropout(self.skip_dropout)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        self.darts().step(context, step)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        self.darts().derive(learner)
    }
}
