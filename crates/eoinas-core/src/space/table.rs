//! One value for each op of each edge.

use std::ops::{Index, IndexMut, Range};

use serde::{Deserialize, Serialize};

use super::{CellKind, EdgeId, EdgeMap, OpId, SearchSpace};

/// One value for every op of every edge of every kind of cell: architecture parameters, their moments, statistics.
///
/// Pruning never moves an entry, so that tables stay aligned by construction; [`crate::AliveOps`] says which entries
/// still count. As for an [`crate::EdgeMap`], the shape is checked once and `table[edge]` (a row) and `table[op]` are then
/// plain indexing.
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
    /// Values of the ops of one edge, in the order of the space's ops; `None` for an edge that is not there.
    pub fn get(&self, id: EdgeId) -> Option<&[T]> {
        self.kinds.get(id.kind.0)?.get(self.row(id.edge))
    }

    /// The value of one op; `None` for one that is not there.
    pub fn entry(&self, id: OpId) -> Option<&T> {
        self.get(id.edge)?.get(id.op)
    }

    fn row(&self, edge: usize) -> Range<usize> {
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

    /// Whether another table has the same shape.
    pub fn is_like<U>(&self, other: &EdgeOpTable<U>) -> bool {
        self.ops == other.ops && self.kinds.iter().map(Vec::len).eq(other.kinds.iter().map(Vec::len))
    }

    /// Whether a map has one entry for each row of this table.
    pub fn has_edges_of<U>(&self, map: &EdgeMap<U>) -> bool {
        let lengths = map.kinds.iter().map(|edges| edges.len() * self.ops);
        lengths.eq(self.kinds.iter().map(Vec::len))
    }

    /// Whether the table has the shape that `space` asks for.
    pub fn fits(&self, space: &SearchSpace) -> bool {
        self.ops == space.ops.len()
            && self.kinds.len() == space.cells.len()
            && self.kinds.iter().zip(&space.cells).all(|(m, cell)| m.len() == cell.edges.len() * self.ops)
    }
}

impl<T> Index<EdgeId> for EdgeOpTable<T> {
    type Output = [T];

    fn index(&self, id: EdgeId) -> &[T] {
        &self.kinds[id.kind.0][self.row(id.edge)]
    }
}

impl<T> IndexMut<EdgeId> for EdgeOpTable<T> {
    fn index_mut(&mut self, id: EdgeId) -> &mut [T] {
        let row = self.row(id.edge);
        &mut self.kinds[id.kind.0][row]
    }
}

impl<T> Index<OpId> for EdgeOpTable<T> {
    type Output = T;

    fn index(&self, id: OpId) -> &T {
        &self[id.edge][id.op]
    }
}

impl<T> IndexMut<OpId> for EdgeOpTable<T> {
    fn index_mut(&mut self, id: OpId) -> &mut T {
        &mut self[id.edge][id.op]
    }
}
