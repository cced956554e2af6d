//! One value for each edge.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize};

use super::{CellKind, EdgeId, SearchSpace};

/// One value for every edge of every kind of cell: what each edge runs, weights of edges, their moments, their strengths.
///
/// A map is put together for a space ([`EdgeMap::filled`]), or comes from elsewhere and is checked once
/// ([`EdgeMap::fits`]); then `map[id]` is plain indexing, which panics for an edge that is not there. [`EdgeMap::get`] is
/// for those who cannot know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EdgeMap<T> {
    /// Per kind of cell, per edge.
    pub kinds: Vec<Vec<T>>,
}

impl<T> Default for EdgeMap<T> {
    fn default() -> Self {
        Self { kinds: Vec::new() }
    }
}

impl<T: Clone> EdgeMap<T> {
    /// A map for `space` with `value` everywhere.
    pub fn filled(space: &SearchSpace, value: T) -> Self {
        Self::from_fn(space, |_| value.clone())
    }
}

impl<T> EdgeMap<T> {
    /// A map for `space` with what `value` gives for each edge.
    pub fn from_fn(space: &SearchSpace, mut value: impl FnMut(EdgeId) -> T) -> Self {
        let mut edges =
            |(kind, edges): (CellKind, usize)| (0..edges).map(|edge| value(EdgeId { kind, edge })).collect();
        let kinds = space.kinds().zip(space.cells().iter().map(|cell| cell.edges.len()));
        Self { kinds: kinds.map(&mut edges).collect() }
    }

    /// The value of one edge; `None` for an edge that is not there.
    pub fn get(&self, id: EdgeId) -> Option<&T> {
        self.kinds.get(id.kind.0)?.get(id.edge)
    }

    /// The values of one kind's edges; empty for a kind that is not there.
    pub fn kind(&self, kind: CellKind) -> &[T] {
        self.kinds.get(kind.0).map_or(&[], Vec::as_slice)
    }

    /// The same, to be written.
    pub fn kind_mut(&mut self, kind: CellKind) -> &mut [T] {
        self.kinds.get_mut(kind.0).map_or(&mut [], Vec::as_mut_slice)
    }

    /// Every edge with its value, in the order of the space.
    pub fn iter(&self) -> impl Iterator<Item = (EdgeId, &T)> {
        let edges = |(kind, edges): (usize, &'_ Vec<T>)| (kind, edges.len());
        let ids = self.kinds.iter().enumerate().map(edges).flat_map(|(kind, edges)| EdgeId::all(CellKind(kind), edges));
        ids.zip(self.kinds.iter().flatten())
    }

    /// The same, to be written.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (EdgeId, &mut T)> {
        let edges = self.kinds.iter_mut().enumerate();
        edges.flat_map(|(kind, edges)| EdgeId::all(CellKind(kind), edges.len()).zip(edges))
    }

    /// A map of the same shape, each value made of the value here.
    pub fn map<U>(&self, value: impl Fn(&T) -> U) -> EdgeMap<U> {
        EdgeMap { kinds: self.kinds.iter().map(|edges| edges.iter().map(&value).collect()).collect() }
    }

    /// Whether the map has the shape that `space` asks for.
    pub fn fits(&self, space: &SearchSpace) -> bool {
        self.kinds.iter().map(Vec::len).eq(space.cells().iter().map(|cell| cell.edges.len()))
    }
}

impl<T> Index<EdgeId> for EdgeMap<T> {
    type Output = T;

    fn index(&self, id: EdgeId) -> &T {
        &self.kinds[id.kind.0][id.edge]
    }
}

impl<T> IndexMut<EdgeId> for EdgeMap<T> {
    fn index_mut(&mut self, id: EdgeId) -> &mut T {
        &mut self.kinds[id.kind.0][id.edge]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_an_entry_for_each_edge() {
        let space = SearchSpace::darts();
        let mut map = EdgeMap::filled(&space, 0.5f32);
        let last = EdgeId { kind: CellKind(1), edge: 13 };
        map[last] = 2.0;
        assert!(map.fits(&space) && !map.fits(&SearchSpace::nas_bench_201()));
        assert_eq!((map.kind(CellKind(0)).len(), map.kind(CellKind(2)).len()), (14, 0));
        assert_eq!(map.map(|value| value * 2.0)[last], 4.0);
        assert_eq!(map.get(EdgeId { edge: 14, ..last }), None);
        assert!(map.iter().map(|(id, _)| id).eq(space.edges()));
        assert!(map.iter_mut().map(|(id, _)| id).eq(space.edges()));
        assert_eq!(map.iter().last(), Some((last, &2.0)));
        let numbered = EdgeMap::from_fn(&space, |id| 100 * id.kind.0 + id.edge);
        assert_eq!(numbered[last], 113);
    }

    #[test]
    #[should_panic(expected = "out of bounds")]
    fn a_write_beside_it_does_not_vanish() {
        EdgeMap::filled(&SearchSpace::darts(), 0)[EdgeId { kind: CellKind(0), edge: 14 }] = 1;
    }
}
