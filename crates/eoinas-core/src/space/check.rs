//! Whether a search space can be searched.

use super::{CellSpec, SearchSpace};
use crate::op::{BUILT_IN, Op};

/// Intermediate nodes of a cell, as many as a genotype may have.
pub(crate) const MAX_NODES: usize = 256;
/// Input nodes of a cell.
pub(crate) const MAX_INPUTS: usize = 64;

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
    /// A name that genotype texts and file names cannot hold.
    #[error(
        "`{name}` is no name for {what}; it must consist of letters, digits and underscores and begin with a letter"
    )]
    Name {
        /// `an op`, `a kind of cell`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// A user's own op under the name of a built-in one.
    #[error("`{op}` is the name of a built-in op; give your own op another one")]
    BuiltInName {
        /// The name.
        op: String,
    },
    /// No kind of cell.
    #[error("a search space needs at least one kind of cell")]
    NoCells,
    /// Two kinds of cell of one name.
    #[error("two kinds of cell are called `{cell}`")]
    DuplicateCell {
        /// The name.
        cell: String,
    },
    /// No inputs, no nodes, or too many.
    #[error("cell `{cell}` has {got} {what}; it needs 1 to {max}")]
    Size {
        /// Kind of cell.
        cell: String,
        /// `input nodes` or `intermediate nodes`.
        what: &'static str,
        /// How many.
        got: usize,
        /// The most that are possible.
        max: usize,
    },
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
    /// Edges that are not in the order in which everything else numbers them. Two edges between the same nodes are
    /// possible.
    #[error("cell `{cell}`: edge {edge} is out of order; order edges by target, then by source")]
    Order {
        /// Kind of cell.
        cell: String,
        /// Index of the edge.
        edge: usize,
    },
    /// Each node must keep at least one edge.
    #[error("cell `{cell}` keeps 0 edges a node; use at least 1, or None to keep all")]
    Keep {
        /// Kind of cell.
        cell: String,
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
    /// An output that is not an intermediate node or is one twice, or no output at all.
    #[error("cell `{cell}`: the output must join one or more of the intermediate nodes, each once, got {concat:?}")]
    Concat {
        /// Kind of cell.
        cell: String,
        /// The nodes given.
        concat: Vec<usize>,
    },
}

impl SearchSpace {
    /// Checks everything that the rest of the crate relies on.
    pub(super) fn check(&self) -> Result<(), SpaceError> {
        if self.ops.is_empty() || self.ops.len() > 64 {
            return Err(SpaceError::Ops { got: self.ops.len() });
        }
        for (index, op) in self.ops.iter().enumerate() {
            check_op(op)?;
            if self.ops.iter().take(index).any(|other| other == op) {
                return Err(SpaceError::DuplicateOp { op: op.name().to_owned() });
            }
        }
        if self.cells.is_empty() {
            return Err(SpaceError::NoCells);
        }
        for (index, cell) in self.cells.iter().enumerate() {
            if self.cells.iter().take(index).any(|other| other.name == cell.name) {
                return Err(SpaceError::DuplicateCell { cell: cell.name.clone() });
            }
            check_cell(cell)?;
        }
        Ok(())
    }
}

fn check_op(op: &Op) -> Result<(), SpaceError> {
    check_name("an op", op.name())?;
    if matches!(op, Op::Custom(_)) && BUILT_IN.contains(op) {
        return Err(SpaceError::BuiltInName { op: op.name().to_owned() });
    }
    Ok(())
}

fn check_name(what: &'static str, name: &str) -> Result<(), SpaceError> {
    let word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if word && name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Ok(());
    }
    Err(SpaceError::Name { what, name: name.chars().take(64).collect() })
}

fn check_cell(cell: &CellSpec) -> Result<(), SpaceError> {
    let name = || cell.name.clone();
    check_name("a kind of cell", &cell.name)?;
    for (what, got, max) in [("input nodes", cell.inputs, MAX_INPUTS), ("intermediate nodes", cell.nodes, MAX_NODES)] {
        if got == 0 || got > max {
            return Err(SpaceError::Size { cell: name(), what, got, max });
        }
    }
    if cell.keep == Some(0) {
        return Err(SpaceError::Keep { cell: name() });
    }
    let mut last = (0, 0);
    for (index, edge) in cell.edges.iter().enumerate() {
        if edge.from >= edge.to || !cell.intermediate().contains(&edge.to) {
            return Err(SpaceError::Edge { cell: name(), edge: index, from: edge.from, to: edge.to });
        }
        if (edge.to, edge.from) < last {
            return Err(SpaceError::Order { cell: name(), edge: index });
        }
        last = (edge.to, edge.from);
        // Inputs are at full resolution, intermediate nodes at the cell's own.
        let expected = cell.stride(edge.from);
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
    let bad = |(index, node): (usize, &usize)| {
        !cell.intermediate().contains(node) || cell.concat.iter().take(index).any(|other| other == node)
    };
    if cell.concat.is_empty() || cell.concat.iter().enumerate().any(bad) {
        return Err(SpaceError::Concat { cell: name(), concat: cell.concat.clone() });
    }
    Ok(())
}
