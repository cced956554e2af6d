//! The whole of it for a trainer: statistics in, prunings and a cell out.

use eoinas_core::{AliveOps, EdgeId, EdgeMap, EdgeOpTable, Gates, Genotype, OpId, SearchSpace};
use serde::{Deserialize, Serialize};

use crate::{
    Evidence, Indicator, PruneDecision, PruneReason, PruningError, Statistics, StatisticsConfig, decide, derive,
    edge_strengths,
};

/// What came of the prunings that were due.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Due {
    /// What was pruned, in order.
    pub decisions: Vec<PruneDecision>,
    /// Edges that still owe an op.
    pub waiting: Vec<Waiting>,
}

/// An edge whose pruning waits for evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The edge.
    pub edge: EdgeId,
    /// Draws so far of the alive op that has the fewest.
    pub draws: u64,
}

/// Alive ops, statistics and edge strengths of a search: what a checkpoint keeps of pruning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PruneState {
    alive: AliveOps,
    statistics: Statistics,
    /// Of each edge as it was before it last lost an op.
    strengths: EdgeMap<Option<f64>>,
}

impl PruneState {
    /// Every op alive, nothing recorded.
    ///
    /// # Errors
    /// A `config` that is not valid.
    pub fn new(space: &SearchSpace, config: StatisticsConfig) -> Result<Self, PruningError> {
        Ok(Self {
            alive: AliveOps::all(space),
            statistics: Statistics::new(space, config)?,
            strengths: EdgeMap::filled(space, None),
        })
    }

    /// The alive ops.
    pub fn alive(&self) -> &AliveOps {
        &self.alive
    }

    /// The statistics.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// The strength of each edge as it was before it last lost an op.
    pub fn strengths(&self) -> &EdgeMap<Option<f64>> {
        &self.strengths
    }

    /// See [`Statistics::record_weight_step`].
    ///
    /// # Errors
    /// Gates that do not fit the space.
    pub fn record_weight_step(&mut self, gates: &Gates) -> Result<(), PruningError> {
        self.statistics.record_weight_step(gates)
    }

    /// See [`Statistics::record_arch_batch`].
    ///
    /// # Errors
    /// An accuracy outside 0..=1, gates that do not fit the space.
    pub fn record_arch_batch(&mut self, paths: &[(Gates, f64)]) -> Result<(), PruningError> {
        self.statistics.record_arch_batch(paths.iter().map(|(gates, accuracy)| (gates, *accuracy)))
    }

    /// See [`Statistics::record_arch_step`].
    ///
    /// # Errors
    /// An accuracy outside 0..=1, gates that do not fit the space.
    pub fn record_arch_step(&mut self, gates: &Gates, accuracy: f64) -> Result<(), PruningError> {
        self.statistics.record_arch_step(gates, accuracy)
    }

    /// Does `times` prunings by [`decide`] and returns the decisions in the order they were taken; none when every edge
    /// has one op left.
    ///
    /// Edge strengths are taken before each of them, and the count window starts anew afterwards, except after the last
    /// pruning: when every edge has one op left, `beta` is 1 everywhere and only what was known before tells edges apart.
    ///
    /// # Errors
    /// Something that does not fit `space`, an alpha or an indicator that is not finite. Nothing has changed then.
    pub fn prune(
        &mut self,
        space: &SearchSpace,
        alphas: &EdgeOpTable<f32>,
        indicator: &dyn Indicator,
        times: usize,
    ) -> Result<Vec<PruneDecision>, PruningError> {
        let mut next = self.clone();
        let mut all = Vec::new();
        for _ in 0..times {
            let decisions = next.round(space, alphas, indicator, |_, _| true)?;
            if decisions.is_empty() {
                break;
            }
            all.extend(decisions);
        }
        if !all.is_empty() && next.alive.max_count(space) > 1 {
            next.statistics.start_window();
        }
        *self = next;
        Ok(all)
    }

    /// The prunings of which each edge should have had `due` by now, where each alive op of the edge was trained and
    /// validated `least_draws` times in the window of its statistics ([`Statistics::draws`]); the others are said to wait.
    /// With 0 none waits. The window of an edge that loses an op begins anew (unless one op is left), whatever the others
    /// do: with a least number of draws an edge loses one op at most.
    ///
    /// # Errors
    /// As [`PruneState::prune`]. Nothing has changed then.
    pub fn prune_due(
        &mut self,
        space: &SearchSpace,
        alphas: &EdgeOpTable<f32>,
        indicator: &dyn Indicator,
        due: usize,
        least_draws: u64,
    ) -> Result<Due, PruningError> {
        let mut next = self.clone();
        let owes = |alive: &AliveOps, id: EdgeId| {
            let left = alive.count(id);
            left > 1 && space.ops().len() - left < due
        };
        let ready = |state: &Self, id: EdgeId| owes(&state.alive, id) && state.fewest_draws(id) >= least_draws;
        let mut decisions = Vec::new();
        loop {
            let round = next.round(space, alphas, indicator, ready)?;
            let over = round.is_empty() || least_draws > 0;
            decisions.extend(round);
            if over {
                break;
            }
        }
        decisions.iter().for_each(|decision| next.end_window(decision.id().edge));
        let waits = space.edges().filter(|id| owes(&next.alive, *id));
        let waiting = waits.map(|edge| Waiting { edge, draws: next.fewest_draws(edge) }).collect();
        *self = next;
        Ok(Due { decisions, waiting })
    }

    /// Draws of the alive op of an edge that has the fewest.
    fn fewest_draws(&self, id: EdgeId) -> u64 {
        self.alive.ops(id).map(|op| self.statistics.draws(id.op(op))).min().unwrap_or(0)
    }

    /// What is counted of an edge begins anew, unless it is decided.
    fn end_window(&mut self, id: EdgeId) {
        if self.alive.count(id) > 1 {
            self.statistics.start_window_of(id);
        }
    }

    /// One pruning of the edges that are `ready`.
    fn round(
        &mut self,
        space: &SearchSpace,
        alphas: &EdgeOpTable<f32>,
        indicator: &dyn Indicator,
        ready: impl Fn(&Self, EdgeId) -> bool,
    ) -> Result<Vec<PruneDecision>, PruningError> {
        let evidence = Evidence::new(space, alphas, &self.alive, &self.statistics)?;
        let mut decisions = decide(&evidence, indicator)?;
        decisions.retain(|decision| ready(self, decision.id().edge));
        if decisions.is_empty() {
            return Ok(decisions);
        }
        let now = edge_strengths(space, &self.alive, &evidence.scores(indicator)?)?;
        for decision in &decisions {
            let id = decision.id();
            self.strengths[id.edge] = now[id.edge];
            self.alive.prune(id)?;
        }
        Ok(decisions)
    }

    /// Takes one op away from one edge because the caller says so. Statistics and strengths stay as they are.
    ///
    /// # Errors
    /// An op that is not there, is pruned already, or is the last of its edge.
    pub fn prune_op(&mut self, id: OpId) -> Result<PruneDecision, PruningError> {
        self.alive.prune(id)?;
        Ok(PruneDecision::new(id, PruneReason::Chosen, Vec::new()))
    }

    /// The same of all ops of an edge but one.
    ///
    /// # Errors
    /// An op that is not alive on that edge. Nothing has changed then.
    pub fn keep_only(&mut self, id: OpId) -> Result<Vec<PruneDecision>, PruningError> {
        let OpId { edge, op } = id;
        if !self.alive.contains(id) {
            return Err(PruningError::NotAlive { kind: edge.kind.0, edge: edge.edge, op });
        }
        let others: Vec<usize> = self.alive.ops(edge).filter(|other| *other != op).collect();
        others.into_iter().map(|other| self.prune_op(edge.op(other))).collect()
    }

    /// Derives the cells by [`derive()`]. An edge with one op left has the strength it had before its last pruning, any
    /// other edge the one that the indicator gives now.
    ///
    /// # Errors
    /// As [`derive()`], and an alpha or an indicator that is not finite.
    pub fn derive(
        &self,
        space: &SearchSpace,
        alphas: &EdgeOpTable<f32>,
        indicator: &dyn Indicator,
    ) -> Result<Genotype, PruningError> {
        self.derive_by(space, alphas, indicator, |_, strength| strength)
    }

    /// The same with other strengths: `weigh` is given every edge that something can be derived on, with its strength, and
    /// says what counts.
    ///
    /// # Errors
    /// As [`PruneState::derive`].
    pub fn derive_by(
        &self,
        space: &SearchSpace,
        alphas: &EdgeOpTable<f32>,
        indicator: &dyn Indicator,
        weigh: impl Fn(EdgeId, f64) -> f64,
    ) -> Result<Genotype, PruningError> {
        let scores = Evidence::new(space, alphas, &self.alive, &self.statistics)?.scores(indicator)?;
        let mut strengths = edge_strengths(space, &self.alive, &scores)?;
        for (id, strength) in strengths.iter_mut() {
            let before = self.strengths.get(id).copied().flatten().filter(|_| self.alive.count(id) == 1);
            *strength = before.or(*strength).map(|strength| weigh(id, strength));
        }
        derive(space, &self.alive, &scores, &strengths)
    }

    /// Whether everything has the shape that `space` asks for.
    pub fn fits(&self, space: &SearchSpace) -> bool {
        self.alive.fits(space) && self.statistics.fits(space) && self.strengths.fits(space)
    }
}
