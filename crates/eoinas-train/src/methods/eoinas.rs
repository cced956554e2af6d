//! The paper's Algorithm 1: search by operation importance with gradual pruning.

use eoinas_core::{
    EdgeOpTable, Genotype, SearchSpace, Setting,
    schedule::{Exponential, ScheduleConfig},
};
use eoinas_gumbel::{EdgeMode, PathMode};
use eoinas_prune::{
    Beta, Due, Evidence, Indicator, IndicatorConfig, Periodic, PruneDecision, PruneScheduleConfig, PruningError,
    ScaleFree, StatisticsConfig,
};
use serde::{Deserialize, Serialize};

use super::identity;
use crate::{
    blocks::{Alternating, Draws},
    config::{self, ArchConfig, SearchConfig, SkipDropout},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::{EpochPlan, Timetable},
    search::SearchContext,
};

/// Algorithm 1: sample a path, train its weights; sample another, train the architecture; from time to time take the
/// least important op away from every edge.
///
/// With the indicator `beta` it is the paper's ablation of GDAS with gradual pruning (Section 4.5).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EoiNas {
    /// Which ops each edge runs in a step. Default: one sampled op.
    pub path: PathMode,
    /// Paths that are drawn for each update on the same batch; it takes the mean of their gradients. Default: 1.
    pub paths_per_step: usize,
    /// How each path is drawn. Default: independent of the others; `fair`: each alive op of an edge in its turn.
    #[serde(default)]
    pub draws: Draws,
    /// Update of the architecture parameters.
    pub arch: ArchConfig,
    /// Temperature of Eq. 5 by epoch. Default: 5 * 0.965^(epoch - 20), never below 0.001.
    pub temperature: ScheduleConfig,
    /// First epochs that train weights only, at the temperature's start value. Default: 20.
    pub warm_up_epochs: usize,
    /// Partial channels ([`super::PcDarts`]): the ops of an edge read 1/K of its channels. Default: none.
    pub partial_channels: Option<usize>,
    /// What the edges that enter a node are weighed by. Default: equal.
    pub edges: EdgeMode,
    /// Dropout on the skip connections of stride 1. Default: none.
    pub skip_dropout: Option<SkipDropout>,
    /// When ops are taken away. Default: one per edge after 40, 60, ..., 160 epochs. A run with too few epochs for its
    /// schedule has it scaled, together with warm-up and temperature (see [`Timetable::prune`]). `never` keeps all ops and
    /// derives the cell from them at the end (the comparison of Section 3.3).
    pub prune: PruneScheduleConfig,
    /// Whether a run with more epochs than the schedule has it stretched in the same way; otherwise the epochs after its last
    /// pruning train the one path that is left. Default: false; true in [`EoiNas::quick`].
    #[serde(default)]
    pub stretch: bool,
    /// How often each alive op of an edge is to be trained and validated, since the edge last lost one, before it loses one.
    /// A pruning that is due waits until then, edge by edge; what is still owed after the last epoch is decided all the same,
    /// and the record warns of it. Default: 0, none waits.
    #[serde(default)]
    pub least_draws: u64,
    /// What decides which op goes. Default: Eq. 7 with lambda = 0.5.
    pub indicator: IndicatorConfig,
    /// How C^e and C^a are kept. Default: counts since the last pruning, the last mini-batch's accuracy.
    pub statistics: StatisticsConfig,
}

/// The paper's settings.
impl Default for EoiNas {
    fn default() -> Self {
        Self {
            path: PathMode::Sampled,
            paths_per_step: 1,
            draws: Draws::Independent,
            arch: ArchConfig::default(),
            temperature: Exponential::paper_temperature().into(),
            warm_up_epochs: 20,
            partial_channels: None,
            edges: EdgeMode::Equal,
            skip_dropout: None,
            prune: PruneScheduleConfig::default(),
            stretch: false,
            least_draws: 0,
            indicator: IndicatorConfig::default(),
            statistics: StatisticsConfig::default(),
        }
    }
}

impl EoiNas {
    /// The authors' code: all alive ops are run with soft weights, Adam with 6e-4 and fresh moments after every pruning,
    /// dropout on skip connections.
    pub fn authors() -> Self {
        Self {
            path: PathMode::Mixture,
            arch: ArchConfig { learning_rate: 6e-4, init_std: 1e-3, reset_moments: true, ..ArchConfig::default() },
            skip_dropout: Some(SkipDropout { rate: 0.1, decay: 0.2 }),
            ..Self::default()
        }
    }

    /// For 24 epochs. The architecture parameters learn faster than the paper's, as they have far fewer steps.
    pub fn quick() -> Self {
        Self {
            arch: ArchConfig { learning_rate: 6e-3, ..ArchConfig::default() },
            warm_up_epochs: 3,
            temperature: Exponential::paper_temperature().rescaled(160.0, 24.0).into(),
            prune: PruneScheduleConfig::Periodic(Periodic { first: 6, every: 3, count: 7 }),
            stretch: true,
            ..Self::default()
        }
    }

    /// For five ops an edge: four prunings, spread over the epochs as the paper's seven, after 40, 80, 120 and 160.
    pub fn nas_bench_201() -> Self {
        Self { prune: PruneScheduleConfig::Periodic(Periodic { first: 40, every: 40, count: 4 }), ..Self::default() }
    }

    /// With the scale-free indicator.
    #[must_use]
    pub fn scale_free(self) -> Self {
        Self { indicator: IndicatorConfig::ScaleFree(ScaleFree::default()), ..self }
    }

    /// With architecture weights alone: GDAS with gradual pruning.
    #[must_use]
    pub fn by_beta(self) -> Self {
        Self { indicator: IndicatorConfig::Beta(Beta {}), ..self }
    }

    /// The prunings that are due at the end of an epoch.
    fn prune(
        &self,
        indicator: &dyn Indicator,
        context: &mut SearchContext<'_>,
        plan: &EpochPlan,
    ) -> Flow<Vec<PruneDecision>> {
        let least = self.least_draws;
        if least == 0 {
            return Ok(context.learner.prune(indicator, plan.prunings)?);
        }
        let Due { mut decisions, waiting } = context.learner.prune_due(indicator, plan.due, least)?;
        let Some(fewest) = waiting.iter().map(|edge| edge.draws).min() else { return Ok(decisions) };
        let (edges, epoch) = (waiting.len(), context.epoch() + 1);
        let short = format!(
            "{edges} edges have an op that was trained and validated {fewest} to {} times, below {least}",
            least.saturating_sub(1)
        );
        if epoch >= context.epochs() {
            context.note(format!(
                "the last prunings are decided on too little evidence (least_draws): {short}; more epochs or more paths per \
                 step help"
            ));
            decisions.extend(context.learner.prune_due(indicator, plan.due, 0)?.decisions);
        } else if plan.prunings > 0 {
            context.note(format!("prunings due after epoch {epoch} wait for evidence (least_draws): {short}"));
        }
        Ok(decisions)
    }

    /// With an importance of one's own.
    pub fn with_indicator(self, indicator: impl Indicator + 'static) -> ByIndicator {
        ByIndicator { settings: self, indicator: Box::new(indicator) }
    }
}

impl SearchMethod for EoiNas {
    fn identity(&self) -> Identity {
        identity("eoinas", self)
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        config::paths_per_step(self.paths_per_step)?;
        let one = self.draws == Draws::Independent || self.path == PathMode::Sampled;
        Setting::check(one, "draws", "fair", "independent: a mixture runs all ops at once")?;
        config::partial_channels(self.partial_channels, &run.network)?;
        config::edges(self.edges, space)?;
        self.arch.validate()?;
        config::temperature(&self.temperature, run.epochs)?;
        config::skip_dropout(self.skip_dropout)?;
        self.prune.validate().map_err(|error| of_pruning("prune", &error))?;
        self.indicator.validate().map_err(|error| of_pruning("indicator", &error))?;
        self.statistics.validate().map_err(|error| of_pruning("statistics", &error))
    }

    fn learner(&self) -> LearnerSettings {
        LearnerSettings {
            arch: self.arch.clone(),
            partial_channels: self.partial_channels,
            edges: self.edges,
            statistics: self.statistics,
        }
    }

    fn timetable(&self, run: &SearchConfig, space: &SearchSpace) -> Timetable {
        let timetable = Timetable::new(run.epochs).warm_up(self.warm_up_epochs).temperature(&self.temperature);
        let timetable = timetable.skip_dropout(self.skip_dropout).prune(self.prune, space.ops().len());
        if self.stretch { timetable.stretched() } else { timetable }
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        let Self { path, paths_per_step: paths, draws, .. } = *self;
        Alternating { relaxation: path.relaxation(), paths, draws }.step(context.learner, step)
    }

    fn epoch_end(&mut self, context: &mut SearchContext<'_>, plan: &EpochPlan) -> Flow<Vec<PruneDecision>> {
        self.prune(&self.indicator, context, plan)
    }

    fn indicators(&self, learner: &Learner) -> Result<Option<EdgeOpTable<Option<f64>>>> {
        indicators(learner, &self.indicator).map(Some)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        learner.derive(&self.indicator)
    }
}

/// [`EoiNas`] with an importance that its settings do not know.
#[derive(Debug)]
pub struct ByIndicator {
    settings: EoiNas,
    indicator: Box<dyn Indicator>,
}

impl SearchMethod for ByIndicator {
    /// The settings' own indicator has no part in it.
    fn identity(&self) -> Identity {
        let mut identity = self.settings.identity();
        if let Some(indicator) = identity.settings.get_mut("indicator") {
            *indicator = self.indicator.name().into();
        }
        identity
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        self.settings.validate(run, space)
    }

    fn learner(&self) -> LearnerSettings {
        self.settings.learner()
    }

    fn timetable(&self, run: &SearchConfig, space: &SearchSpace) -> Timetable {
        self.settings.timetable(run, space)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        self.settings.step(context, step)
    }

    fn epoch_end(&mut self, context: &mut SearchContext<'_>, plan: &EpochPlan) -> Flow<Vec<PruneDecision>> {
        self.settings.prune(self.indicator.as_ref(), context, plan)
    }

    fn indicators(&self, learner: &Learner) -> Result<Option<EdgeOpTable<Option<f64>>>> {
        indicators(learner, self.indicator.as_ref()).map(Some)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        learner.derive(self.indicator.as_ref())
    }
}

fn indicators(learner: &Learner, indicator: &dyn Indicator) -> Result<EdgeOpTable<Option<f64>>> {
    let statistics = learner.prune.statistics();
    let evidence = Evidence::new(learner.space(), &learner.alphas, learner.alive(), statistics)?;
    Ok(evidence.indicators(indicator)?)
}

/// The setting of a group that eoinas-prune refuses.
fn of_pruning(group: &str, error: &PruningError) -> Setting {
    match error {
        PruningError::Config { field, got, expected } => Setting::new(format!("{group}.{field}"), got, *expected),
        other => Setting::new(group, "refused", other.to_string()),
    }
}
