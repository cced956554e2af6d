//! The gates of one pass: which ops each edge runs, and the number that multiplies each op's output.

use crate::space::{CellKind, EdgeMap};

/// One op that an edge runs and its gate, `h` of the paper's Eq. 5 or 1 in a hard sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gate {
    /// Index into the space's ops.
    pub op: usize,
    /// What the op's output is multiplied by.
    pub value: f32,
}

/// The ops that one edge runs. Empty: the edge contributes nothing and nothing is run.
pub type EdgeGates = Vec<Gate>;

/// The gates of a whole pass, shared by all cells of a kind.
///
/// Gradients with respect to gates come back in the same shape.
pub type Gates = EdgeMap<EdgeGates>;

impl Gates {
    /// The same ops, each gate's value replaced by 0: where gradients of a pass are summed.
    pub fn zeros_like(&self) -> Self {
        self.map(|edge| edge.iter().map(|gate| Gate { op: gate.op, value: 0.0 }).collect())
    }

    /// Number of (edge, op) pairs that are run in one cell of `kind`; 0 for a kind that is not there.
    pub fn ops_run(&self, kind: CellKind) -> usize {
        self.kind(kind).iter().map(Vec::len).sum()
    }
}
