//! The whole of it for a trainer: statistics in, prunings and a cell out.

use eoinas_core::{AliveOps, EdgeId, EdgeMap, EdgeOpTable, Gates, Genotype, OpId, SearchSpace};
use serde::{Deserialize, Serialize};

use crate::{
    Evidence, Indicator, PruneDecision, PruneReason, PruningError, Statistics, StatisticsConfig, decide, derive,
    edge_strengths,
};

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
        let (mut alive, mut strengths) = (self.alive.clone(), self.strengths.clone());
        let mut all = Vec::new();
        for _ in 0..times {
            let evidence = Evidence::new(space, alphas, &alive, &self.statistics)?;
            let decisions = decide(&evidence, indicator)?;
            if decisions.is_empty() {
                break;
            }
            let now = edge_strengths(space, &alive, &evidence.scores(indicator)?)?;
            for decision in &decisions {
                let id = decision.id();
                strengths[id.edge] = now[id.edge];
                alive.prune(id)?;
            }
            all.extend(decisions);
        }
        if !all.is_empty() && alive.max_count(space) > 1 {
            self.statistics.start_window();
        }
        (self.alive, self.strengths) = (alive, strengths);
        Ok(all)
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
