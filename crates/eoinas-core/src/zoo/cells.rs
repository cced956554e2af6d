//! Cells as constants.

use crate::op::Op;

/// A kind of cell as a constant: the same as a [`crate::CellGenotype`].
#[derive(Clone, Copy, Debug)]
pub(super) struct PublishedCell {
    pub name: &'static str,
    pub inputs: usize,
    /// Per intermediate node, ops and the nodes they read.
    pub nodes: Nodes,
    pub concat: &'static [usize],
    pub reduction: bool,
}

type Nodes = &'static [&'static [(Op, usize)]];

/// The cell that keeps the resolution, of two inputs.
pub(super) const fn normal(nodes: Nodes, concat: &'static [usize]) -> PublishedCell {
    PublishedCell { name: "normal", inputs: 2, nodes, concat, reduction: false }
}

/// The cell that halves the resolution, of two inputs.
pub(super) const fn reduce(nodes: Nodes, concat: &'static [usize]) -> PublishedCell {
    PublishedCell { name: "reduce", inputs: 2, nodes, concat, reduction: true }
}

/// The one cell of NAS-Bench-201, whose last node is its output.
pub(super) const fn bench_201(nodes: Nodes) -> PublishedCell {
    PublishedCell { name: "cell", inputs: 1, nodes, concat: &[3], reduction: false }
}
