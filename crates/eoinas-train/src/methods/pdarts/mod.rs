//! P-DARTS.

mod derivation;
mod stages;

use eoinas_core::{Genotype, SearchSpace, Setting, schedule::ScheduleConfig};
use eoinas_gumbel::{EdgeMode, Softmax};
use eoinas_prune::{Beta, PruneDecision};
use serde::{Deserialize, Serialize};

pub use stages::Deepening;

use super::{Darts, identity};
use crate::{
    blocks::Alternating,
    config::{ArchConfig, SearchConfig},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::{EpochPlan, Timetable},
    search::SearchContext,
};

/// P-DARTS (Chen, Xie, Wu and Tian, 2019): first-order DARTS in stages. Between two stages every edge keeps its ops of the
/// largest `beta` alone and the network is built anew with more cells, fresh weights and architecture parameters (search
/// space approximation, Section 3.2); each stage begins with weights alone, and dropout on skip connections begins higher
/// in later stages and decays within each (Section 3.3). The first stage has the network of the run's settings.
///
/// The cell is that of DARTS with at most so many skip connections in cells that do not reduce: while there are more, the
/// one with the lowest `beta` is left out and the cell derived again (Section 3.3).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PDarts {
    /// The stages after the first one; each has an equal part of the epochs. Learning rate, temperature and dropout run over
    /// each stage anew, and its first two fifths train weights only. With fewer epochs than stages the last ones are left
    /// out. Default: those that follow a stage of 5 cells: 11 cells with 5 ops an edge, then 17 with 3.
    pub deepen: Vec<Deepening>,
    /// Skip connections that a cell which does not reduce may have. Default: 2, the paper's.
    pub skip_limit: usize,
    /// Update of the architecture parameters. Default: that of [`Darts`].
    pub arch: ArchConfig,
    /// Temperature of edges that are sampled; ops have none. Default: EoiNAS's.
    pub temperature: ScheduleConfig,
    /// Partial channels ([`super::PcDarts`]): the ops of an edge read 1/K of its channels. Default: none.
    pub partial_channels: Option<usize>,
    /// What the edges that enter a node are weighed by. Default: equal.
    pub edges: EdgeMode,
}

impl Default for PDarts {
    fn default() -> Self {
        let Darts { arch, temperature, partial_channels, edges, .. } = Darts::default();
        Self { deepen: stages::paper(), skip_limit: 2, arch, temperature, partial_channels, edges }
    }
}

impl PDarts {
    /// What it has in common with DARTS.
    fn darts(&self) -> Darts {
        let Self { arch, temperature, partial_channels, edges, .. } = self.clone();
        Darts { arch, temperature, partial_channels, edges, ..Darts::default() }
    }
}

impl SearchMethod for PDarts {
    fn identity(&self) -> Identity {
        identity("pdarts", self)
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        self.darts().validate(run, space)?;
        let fits = run.network.layers.is_none() || self.deepen.is_empty();
        let expected = "none: the network of P-DARTS has another number of cells in every stage";
        Setting::check(fits, "network.layers", "given", expected)?;
        stages::validate(&self.deepen, run.form)
    }

    fn learner(&self) -> LearnerSettings {
        self.darts().learner()
    }

    fn timetable(&self, run: &SearchConfig, _: &SearchSpace) -> Timetable {
        let stages = stages::stages(&self.deepen, run.epochs);
        Timetable { stages, ..Timetable::new(run.epochs).temperature(&self.temperature) }
    }

    fn enter_stage(&mut self, learner: &mut Learner, stage: usize) -> Result<()> {
        match stage.checked_sub(1).and_then(|index| self.deepen.get(index)) {
            Some(stage) => learner.rebuild(stage.cells),
            None => Ok(()),
        }
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        Alternating::new(&Softmax).step(context.learner, step)
    }

    fn epoch_end(&mut self, context: &mut SearchContext<'_>, plan: &EpochPlan) -> Flow<Vec<PruneDecision>> {
        let Some(next) = self.deepen.get(plan.stage).filter(|_| plan.ends_stage) else { return Ok(Vec::new()) };
        let learner = &mut *context.learner;
        let times = learner.alive().max_count(learner.space()).saturating_sub(next.ops);
        let pruned = learner.prune(&Beta {}, times)?;
        self.enter_stage(learner, plan.stage + 1)?;
        Ok(pruned)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        derivation::derive_with(learner, self.skip_limit)
    }
}
