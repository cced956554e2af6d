//! Whether a genotype holds together by itself.

use super::{CellGenotype, Genotype, GenotypeError, Position};
use crate::space::{MAX_INPUTS, MAX_NODES};

/// Kinds of cell.
const MAX_CELLS: usize = 64;

/// Whether a genotype may have so many cells: asked before they are read.
pub(super) fn check_count(got: usize) -> Result<(), GenotypeError> {
    if got <= MAX_CELLS {
        return Ok(());
    }
    let cell = "genotype".to_owned();
    Err(GenotypeError::TooMany { at: None, cell, what: "kinds of cell", got, max: MAX_CELLS })
}

impl Genotype {
    /// Checks what every reader guarantees: at least one cell, names that differ, and cells that
    /// [hold together](CellGenotype::validate). For genotypes that are put together by hand.
    pub fn validate(&self) -> Result<(), GenotypeError> {
        if self.cells.is_empty() {
            return Err(GenotypeError::Empty { at: None, what: "the genotype has no cell".to_owned() });
        }
        check_count(self.cells.len())?;
        for (index, cell) in self.cells.iter().enumerate() {
            if self.cells.iter().take(index).any(|other| other.name == cell.name) {
                return Err(GenotypeError::DuplicateCell { cell: cell.name.clone() });
            }
            cell.validate()?;
        }
        Ok(())
    }
}

impl CellGenotype {
    /// Checks the cell: between 1 and 256 nodes with at least one input each, sources before their nodes, and an output
    /// that joins one or more different intermediate nodes.
    pub fn validate(&self) -> Result<(), GenotypeError> {
        self.check(None)
    }

    /// The same, with the place in a text where the cell begins.
    pub(super) fn check(&self, at: Option<Position>) -> Result<(), GenotypeError> {
        let many = |what, got, max| GenotypeError::TooMany { at, cell: self.name.clone(), what, got, max };
        let empty = |what: &str| GenotypeError::Empty { at, what: format!("cell `{}` has no {what}", self.name) };
        match (self.inputs, self.nodes.len()) {
            (0, _) => return Err(empty("input nodes")),
            (inputs, _) if inputs > MAX_INPUTS => return Err(many("input nodes", inputs, MAX_INPUTS)),
            (_, 0) => return Err(empty("nodes")),
            (_, nodes) if nodes > MAX_NODES => return Err(many("nodes", nodes, MAX_NODES)),
            _ => {}
        }
        for (node, edges) in (self.inputs..).zip(&self.nodes) {
            if edges.is_empty() {
                let what = format!("node {node} of cell `{}` has no inputs", self.name);
                return Err(GenotypeError::Empty { at, what });
            }
            if let Some(edge) = edges.iter().find(|edge| edge.from >= node) {
                return Err(GenotypeError::Source { at, cell: self.name.clone(), node, from: edge.from });
            }
        }
        self.check_concat(at)
    }

    fn check_concat(&self, at: Option<Position>) -> Result<(), GenotypeError> {
        if self.concat.is_empty() {
            let what = format!("cell `{}` has no output: its list of joined nodes is empty", self.name);
            return Err(GenotypeError::Empty { at, what });
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
            return Err(GenotypeError::Concat { at, cell: self.name.clone(), node, problem });
        }
        Ok(())
    }
}
