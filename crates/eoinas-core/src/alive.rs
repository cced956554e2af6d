//! Which ops are still alive on each edge.

use serde::{Deserialize, Serialize};

use crate::error::CoreError;
use crate::space::{EdgeId, EdgeOpTable, OpId, SearchSpace};

/// The alive ops of every edge. Starts with all; pruning takes one away and never the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AliveOps {
    table: EdgeOpTable<bool>,
}

impl AliveOps {
    /// Every op of every edge.
    pub fn all(space: &SearchSpace) -> Self {
        Self { table: EdgeOpTable::filled(space, true) }
    }

    /// Those for which `alive` says so.
    pub fn from_fn(space: &SearchSpace, alive: impl Fn(OpId) -> bool) -> Self {
        let mut table = EdgeOpTable::filled(space, false);
        for id in space.edges() {
            table[id].iter_mut().enumerate().for_each(|(op, entry)| *entry = alive(id.op(op)));
        }
        Self { table }
    }

    /// One flag an op; none for an edge that is not there.
    pub fn edge(&self, id: EdgeId) -> &[bool] {
        self.table.get(id).unwrap_or_default()
    }

    /// Indices of the alive ops of an edge, ascending.
    pub fn ops(&self, id: EdgeId) -> impl Iterator<Item = usize> + '_ {
        self.edge(id).iter().enumerate().filter(|(_, alive)| **alive).map(|(op, _)| op)
    }

    /// How many ops are alive on an edge.
    pub fn count(&self, id: EdgeId) -> usize {
        self.ops(id).count()
    }

    /// Whether this op is alive on its edge.
    pub fn contains(&self, id: OpId) -> bool {
        self.edge(id.edge).get(id.op).copied().unwrap_or(false)
    }

    /// The largest number of alive ops over all edges: how many more prunings (plus one) a search can do.
    pub fn max_count(&self, space: &SearchSpace) -> usize {
        space.edges().map(|id| self.count(id)).max().unwrap_or(0)
    }

    /// Takes an op away from an edge.
    ///
    /// # Errors
    /// An op that is not there, is pruned already, or is the last of its edge.
    pub fn prune(&mut self, id: OpId) -> Result<(), CoreError> {
        let reason = match self.edge(id.edge).get(id.op) {
            None => "is not in the space",
            Some(false) => "is pruned already",
            Some(true) if self.count(id.edge) == 1 => "is the last one and cannot be pruned",
            Some(true) => {
                self.table[id] = false;
                return Ok(());
            }
        };
        Err(CoreError::Prune { id, reason })
    }

    /// Whether the flags have the shape that `space` asks for and leave every edge at least one op.
    pub fn fits(&self, space: &SearchSpace) -> bool {
        self.table.fits(space) && space.edges().all(|id| self.count(id) > 0)
    }
}
