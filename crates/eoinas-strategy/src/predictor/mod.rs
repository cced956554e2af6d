//! How good a cell will be, told from its text alone by what trained cells came to.

mod darts;
mod fit;

use std::collections::BTreeMap;

use eoinas_core::{Genotype, SearchSpace};
use serde::{Deserialize, Serialize};

pub use fit::TrainedCell;

/// A linear performance predictor: a cell is worth the sum of what its choices are worth. A choice is an op with what it reads,
/// an input of the cell or one of its nodes, and is worth the same wherever it stands in cells of its kind.
///
/// What it says is about cells that cost the same: [`LinearPredictor::fit`] takes out what multiply-adds explain.
///
/// ```
/// use eoinas_core::zoo;
/// use eoinas_strategy::LinearPredictor;
/// let predictor = LinearPredictor::darts();
/// let worth = |name| predictor.predict(&zoo::find(name).unwrap().genotype());
/// // Skip connections from the cell's inputs beside separable convolutions, against a cell with many poolings.
/// assert!(worth("darts-v2") > worth("nasnet-a"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearPredictor {
    /// One table for each kind of cell, in the order of the space.
    kinds: Vec<BTreeMap<String, Worth>>,
}

/// What an op is worth, in points of accuracy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Worth {
    /// Where it reads an input of the cell.
    pub of_input: f64,
    /// Where it reads an intermediate node.
    pub of_node: f64,
}

impl LinearPredictor {
    /// What it expects of a cell: differences between two cells are points of accuracy, the level says nothing. Ops that it does
    /// not know are worth 0.
    pub fn predict(&self, genotype: &Genotype) -> f64 {
        let mut sum = 0.0;
        for (cell, worth) in genotype.cells.iter().zip(&self.kinds) {
            for input in cell.nodes.iter().flatten() {
                let worth = worth.get(input.op.name()).copied().unwrap_or_default();
                sum += if input.from < cell.inputs { worth.of_input } else { worth.of_node };
            }
        }
        sum
    }

    /// What an op of a kind of cell is worth, if it is known.
    pub fn worth(&self, kind: usize, op: &str) -> Option<Worth> {
        self.kinds.get(kind)?.get(op).copied()
    }

    /// Whether it knows every op that a cell of this space can have, in cells of as many kinds.
    pub fn covers(&self, space: &SearchSpace) -> bool {
        space.cells().len() == self.kinds.len()
            && space
                .cells()
                .iter()
                .zip(&self.kinds)
                .all(|(cell, worth)| cell.genotype_ops(space.ops()).iter().all(|op| worth.contains_key(op.name())))
    }
}
