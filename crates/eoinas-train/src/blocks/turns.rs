//! Orders in which every op of an edge has its turn.

use eoinas_core::{AliveOps, EdgeId, EdgeMap, SearchSpace};
use rand::{Rng, seq::SliceRandom};

/// The alive ops of each edge in random order. In a cycle of as many turns as the fullest edge has ops every op of an edge is
/// chosen once or, where others have more, once or twice (strictly fair: FairNAS, Chu et al., 2021).
#[derive(Debug)]
pub(crate) struct Turns(EdgeMap<Vec<usize>>);

impl Turns {
    /// Turns of a cycle.
    pub fn length(space: &SearchSpace, alive: &AliveOps) -> usize {
        alive.max_count(space).max(1)
    }

    /// Orders for one cycle.
    pub fn draw(space: &SearchSpace, alive: &AliveOps, rng: &mut dyn Rng) -> Self {
        let mut orders: EdgeMap<Vec<usize>> = EdgeMap::filled(space, Vec::new());
        for (id, order) in orders.iter_mut() {
            *order = alive.ops(id).collect();
            order.shuffle(rng);
        }
        Self(orders)
    }

    /// The op of an edge in a turn, from 0.
    pub fn op(&self, id: EdgeId, turn: usize) -> Option<usize> {
        let order = &self.0[id];
        order.get(turn % order.len().max(1)).copied()
    }
}
