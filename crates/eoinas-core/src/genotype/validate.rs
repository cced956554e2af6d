//! Whether a genotype holds together by itself.

use super::{CellGenotype, Genotype, Position};
use crate::error::CoreError;
use crate::space::{MAX_INPUTS, MAX_NODES};

/// Kinds of cell.
const MAX_CELLS: usize = 64;

/// More of something than is read.
pub(super) fn too_many(at: impl Into<Option<Position>>, cell: &str, what: &str, got: usize, max: usize) -> CoreError {
    CoreError::genotype(at, format!("cell `{cell}` has {got} {what}; at most {max} are possible"))
}

pub(super) fn no_inputs(at: impl Into<Option<Position>>, cell: &str, node: usize) -> CoreError {
    CoreError::genotype(at, format!("node {node} of cell `{cell}` has no inputs"))
}

/// A node that takes the output of itself or of a later node.
pub(super) fn later_source(at: impl Into<Option<Position>>, cell: &str, node: usize, from: usize) -> CoreError {
    let last = node.saturating_sub(1);
    let problem =
        format!("node {node} of cell `{cell}` takes its input from node {from}; only nodes 0 to {last} come before it");
    CoreError::genotype(at, problem)
}

/// Whether a genotype may have so many cells: asked before they are read.
pub(super) fn check_count(got: usize) -> Result<(), CoreError> {
    if got <= MAX_CELLS {
        return Ok(());
    }
    Err(too_many(None, "genotype", "kinds of cell", got, MAX_CELLS))
}

impl Genotype {
    /// Checks what every reader guarantees: at least one cell, names that differ, and cells that
    /// [hold together](CellGenotype::validate). For genotypes that are put together by hand.
    pub fn validate(&self) -> Result<(), CoreError> {
        if self.cells.is_empty() {
            return Err(CoreError::genotype(None, "the genotype has no cell"));
        }
        check_count(self.cells.len())?;
        for (index, cell) in self.cells.iter().enumerate() {
            if self.cells.iter().take(index).any(|other| other.name == cell.name) {
                return Err(CoreError::genotype(None, format!("the genotype has two cells `{}`", cell.name)));
            }
            cell.validate()?;
        }
        Ok(())
    }
}

impl CellGenotype {
    /// Checks the cell: between 1 and 256 nodes with at least one input each, sources before their nodes, and an output
    /// that joins one or more different intermediate nodes.
    pub fn validate(&self) -> Result<(), CoreError> {
        self.check(None)
    }

    /// The same, with the place in a text where the cell begins.
    pub(super) fn check(&self, at: Option<Position>) -> Result<(), CoreError> {
        let many = |what, got, max| too_many(at, &self.name, what, got, max);
        let empty = |what: &str| CoreError::genotype(at, format!("cell `{}` has no {what}", self.name));
        match (self.inputs, self.nodes.len()) {
            (0, _) => return Err(empty("input nodes")),
            (inputs, _) if inputs > MAX_INPUTS => return Err(many("input nodes", inputs, MAX_INPUTS)),
            (_, 0) => return Err(empty("nodes")),
            (_, nodes) if nodes > MAX_NODES => return Err(many("nodes", nodes, MAX_NODES)),
            _ => {}
        }
        for (node, edges) in (self.inputs..).zip(&self.nodes) {
            if edges.is_empty() {
                return Err(no_inputs(at, &self.name, node));
            }
            if let Some(edge) = edges.iter().find(|edge| edge.from >= node) {
                return Err(later_source(at, &self.name, node, edge.from));
            }
        }
        self.check_concat(at)
    }

    fn check_concat(&self, at: Option<Position>) -> Result<(), CoreError> {
        if self.concat.is_empty() {
            let problem = format!("cell `{}` has no output: its list of joined nodes is empty", self.name);
            return Err(CoreError::genotype(at, problem));
        }
        let mut seen = vec![false; self.nodes.len()];
        for &node in &self.concat {
            let entry = node.checked_sub(self.inputs).and_then(|index| seen.get_mut(index));
            let problem = match entry {
                None => {
                    let last = self.inputs + self.nodes.len() - 1;
                    format!("is not one of its intermediate nodes {} to {last}", self.inputs)
                }
                Some(true) => "is in the list already".to_owned(),
                Some(first) => {
                    *first = true;
                    continue;
                }
            };
            let problem = format!("the output of cell `{}` joins node {node}, which {problem}", self.name);
            return Err(CoreError::genotype(at, problem));
        }
        Ok(())
    }
}
