//! What learns in a search: the supernet's weights, the architecture parameters, and the statistics of pruning.

mod edges;
mod saved;
mod trial;

use std::sync::Arc;

use candle_core::Device;
use rand::Rng;
use rand_distr::{Distribution, Normal};

use eoinas_core::{AliveOps, EdgeMap, EdgeOpTable, Gates, OpId, SearchSpace, SeedStream, Skeleton, Streams};
use eoinas_gumbel::EdgeMode;
use eoinas_nn::{
    Adam, AdamState, Batch, Operations, PassOptions, PassOutput, Sgd, Supernet, Task, Wanted, WeightGradients,
    task::Classes,
};
use eoinas_prune::{Due, Indicator, PruneDecision, PruneState, StatisticsConfig};

pub use edges::ArchGradient;

use crate::{
    config::{ArchConfig, SearchConfig},
    error::Result,
};

/// What a method says of the learner, beside what every search has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearnerSettings {
    /// Update of the architecture parameters. Default: the paper's.
    pub arch: ArchConfig,
    /// The ops of an edge read 1/K of its channels, the others pass by. Default: all are read.
    pub partial_channels: Option<usize>,
    /// What the edges that enter a node are weighed by. Default: equal.
    pub edges: EdgeMode,
    /// How C^e and C^a are kept. Default: counts since the last pruning, the last mini-batch's accuracy.
    pub statistics: StatisticsConfig,
}

/// Weights, architecture parameters and their optimisers, statistics. Methods work with it; the engine saves it.
#[derive(Debug)]
pub struct Learner {
    /// The network.
    pub supernet: Supernet,
    /// Architecture parameters (logits).
    pub alphas: EdgeOpTable<f32>,
    /// Architecture parameters of the edges (logits); all 0 where they count alike ([`Learner::edge_mode`]).
    pub edges: EdgeMap<f32>,
    /// Statistics, alive ops and edge strengths.
    pub prune: PruneState,
    sgd: Sgd,
    adam: Adam,
    adam_state: AdamState,
    reset_moments: bool,
    plan: NetworkPlan,
}

/// What the network is built of, to build it again.
#[derive(Clone, Debug)]
struct NetworkPlan {
    operations: Operations,
    streams: Streams,
    share: usize,
    init_std: f64,
    edge_mode: EdgeMode,
    task: Arc<dyn Task>,
}

impl NetworkPlan {
    fn supernet(&self, space: &SearchSpace, skeleton: &Skeleton, device: &Device) -> Result<Supernet> {
        let Self { operations, streams, share, task, .. } = self;
        let supernet = Supernet::with_partial_channels(space, skeleton, operations, streams, device, *share)?;
        Ok(supernet.with_task(Arc::clone(task)))
    }

    fn alphas(&self, space: &SearchSpace) -> EdgeOpTable<f32> {
        let mut alphas = EdgeOpTable::filled(space, 0f32);
        if let Some((normal, mut rng)) = self.initial_values(0) {
            for kind in space.kinds() {
                alphas.matrix_mut(kind).iter_mut().for_each(|alpha| *alpha = normal.sample(&mut rng) as f32);
            }
        }
        alphas
    }

    fn edges(&self, space: &SearchSpace) -> EdgeMap<f32> {
        let mut edges = EdgeMap::filled(space, 0f32);
        if let Some((normal, mut rng)) = self.initial_values(1).filter(|_| self.edge_mode != EdgeMode::Equal) {
            for kind in space.kinds() {
                edges.kind_mut(kind).iter_mut().for_each(|edge| *edge = normal.sample(&mut rng) as f32);
            }
        }
        edges
    }

    /// What initial values are drawn from; nothing if all are 0. A standard deviation that is no number was refused when
    /// the settings were checked.
    fn initial_values(&self, index: u64) -> Option<(Normal<f64>, impl Rng + use<>)> {
        let normal = Normal::new(0.0, self.init_std).ok().filter(|_| self.init_std > 0.0)?;
        Some((normal, self.streams.rng(SeedStream::Alphas, 0, index)))
    }
}

impl Learner {
    /// Fresh weights and parameters, by the run's settings of weights and seed and the method's `settings`.
    ///
    /// # Errors
    /// A network that cannot be built.
    pub fn new(
        config: &SearchConfig,
        settings: LearnerSettings,
        space: &SearchSpace,
        skeleton: &Skeleton,
        operations: &Operations,
        device: &Device,
    ) -> Result<Self> {
        let streams = Streams::new(config.seed);
        let (weights, arch) = (&config.weights, settings.arch);
        let plan = NetworkPlan {
            operations: operations.clone(),
            streams,
            share: settings.partial_channels.unwrap_or(1),
            init_std: arch.init_std,
            edge_mode: settings.edges,
            task: Arc::new(Classes),
        };
        Ok(Self {
            supernet: plan.supernet(space, skeleton, device)?,
            alphas: plan.alphas(space),
            edges: plan.edges(space),
            prune: PruneState::new(space, settings.statistics)?,
            sgd: Sgd { momentum: weights.momentum, weight_decay: weights.weight_decay, clip: weights.clip },
            adam: Adam {
                learning_rate: arch.learning_rate,
                betas: arch.betas,
                weight_decay: arch.weight_decay,
                clip: arch.clip,
                ..Adam::default()
            },
            adam_state: AdamState::new(space),
            reset_moments: arch.reset_moments,
            plan,
        })
    }

    /// The same with another task than classes; the network is as it was.
    pub fn with_task(mut self, task: Arc<dyn Task>) -> Self {
        self.plan.task = Arc::clone(&task);
        self.supernet = self.supernet.with_task(task);
        self
    }

    /// The search space.
    pub fn space(&self) -> &SearchSpace {
        self.supernet.space()
    }

    /// The tensor halves of the space's ops.
    pub fn operations(&self) -> &Operations {
        &self.plan.operations
    }

    /// The ops that are alive.
    pub fn alive(&self) -> &AliveOps {
        self.prune.alive()
    }

    /// One pass of the supernet.
    ///
    /// # Errors
    /// A batch or gates that do not fit.
    pub fn pass(&self, batch: &Batch, gates: &Gates, wanted: Wanted, options: &PassOptions) -> Result<PassOutput> {
        Ok(self.supernet.pass(batch, gates, wanted, options)?)
    }

    /// Updates the weights of `paths` and counts their ops if `count`. Returns the gradients' norm; one that is
    /// not finite changes nothing.
    ///
    /// Together with [`Learner::update_arch`] this is the one place where gradients become updates and steps become
    /// statistics: a collective over several processes averages the former and merges the latter here.
    ///
    /// # Errors
    /// Gradients of another network.
    pub fn update_weights(
        &mut self,
        gradients: WeightGradients,
        paths: &[Gates],
        learning_rate: f64,
        count: bool,
    ) -> Result<f64> {
        let norm = self.sgd.step(self.supernet.parameters_mut(), &gradients, learning_rate)?;
        if norm.is_finite() && count {
            paths.iter().try_for_each(|gates| self.prune.record_weight_step(gates))?;
        }
        Ok(norm)
    }

    /// Updates the architecture parameters and notes the accuracy (0 to 1) of each path on the same batch. Returns the gradients' norm; one
    /// that is not finite changes nothing.
    ///
    /// # Errors
    /// An accuracy that is none, gates of another space.
    pub fn update_arch(&mut self, gradients: &ArchGradient, paths: &[(Gates, f64)]) -> Result<f64> {
        let Self { supernet, alphas, edges, prune, adam, adam_state, .. } = self;
        let both = (&gradients.ops, &gradients.edges);
        let norm = adam.step_with_edges(supernet.space(), adam_state, (alphas, edges), both, prune.alive());
        if norm.is_finite() {
            prune.record_arch_batch(paths)?;
        }
        Ok(norm)
    }

    /// Prunes `times` times and frees what was pruned.
    ///
    /// # Errors
    /// Parameters or an indicator that are not finite.
    pub fn prune(&mut self, indicator: &dyn Indicator, times: usize) -> Result<Vec<PruneDecision>> {
        let decisions = self.prune.prune(self.supernet.space(), &self.alphas, indicator, times)?;
        self.free(decisions)
    }

    /// Does the prunings of which each edge should have had `due` by now, where there is evidence enough
    /// ([`PruneState::prune_due`]), and frees what was pruned.
    ///
    /// # Errors
    /// Parameters or an indicator that are not finite.
    pub fn prune_due(&mut self, indicator: &dyn Indicator, due: usize, least_draws: u64) -> Result<Due> {
        let due = self.prune.prune_due(self.supernet.space(), &self.alphas, indicator, due, least_draws)?;
        Ok(Due { decisions: self.free(due.decisions)?, ..due })
    }

    /// Takes one op away from one edge and frees it, whatever the other edges have. Weights, statistics, architecture
    /// parameters and moments of all other ops stay as they are.
    ///
    /// # Errors
    /// An op that is not there, is pruned already, or is the last of its edge.
    pub fn prune_op(&mut self, id: OpId) -> Result<PruneDecision> {
        let decision = self.prune.prune_op(id)?;
        self.free(vec![decision.clone()])?;
        Ok(decision)
    }

    /// Decides an edge: takes all of its ops away but one. Returns what was pruned.
    ///
    /// # Errors
    /// An op that is not alive on that edge.
    pub fn keep_only(&mut self, id: OpId) -> Result<Vec<PruneDecision>> {
        let decisions = self.prune.keep_only(id)?;
        self.free(decisions)
    }

    /// Frees in the network what was pruned.
    fn free(&mut self, decisions: Vec<PruneDecision>) -> Result<Vec<PruneDecision>> {
        for decision in &decisions {
            self.supernet.prune(decision.id())?;
        }
        if !decisions.is_empty() {
            if self.reset_moments {
                self.adam_state = AdamState::new(self.supernet.space());
            }
            // Buffers of sizes that are never used again would stay for ever.
            self.supernet.workspace().clear();
        }
        Ok(decisions)
    }

    /// Draws the weights anew, number `index` of the run's initial weights (0: those that it began with), and forgets their
    /// momenta. Alive ops, architecture parameters and statistics stay.
    ///
    /// # Errors
    /// A network that cannot be built.
    pub fn reinitialise(&mut self, index: u64) -> Result<()> {
        let mut plan = self.plan.clone();
        if index > 0 {
            plan.streams = Streams::new(plan.streams.rng(SeedStream::Named("initialisation"), index, 0).next_u64());
        }
        let (space, skeleton, device) =
            (self.supernet.space().clone(), self.supernet.skeleton().clone(), self.supernet.device().clone());
        let mut supernet = plan.supernet(&space, &skeleton, &device)?;
        supernet.restrict(self.prune.alive())?;
        self.supernet = supernet;
        Ok(())
    }

    /// Builds the network anew with `cells` cells and the ops that are alive: fresh weights, architecture parameters and
    /// moments, those of a new search; statistics stay.
    ///
    /// # Errors
    /// A network that cannot be built.
    pub fn rebuild(&mut self, cells: usize) -> Result<()> {
        let skeleton = Skeleton { cells, ..self.supernet.skeleton().clone() };
        let (space, device) = (self.supernet.space().clone(), self.supernet.device().clone());
        let mut supernet = self.plan.supernet(&space, &skeleton, &device)?;
        supernet.restrict(self.prune.alive())?;
        self.supernet = supernet;
        self.alphas = self.plan.alphas(&space);
        self.edges = self.plan.edges(&space);
        self.adam_state = AdamState::new(&space);
        Ok(())
    }
}
