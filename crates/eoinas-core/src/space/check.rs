//! Whether a search space can be searched.

use serde::{Deserialize, Deserializer, de::Error as _};

use super::{CellSpec, SearchSpace};
use crate::error::CoreError;
use crate::op::{BUILT_IN, Op};

/// Intermediate nodes of a cell, as many as a genotype may have.
pub(crate) const MAX_NODES: usize = 256;
/// Input nodes of a cell.
pub(crate) const MAX_INPUTS: usize = 64;

impl SearchSpace {
    /// Checks everything that the rest of the crate relies on.
    pub(super) fn check(&self) -> Result<(), CoreError> {
        if self.ops.is_empty() || self.ops.len() > 64 {
            let got = self.ops.len();
            return Err(CoreError::space(format!("a search space needs 1 to 64 candidate ops, got {got}")));
        }
        for (index, op) in self.ops.iter().enumerate() {
            check_op(op)?;
            if self.ops.iter().take(index).any(|other| other == op) {
                return Err(CoreError::space(format!("op `{op}` is listed twice")));
            }
        }
        if self.cells.is_empty() {
            return Err(CoreError::space("a search space needs at least one kind of cell"));
        }
        for (index, cell) in self.cells.iter().enumerate() {
            if self.cells.iter().take(index).any(|other| other.name == cell.name) {
                return Err(CoreError::space(format!("two kinds of cell are called `{}`", cell.name)));
            }
            check_cell(cell)?;
        }
        Ok(())
    }
}

fn check_op(op: &Op) -> Result<(), CoreError> {
    check_name("an op", op.name())?;
    if matches!(op, Op::Custom(_)) && BUILT_IN.contains(op) {
        return Err(CoreError::space(format!("`{op}` is the name of a built-in op; give your own op another one")));
    }
    Ok(())
}

fn check_name(what: &str, name: &str) -> Result<(), CoreError> {
    let word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if word && name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        return Ok(());
    }
    let name: String = name.chars().take(64).collect();
    Err(CoreError::space(format!(
        "`{name}` is no name for {what}; it must consist of letters, digits and underscores and begin with a letter"
    )))
}

/// Whether it has as many nodes as a cell may have: whoever draws it makes something for each.
fn check_size(cell: &CellSpec) -> Result<(), CoreError> {
    for (what, got, max) in [("input nodes", cell.inputs, MAX_INPUTS), ("intermediate nodes", cell.nodes, MAX_NODES)] {
        if got == 0 || got > max {
            let name = &cell.name;
            return Err(CoreError::space(format!("cell `{name}` has {got} {what}; it needs 1 to {max}")));
        }
    }
    Ok(())
}

/// Reads cells of a file that may say anything of them.
///
/// # Errors
/// One of more nodes than there can be.
pub(crate) fn read_cells<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CellSpec>, D::Error> {
    let cells = Vec::<CellSpec>::deserialize(deserializer)?;
    cells.iter().try_for_each(check_size).map_err(D::Error::custom)?;
    Ok(cells)
}

fn check_cell(cell: &CellSpec) -> Result<(), CoreError> {
    let name = &cell.name;
    check_name("a kind of cell", name)?;
    let wrong = |problem: String| Err(CoreError::cell(name, problem));
    check_size(cell)?;
    if cell.keep == Some(0) {
        let problem = "keeps 0 edges a node; use at least 1, or None to keep all";
        return Err(CoreError::space(format!("cell `{name}` {problem}")));
    }
    let mut last = (0, 0);
    for (index, edge) in cell.edges.iter().enumerate() {
        if edge.from >= edge.to || !cell.intermediate().contains(&edge.to) {
            let (from, to) = (edge.from, edge.to);
            return wrong(format!(
                "edge {index} leads from node {from} to node {to}; it must lead from an earlier node to an intermediate one"
            ));
        }
        // Two edges between the same nodes are possible.
        if (edge.to, edge.from) < last {
            return wrong(format!("edge {index} is out of order; order edges by target, then by source"));
        }
        last = (edge.to, edge.from);
        // Inputs are at full resolution, intermediate nodes at the cell's own.
        let expected = cell.stride(edge.from);
        if edge.stride != expected {
            let stride = edge.stride;
            return wrong(format!("edge {index} has stride {stride}, which does not fit; expected {expected}"));
        }
    }
    if let Some(node) = cell.intermediate().find(|&node| cell.edges_into(node).next().is_none()) {
        return wrong(format!("node {node} has no edge into it"));
    }
    let bad = |(index, node): (usize, &usize)| {
        !cell.intermediate().contains(node) || cell.concat.iter().take(index).any(|other| other == node)
    };
    if cell.concat.is_empty() || cell.concat.iter().enumerate().any(bad) {
        let concat = &cell.concat;
        return wrong(format!("the output must join one or more of the intermediate nodes, each once, got {concat:?}"));
    }
    Ok(())
}
