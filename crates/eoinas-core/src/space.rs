//! The search space: kinds of cell, their edges, and the candidate ops of an edge.
//!
//! Nodes of a cell are numbered from its inputs: with two inputs, nodes 0 and 1 are the outputs of the two cells before
//! and node 2 is the first intermediate node. Edges are numbered by target node, then by source node, as in DARTS.

use serde::{Deserialize, Serialize};

use crate::op::Op;

/// A kind of cell, for example `normal` (index 0) and `reduce` (index 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CellKind(pub usize);

/// An edge of a cell: it carries the output of node `from` to node `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Edge {
    /// Source node.
    pub from: usize,
    /// Target node; larger than `from`.
    pub to: usize,
    /// Stride of every op on this edge: 2 on the edges from the inputs of a reduction cell, else 1.
    pub stride: usize,
}

/// One kind of cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellSpec {
    /// `normal`, `reduce`, ...
    pub name: String,
    /// Number of input nodes: 2 in DARTS (the two cells before), 1 in NAS-Bench-201.
    pub inputs: usize,
    /// Number of intermediate nodes.
    pub nodes: usize,
    /// Ordered by `to`, then by `from`.
    pub edges: Vec<Edge>,
    /// The nodes whose outputs, joined along the channels, are the cell's output.
    pub concat: Vec<usize>,
    /// How many input edges each intermediate node keeps when a cell is derived; `None`: all (NAS-Bench-201).
    pub keep: Option<usize>,
    /// Whether the cell halves the resolution (and the network doubles its channels there).
    pub reduction: bool,
}

impl CellSpec {
    /// A cell in which every intermediate node has an edge from each node before it.
    pub fn dense(name: &str, inputs: usize, nodes: usize, reduction: bool) -> Self {
        let edges = (inputs..inputs + nodes)
            .flat_map(|to| {
                (0..to).map(move |from| Edge { from, to, stride: if reduction && from < inputs { 2 } else { 1 } })
            })
            .collect();
        Self {
            name: name.to_owned(),
            inputs,
            nodes,
            edges,
            concat: (inputs..inputs + nodes).collect(),
            keep: Some(2),
            reduction,
        }
    }

    /// Indices (into `edges`) of the edges that end in `node`.
    pub fn edges_into(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.edges.iter().enumerate().filter(move |(_, edge)| edge.to == node).map(|(index, _)| index)
    }

    /// The intermediate nodes.
    pub fn intermediate(&self) -> std::ops::Range<usize> {
        self.inputs..self.inputs + self.nodes
    }
}

/// A search space.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SearchSpace {
    name: String,
    ops: Vec<Op>,
    cells: Vec<CellSpec>,
}

/// Why a search space cannot be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpaceError {
    /// No candidate ops, or more than 64.
    #[error("a search space needs 1 to 64 candidate ops, got {got}")]
    Ops {
        /// How many there were.
        got: usize,
    },
    /// The same op twice.
    #[error("op `{op}` is listed twice")]
    DuplicateOp {
        /// Its name.
        op: String,
    },
    /// No kind of cell.
    #[error("a search space needs at least one kind of cell")]
    NoCells,
    /// An edge that does not lead from an earlier node to a later intermediate one.
    #[error(
        "cell `{cell}`: edge {edge} leads from node {from} to node {to}; it must lead from an earlier node to an \
             intermediate one"
    )]
    Edge {
        /// Kind of cell.
        cell: String,
        /// Index of the edge.
        edge: usize,
        /// Its source.
        from: usize,
        /// Its target.
        to: usize,
    },
    /// A stride other than 1 or 2, or strides that give a node inputs of different sizes.
    #[error("cell `{cell}`: edge {edge} has stride {stride}, which does not fit; expected {expected}")]
    Stride {
        /// Kind of cell.
        cell: String,
        /// Index of the edge.
        edge: usize,
        /// Its stride.
        stride: usize,
        /// What would fit.
        expected: String,
    },
    /// A node without any edge into it.
    #[error("cell `{cell}`: node {node} has no edge into it")]
    Orphan {
        /// Kind of cell.
        cell: String,
        /// The node.
        node: usize,
    },
    /// An output that is not an intermediate node, or no output at all.
    #[error("cell `{cell}`: the output must join one or more of the intermediate nodes, got {concat:?}")]
    Concat {
        /// Kind of cell.
        cell: String,
        /// The nodes given.
        concat: Vec<usize>,
    },
}

impl SearchSpace {
    /// A space of one's own: candidate ops for every edge, and the kinds of cell. Checked.
    pub fn new(name: &str, ops: Vec<Op>, cells: Vec<CellSpec>) -> Result<Self, SpaceError> {
        let space = Self { name: name.to_owned(), ops, cells };
        space.check()?;
        Ok(space)
    }

    /// The paper's space (and that of DARTS): normal and reduction cell, two inputs, four intermediate nodes, 14 edges,
    /// eight ops in the order of the DARTS files.
    pub fn darts() -> Self {
        Self {
            name: "darts".to_owned(),
            ops: vec![
                Op::None,
                Op::MaxPool3x3,
                Op::AvgPool3x3,
                Op::SkipConnect,
                Op::SepConv3x3,
                Op::SepConv5x5,
                Op::DilConv3x3,
                Op::DilConv5x5,
            ],
            cells: vec![CellSpec::dense("normal", 2, 4, false), CellSpec::dense("reduce", 2, 4, true)],
        }
    }

    /// NAS-Bench-201: one kind of cell, one input, three nodes, six edges, five ops; the last node is the output.
    pub fn nas_bench_201() -> Self {
        let mut cell = CellSpec::dense("cell", 1, 3, false);
        cell.concat = vec![3];
        cell.keep = None;
        Self {
            name: "nas-bench-201".to_owned(),
            ops: vec![Op::None, Op::SkipConnect, Op::NorConv1x1, Op::NorConv3x3, Op::AvgPool3x3],
            cells: vec![cell],
        }
    }

    /// The space with another op added to the candidates of every edge.
    pub fn with_op(mut self, op: Op) -> Result<Self, SpaceError> {
        self.ops.push(op);
        self.check()?;
        Ok(self)
    }

    /// Its name, which checkpoints record.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Candidate ops of every edge.
    pub fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Kinds of cell.
    pub fn cells(&self) -> &[CellSpec] {
        &self.cells
    }

    /// The cell of a kind.
    pub fn cell(&self, kind: CellKind) -> Option<&CellSpec> {
        self.cells.get(kind.0)
    }

    /// The kinds, in order.
    pub fn kinds(&self) -> impl Iterator<Item = CellKind> + use<> {
        (0..self.cells.len()).map(CellKind)
    }

    /// Index of the op with this name.
    pub fn op_index(&self, name: &str) -> Option<usize> {
        self.ops.iter().position(|op| op.name() == name)
    }

    /// Every (kind, edge) pair in order.
    pub fn edges(&self) -> impl Iterator<Item = (CellKind, usize)> + '_ {
        self.cells.iter().enumerate().flat_map(|(kind, cell)| (0..cell.edges.len()).map(move |e| (CellKind(kind), e)))
    }

    fn check(&self) -> Result<(), SpaceError> {
        if self.ops.is_empty() || self.ops.len() > 64 {
            return Err(SpaceError::Ops { got: self.ops.len() });
        }
        for (index, op) in self.ops.iter().enumerate() {
            if self.ops.iter().take(index).any(|other| other == op) {
                return Err(SpaceError::DuplicateOp { op: op.name().to_owned() });
            }
        }
        if self.cells.is_empty() {
            return Err(SpaceError::NoCells);
        }
        self.cells.iter().try_for_each(check_cell)
    }
}

fn check_cell(cell: &CellSpec) -> Result<(), SpaceError> {
    let name = || cell.name.clone();
    for (index, edge) in cell.edges.iter().enumerate() {
        if edge.from >= edge.to || !cell.intermediate().contains(&edge.to) {
            return Err(SpaceError::Edge { cell: name(), edge: index, from: edge.from, to: edge.to });
        }
        // Inputs are at full resolution, intermediate nodes at the cell's own.
        let expected = if cell.reduction && edge.from < cell.inputs { 2 } else { 1 };
        if edge.stride != expected {
            return Err(SpaceError::Stride {
                cell: name(),
                edge: index,
                stride: edge.stride,
                expected: expected.to_string(),
            });
        }
    }
    if let Some(node) = cell.intermediate().find(|&node| cell.edges_into(node).next().is_none()) {
        return Err(SpaceError::Orphan { cell: name(), node });
    }
    if cell.concat.is_empty() || cell.concat.iter().any(|node| !cell.intermediate().contains(node)) {
        return Err(SpaceError::Concat { cell: name(), concat: cell.concat.clone() });
    }
    Ok(())
}

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
        self.kinds.get(kind.0).and_then(|m| m.get(edge * self.ops..(edge + 1) * self.ops)).unwrap_or(&[])
    }

    /// The same, to be written.
    pub fn edge_mut(&mut self, kind: CellKind, edge: usize) -> &mut [T] {
        let ops = self.ops;
        self.kinds.get_mut(kind.0).and_then(|m| m.get_mut(edge * ops..(edge + 1) * ops)).unwrap_or(&mut [])
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
