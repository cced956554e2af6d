//! One value for each op of each edge.

use serde::{Deserialize, Serialize};

use super::{CellKind, SearchSpace};

/// One value for every op of every edge of every kind of cell: architecture parameters, their moments, statistics.
///
/// Pruning never moves an entry, so that tables stay aligned by construction; [`crate::AliveOps`] says which entries
/// still count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeOpTable<T> {
    ops: usize,
    /// Per kind, the row-major matrix [edges x ops].
    kinds: Vec<Vec<T>>,
}

impl<T: Clone> EdgeOpTable<T> {
    /// A table for `space` with `value` everywhere.
    pub fn filled(space: &SearchSpace, value: T) -> Self {
        let ops = space.ops.len();
        Self { ops, kinds: space.cells.iter().map(|cell| vec![value.clone(); cell.edges.len() * ops]).collect() }
    }
}

impl<T> EdgeOpTable<T> {
    /// Values of the ops of one edge, in the order of the space's ops; empty for an edge that is not there.
    pub fn edge(&self, kind: CellKind, edge: usize) -> &[T] {
        let row = self.row(edge);
        self.kinds.get(kind.0).and_then(|matrix| matrix.get(row)).unwrap_or(&[])
    }

    /// The same, to be written.
    pub fn edge_mut(&mut self, kind: CellKind, edge: usize) -> &mut [T] {
        let row = self.row(edge);
        self.kinds.get_mut(kind.0).and_then(|matrix| matrix.get_mut(row)).unwrap_or(&mut [])
    }

    fn row(&self, edge: usize) -> std::ops::Range<usize> {
        let start = edge.saturating_mul(self.ops);
        start..start.saturating_add(self.ops)
    }

    /// The matrix [edges x ops] of one kind, row-major.
    pub fn matrix(&self, kind: CellKind) -> &[T] {
        self.kinds.get(kind.0).map_or(&[], Vec::as_slice)
    }

    /// The same, to be written.
    pub fn matrix_mut(&mut self, kind: CellKind) -> &mut [T] {
        self.kinds.get_mut(kind.0).map_or(&mut [], Vec::as_mut_slice)
    }

    /// A table of the same shape, each value made of the value here.
    pub fn map<U>(&self, value: impl Fn(&T) -> U) -> EdgeOpTable<U> {
        EdgeOpTable { ops: self.ops, kinds: self.kinds.iter().map(|m| m.iter().map(&value).collect()).collect() }
    }

    /// Number of ops in a row.
    pub fn ops(&self) -> usize {
        self.ops
    }

    /// Whether the table has the shape that `space` asks for.
    pub fn fits(&self, space: &SearchSpace) -> bool {
        self.ops == space.ops.len()
            && self.kinds.len() == space.cells.len()
            && self.kinds.iter().zip(&space.cells).all(|(m, cell)| m.len() == cell.edges.len() * self.ops)
    }
}
