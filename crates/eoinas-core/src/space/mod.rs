//! The search space: kinds of cell, their edges, and the candidate ops of an edge.
//!
//! Nodes of a cell are numbered from its inputs: with two inputs, nodes 0 and 1 are the outputs of the two cells before
//! and node 2 is the first intermediate node. Edges are numbered by target node, then by source node, as in DARTS.

mod check;
mod edge_map;
mod table;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::CoreError;
use crate::genotype::{CellGenotype, GenotypeEdge};
use crate::op::Op;

pub(crate) use check::{MAX_INPUTS, MAX_NODES, read_cells};
pub use edge_map::EdgeMap;
pub use table::EdgeOpTable;

/// A kind of cell, for example `normal` (index 0) and `reduce` (index 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CellKind(pub usize);

/// One edge of a kind of cell, as everything numbers it that has a value for each edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EdgeId {
    /// Kind of cell.
    pub kind: CellKind,
    /// Index into its [`CellSpec::edges`].
    pub edge: usize,
}

impl EdgeId {
    /// The edge `edge` of `kind`.
    pub const fn new(kind: CellKind, edge: usize) -> Self {
        Self { kind, edge }
    }

    /// The first `edges` edges of a kind, in order.
    pub fn all(kind: CellKind, edges: usize) -> impl Iterator<Item = Self> + use<> {
        (0..edges).map(move |edge| Self { kind, edge })
    }

    /// One of its ops.
    pub fn op(self, op: usize) -> OpId {
        OpId { edge: self, op }
    }
}

impl fmt::Display for EdgeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cell kind {}, edge {}", self.kind.0, self.edge)
    }
}

/// One op of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OpId {
    /// The edge.
    pub edge: EdgeId,
    /// Index into the space's ops.
    pub op: usize,
}

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
    /// `normal`, `reduce`, ...: letters, digits and underscores.
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
        let mut cell = Self {
            name: name.to_owned(),
            inputs,
            nodes,
            edges: Vec::new(),
            concat: (inputs..inputs + nodes).collect(),
            keep: Some(2),
            reduction,
        };
        let edge = |(from, to)| Edge { from, to, stride: cell.stride(from) };
        cell.edges = cell.intermediate().flat_map(|to| (0..to).map(move |from| (from, to))).map(edge).collect();
        cell
    }

    /// A found cell of this kind: per intermediate node, its inputs.
    pub fn found(&self, nodes: Vec<Vec<GenotypeEdge>>) -> CellGenotype {
        let (name, concat) = (self.name.clone(), self.concat.clone());
        CellGenotype { name, nodes, inputs: self.inputs, concat, reduction: Some(self.reduction) }
    }

    /// Stride of every op that reads node `from`: 2 at the inputs of a reduction cell, else 1.
    pub fn stride(&self, from: usize) -> usize {
        if self.reduction && from < self.inputs { 2 } else { 1 }
    }

    /// Indices (into `edges`) of the edges that end in `node`.
    pub fn edges_into(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        self.edges.iter().enumerate().filter(move |(_, edge)| edge.to == node).map(|(index, _)| index)
    }

    /// The sources that `node` chooses its inputs from: each once where it keeps some of its edges, one for each edge
    /// where it keeps all.
    pub fn sources(&self, node: usize) -> Vec<usize> {
        let edges = self.edges_into(node).filter_map(|edge| self.edges.get(edge));
        let mut sources: Vec<usize> = edges.map(|edge| edge.from).collect();
        if self.keep.is_some() {
            sources.dedup();
        }
        sources
    }

    /// Those of `ops` that a genotype of this cell may have. Where a node keeps some of its edges (DARTS) they are none of
    /// the zero ops, unless there is nothing else; where it keeps all (NAS-Bench-201), a zero op leaves an edge out.
    pub fn genotype_ops<'a>(&self, ops: &'a [Op]) -> Vec<&'a Op> {
        let not_zero: Vec<&Op> = ops.iter().filter(|op| !op.is_zero()).collect();
        if self.keep.is_none() || not_zero.is_empty() { ops.iter().collect() } else { not_zero }
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

impl SearchSpace {
    /// A space of one's own: candidate ops for every edge, and the kinds of cell. Checked.
    ///
    /// ```
    /// use eoinas_core::{CellSpec, Op, SearchSpace};
    /// let cells = vec![CellSpec::dense("normal", 2, 3, false), CellSpec::dense("reduce", 2, 3, true)];
    /// let space = SearchSpace::new("small", vec![Op::None, Op::SkipConnect, Op::SepConv3x3], cells)?;
    /// assert_eq!(space.edges().count(), 2 * (2 + 3 + 4));
    /// # Ok::<(), eoinas_core::CoreError>(())
    /// ```
    pub fn new(name: &str, ops: Vec<Op>, cells: Vec<CellSpec>) -> Result<Self, CoreError> {
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
    pub fn with_op(mut self, op: Op) -> Result<Self, CoreError> {
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

    /// Every edge of every kind, in order.
    pub fn edges(&self) -> impl Iterator<Item = EdgeId> + '_ {
        self.kinds().zip(&self.cells).flat_map(|(kind, cell)| EdgeId::all(kind, cell.edges.len()))
    }
}
