//! What several test files need.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses a part; a test fails by panicking")]

use eoinas_core::{AliveOps, CellKind, CellSpec, EdgeId, EdgeOpTable, Gate, Gates, Op, SearchSpace};
use eoinas_prune::{Statistics, StatisticsConfig};

pub const NORMAL: CellKind = CellKind(0);
pub const REDUCE: CellKind = CellKind(1);

/// One kind of cell, two inputs, `nodes` nodes, and these ops.
pub fn small_space(ops: &[Op], nodes: usize) -> SearchSpace {
    SearchSpace::new("small", ops.to_vec(), vec![CellSpec::dense("normal", 2, nodes, false)]).unwrap()
}

/// Gates that run op `op(kind, edge)` of every edge.
pub fn one_path(space: &SearchSpace, op: impl Fn(CellKind, usize) -> usize) -> Gates {
    let edges = |kind: CellKind| 0..space.cell(kind).unwrap().edges.len();
    let gate = |kind, edge| vec![Gate { op: op(kind, edge), value: 1.0 }];
    Gates { kinds: space.kinds().map(|kind| edges(kind).map(|edge| gate(kind, edge)).collect()).collect() }
}

/// Statistics with these counts and accuracies on one edge and nothing elsewhere.
pub fn statistics(
    space: &SearchSpace,
    kind: CellKind,
    edge: usize,
    counts: &[u64],
    accuracies: &[Option<f64>],
) -> Statistics {
    let mut statistics = Statistics::new(space, StatisticsConfig::default()).unwrap();
    for (op, count) in counts.iter().enumerate() {
        (0..*count).for_each(|_| statistics.count(EdgeId::new(kind, edge).op(op)).unwrap());
    }
    for (op, accuracy) in accuracies.iter().enumerate() {
        accuracy.iter().for_each(|value| statistics.note_accuracy(EdgeId::new(kind, edge).op(op), *value).unwrap());
    }
    statistics
}

pub fn zeros(space: &SearchSpace) -> EdgeOpTable<f32> {
    EdgeOpTable::filled(space, 0f32)
}

/// Takes all ops but `left` from one edge.
pub fn leave(alive: &mut AliveOps, kind: CellKind, edge: usize, left: &[usize]) {
    let others: Vec<usize> = alive.ops(EdgeId::new(kind, edge)).filter(|op| !left.contains(op)).collect();
    others.into_iter().for_each(|op| alive.prune(EdgeId::new(kind, edge).op(op)).unwrap());
}
