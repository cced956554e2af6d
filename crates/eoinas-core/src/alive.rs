//! Which ops are still alive on each edge.

use serde::{Deserialize, Serialize};

use crate::space::{CellKind, EdgeOpTable, SearchSpace};

/// The alive ops of every edge. Starts with all; pruning takes one away and never the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AliveOps {
    table: EdgeOpTable<bool>,
}

/// Why an op cannot be pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PruneError {
    /// No such kind, edge or op in the space.
    #[error("cell kind {kind}, edge {edge} has no op {op}")]
    OutOfRange {
        /// Kind of cell.
        kind: usize,
        /// Edge.
        edge: usize,
        /// Index of the op.
        op: usize,
    },
    /// Pruned before.
    #[error("op {op} of cell kind {kind}, edge {edge} is pruned already")]
    AlreadyPruned {
        /// Kind of cell.
        kind: usize,
        /// Edge.
        edge: usize,
        /// Index of the op.
        op: usize,
    },
    /// The only op left on its edge.
    #[error("op {op} is the last one of cell kind {kind}, edge {edge} and cannot be pruned")]
    Last {
        /// Kind of cell.
        kind: usize,
        /// Edge.
        edge: usize,
        /// Index of the op.
        op: usize,
    },
}

impl AliveOps {
    /// Every op of every edge.
    pub fn all(space: &SearchSpace) -> Self {
        Self { table: EdgeOpTable::filled(space, true) }
    }

    /// One flag an op.
    pub fn edge(&self, kind: CellKind, edge: usize) -> &[bool] {
        self.table.edge(kind, edge)
    }

    /// Indices of the alive ops of an edge, ascending.
    pub fn ops(&self, kind: CellKind, edge: usize) -> impl Iterator<Item = usize> + '_ {
        self.edge(kind, edge).iter().enumerate().filter(|(_, alive)| **alive).map(|(op, _)| op)
    }

    /// How many ops are alive on an edge.
    pub fn count(&self, kind: CellKind, edge: usize) -> usize {
        self.ops(kind, edge).count()
    }

    /// Whether this op is alive on this edge.
    pub fn contains(&self, kind: CellKind, edge: usize, op: usize) -> bool {
        self.edge(kind, edge).get(op).copied().unwrap_or(false)
    }

    /// The largest number of alive ops over all edges: how many more prunings (plus one) a search can do.
    pub fn max_count(&self, space: &SearchSpace) -> usize {
        space.edges().map(|(kind, edge)| self.count(kind, edge)).max().unwrap_or(0)
    }

    /// Takes an op away from an edge.
    pub fn prune(&mut self, kind: CellKind, edge: usize, op: usize) -> Result<(), PruneError> {
        let at = (kind.0, edge, op);
        let left = self.count(kind, edge);
        match self.table.edge_mut(kind, edge).get_mut(op) {
            None => Err(PruneError::OutOfRange { kind: at.0, edge: at.1, op: at.2 }),
            Some(false) => Err(PruneError::AlreadyPruned { kind: at.0, edge: at.1, op: at.2 }),
            Some(_) if left == 1 => Err(PruneError::Last { kind: at.0, edge: at.1, op: at.2 }),
            Some(alive) => {
                *alive = false;
                Ok(())
            }
        }
    }

    /// Whether the flags have the shape that `space` asks for and leave every edge at least one op.
    pub fn fits(&self, space: &SearchSpace) -> bool {
        self.table.fits(space) && space.edges().all(|(kind, edge)| self.count(kind, edge) > 0)
    }
}
