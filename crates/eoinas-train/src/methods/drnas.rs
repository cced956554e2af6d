//! DrNAS.

use eoinas_core::{Genotype, SearchSpace, Setting};
use eoinas_gumbel::{Dirichlet, EdgeMode};
use serde::{Deserialize, Serialize};

use super::{Darts, by_beta, identity};
use crate::{
    blocks::Alternating,
    config::{ArchConfig, SearchConfig, SkipDropout},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    search::SearchContext,
};

/// DrNAS (Chen et al., ICLR 2021): all ops of an edge, weighted by a draw from the Dirichlet distribution of concentrations
/// `elu(alpha) + 1`, weights and architecture in turn, pathwise gradients ([`Dirichlet`]). The distance to concentrations of 1
/// is the weight decay of `alpha`, 1e-3 (its authors' form of the regulariser). The cell is the one of the largest `alpha`.
///
/// One stage: its second one, in which fewer ops are left and more channels are read, is not here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrNas {
    /// Update of the architecture parameters. Default: initial values of standard deviation 1e-3, weight decay 1e-3, as
    /// [`Darts`].
    pub arch: ArchConfig,
    /// First epochs that train weights only. Default: 0.
    pub warm_up_epochs: usize,
    /// Partial channels ([`super::PcDarts`]): the ops of an edge read 1/K of its channels. Default: none; its authors take 4 in
    /// NAS-Bench-201 and 6 in the paper's space.
    pub partial_channels: Option<usize>,
    /// Dropout on the skip connections of stride 1. Default: none.
    pub skip_dropout: Option<SkipDropout>,
}

impl Default for DrNas {
    fn default() -> Self {
        Self { arch: Darts::default().arch, warm_up_epochs: 0, partial_channels: None, skip_dropout: None }
    }
}

impl DrNas {
    pub(crate) fn prescribed(self) -> Self {
        let Self { arch: ArchConfig { init_std, weight_decay, .. }, warm_up_epochs, .. } = Self::default();
        Self { arch: ArchConfig { init_std, weight_decay, ..self.arch }, warm_up_epochs, ..self }
    }

    fn darts(&self) -> Darts {
        let Self { arch, warm_up_epochs, partial_channels, skip_dropout } = self.clone();
        Darts { arch, warm_up_epochs, partial_channels, edges: EdgeMode::Equal, skip_dropout, ..Darts::default() }
    }
}

impl SearchMethod for DrNas {
    fn identity(&self) -> Identity {
        identity("drnas", self)
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
        Alternating::new(&Dirichlet).step(context.learner, step)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}
