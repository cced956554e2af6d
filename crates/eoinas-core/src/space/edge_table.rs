//! One value for each edge.

use serde::{Deserialize, Serialize};

use super::{CellKind, SearchSpace};

/// One value for every edge of every kind of cell: weights of edges, their moments.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EdgeTable<T> {
    kinds: Vec<Vec<T>>,
}

impl<T: Clone> EdgeTable<T> {
    /// A table for `space` with `value` everywhere.
    pub fn filled(space: &SearchSpace, value: T) -> Self {
        Self { kinds: space.cells.iter().map(|cell| vec![value.clone(); cell.edges.len()]).collect() }
    }
}

impl<T> EdgeTable<T> {
    /// The value of one edge; `None` for an edge that is not there.
    pub fn get(&self, kind: CellKind, edge: usize) -> Option<&T> {
        self.kinds.get(kind.0).and_then(|edges| edges.get(edge))
    }

    /// The same, to be written.
    pub fn get_mut(&mut self, kind: CellKind, edge: usize) -> Option<&mut T> {
        self.kinds.get_mut(kind.0).and_then(|edges| edges.get_mut(edge))
    }

    /// The values of one kind's edges; empty for a kind that is not there.
    pub fn kind(&self, kind: CellKind) -> &[T] {
        self.kinds.get(kind.0).map_or(&[], Vec::as_slice)
    }

    /// The same, to be written.
    pub fn kind_mut(&mut self, kind: CellKind) -> &mut [T] {
        self.kinds.get_mut(kind.0).map_or(&mut [], Vec::as_mut_slice)
    }

    /// A table of the same shape, each value made of the value here.
    pub fn map<U>(&self, value: impl Fn(&T) -> U) -> EdgeTable<U> {
        EdgeTable { kinds: self.kinds.iter().map(|edges| edges.iter().map(&value).collect()).collect() }
    }

    /// Whether the table has the shape that `space` asks for.
    pub fn fits(&self, space: &SearchSpace) -> bool {
        self.kinds.iter().map(Vec::len).eq(space.cells.iter().map(|cell| cell.edges.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_an_entry_for_each_edge() {
        let space = SearchSpace::darts();
        let mut table = EdgeTable::filled(&space, 0.5f32);
        *table.get_mut(CellKind(1), 13).unwrap() = 2.0;
        assert!(table.fits(&space) && !table.fits(&SearchSpace::nas_bench_201()));
        assert_eq!((table.kind(CellKind(0)).len(), table.kind(CellKind(2)).len()), (14, 0));
        assert_eq!(table.map(|value| value * 2.0).get(CellKind(1), 13), Some(&4.0));
        assert_eq!(table.get(CellKind(1), 14), None);
    }
}
