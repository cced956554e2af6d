//! Genotypes: which ops a found cell has, and their text forms.

use crate::op::Op;

/// One input of a node: an op on the output of an earlier node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenotypeEdge {
    /// The op.
    pub op: Op,
    /// Source node, numbered from the cell's inputs.
    pub from: usize,
}

/// One kind of cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellGenotype {
    /// `normal`, `reduce`, ... as in the search space.
    pub name: String,
    /// Per intermediate node, its inputs. Two inputs may come from the same predecessor (as in NASNet-A) in a genotype
    /// that is read; such a cell is never derived.
    pub nodes: Vec<Vec<GenotypeEdge>>,
    /// Number of input nodes of the cell.
    pub inputs: usize,
    /// Nodes joined into the output.
    pub concat: Vec<usize>,
}

/// A found architecture: one cell for each kind of the space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genotype {
    /// The cells in the order of the space's kinds.
    pub cells: Vec<CellGenotype>,
}
