//! The gates of one pass: which ops each edge runs, and the number that multiplies each op's output.

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

/// The gates of a whole pass, shared by all cells of a kind: `gates.kinds[kind][edge]`.
///
/// Gradients with respect to gates come back in the same shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gates {
    /// Per kind of cell, per edge.
    pub kinds: Vec<Vec<EdgeGates>>,
}

impl Gates {
    /// The same ops, each gate's value replaced by 0: where gradients of a pass are summed.
    pub fn zeros_like(&self) -> Self {
        let zero = |gate: &Gate| Gate { op: gate.op, value: 0.0 };
        Self {
            kinds: self
                .kinds
                .iter()
                .map(|edges| edges.iter().map(|edge| edge.iter().map(zero).collect()).collect())
                .collect(),
        }
    }

    /// Number of (edge, op) pairs that are run in one cell of `kind`; 0 for a kind that is not there.
    pub fn ops_run(&self, kind: usize) -> usize {
        self.kinds.get(kind).map_or(0, |edges| edges.iter().map(Vec::len).sum())
    }
}
