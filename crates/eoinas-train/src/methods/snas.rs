//! SNAS.

use std::slice;

use eoinas_core::{Genotype, SearchSpace, SeedStream, Setting, schedule::ScheduleConfig};
use eoinas_gumbel::{EdgeMode, Mixture};
use eoinas_nn::Wanted;
use serde::{Deserialize, Serialize};

use super::{Darts, by_beta, identity};
use crate::{
    blocks::{Alternating, finite},
    config::{ArchConfig, SearchConfig, SkipDropout},
    error::Result,
    halt::Flow,
    learner::{ArchGradient, Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    search::SearchContext,
    tally::Tally,
};

/// SNAS (Xie, Zheng, Liu and Lin, 2019), without its resource constraint: all ops of an edge with gates from the concrete
/// distribution (Eq. 5 and 6), weights and architecture together from the training loss, in one pass.
///
/// The validation half trains nothing and is not read; the cell is the most probable one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Snas {
    /// Update of the architecture parameters.
    pub arch: ArchConfig,
    /// Temperature of the gates by epoch. Default: EoiNAS's.
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

impl Default for Snas {
    fn default() -> Self {
        let Darts { temperature, warm_up_epochs, partial_channels, edges, skip_dropout, .. } = Darts::default();
        Self { arch: ArchConfig::default(), temperature, warm_up_epochs, partial_channels, edges, skip_dropout }
    }
}

impl Snas {
    pub(crate) fn prescribed(self) -> Self {
        Self { warm_up_epochs: 0, ..self }
    }

    /// What it has in common with DARTS.
    fn darts(&self) -> Darts {
        let Self { arch, temperature, warm_up_epochs, partial_channels, edges, skip_dropout } = self.clone();
        Darts { arch, temperature, warm_up_epochs, partial_channels, edges, skip_dropout }
    }
}

impl SearchMethod for Snas {
    fn identity(&self) -> Identity {
        identity("snas", self)
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        self.darts().validate(run, space)
    }

    fn learner(&self) -> LearnerSettings {
        self.darts().learner()
    }

    fn timetable(&self, run: &SearchConfig, space: &SearchSpace) -> Timetable {
        self.darts().timetable(run, space)
    }

    fn reads_validation(&self) -> bool {
        false
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        let learner = &mut *context.learner;
        let path = Alternating::new(&Mixture).sample(learner, &learner.alphas, step, SeedStream::WeightPath, 0)?;
        let wanted = if step.plan.warm_up { Wanted::WEIGHTS } else { Wanted::BOTH };
        let mut output = learner.pass(&step.train, path.run(), wanted, &step.pass_options())?;
        finite("training loss", output.loss)?;
        let train = Tally::from(&output);
        let gradients = output.weight_gradients.take().unwrap_or_default();
        let norm = learner.update_weights(
            gradients,
            slice::from_ref(path.gates()),
            step.plan.learning_rate,
            !step.plan.warm_up,
        )?;
        finite("gradient of the weights", norm)?;
        let report = StepReport { train, valid: None };
        let Some(gates) = output.gate_gradients else { return Ok(report) };
        let mut gradients = ArchGradient::zeros(learner.space());
        path.pullback_into(learner, &Mixture, &gates, 1.0, &mut gradients)?;
        let paths = [(path.gates().clone(), report.train.share().unwrap_or(0.0))];
        let norm = learner.update_arch(&gradients, &paths)?;
        finite("gradient of the architecture parameters", norm)?;
        Ok(report)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}
