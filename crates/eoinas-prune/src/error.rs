//! What can be wrong with the inputs of pruning and derivation.

/// Why nothing could be recorded, pruned or derived.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PruningError {
    /// A table or gates of another shape than the space's.
    #[error(
        "{what} do not have the shape of the search space (one entry for each kind of cell, edge and op); make them \
         from the same space"
    )]
    Shape {
        /// `alphas`, `alive ops`, `statistics`, `edge strengths`, `scores` or `gates`.
        what: &'static str,
    },
    /// An infinite or NaN alpha of an alive op: the architecture update has diverged.
    #[error(
        "alpha of cell kind {kind}, edge {edge}, op {op} is {value}; alphas must be finite: the architecture update \
         has diverged, lower its learning rate"
    )]
    Alpha {
        /// Kind of cell.
        kind: usize,
        /// Edge.
        edge: usize,
        /// Index of the op.
        op: usize,
        /// The alpha.
        value: f32,
    },
    /// An op that the space does not have.
    #[error("cell kind {kind}, edge {edge} has no op {op}; use indices of the search space the statistics are for")]
    OutOfRange {
        /// Kind of cell.
        kind: usize,
        /// Edge.
        edge: usize,
        /// Index of the op.
        op: usize,
    },
    /// An accuracy that is not a fraction.
    #[error("accuracy {value} is not a fraction; it must lie in 0..=1 (divide percent by 100)")]
    Accuracy {
        /// The accuracy.
        value: f64,
    },
    /// An indicator that is infinite or NaN.
    #[error(
        "indicator {indicator} gives {value} for op `{name}` of cell kind {kind}, edge {edge}; it must be finite, or \
         `None` where there is no evidence"
    )]
    Indicator {
        /// The indicator, as its `Debug` shows it.
        indicator: String,
        /// Kind of cell.
        kind: usize,
        /// Edge.
        edge: usize,
        /// Name of the op.
        name: String,
        /// The value.
        value: f64,
    },
    /// A setting that cannot work.
    #[error("{field} is {got}; it must be {expected}")]
    Config {
        /// The setting.
        field: &'static str,
        /// Its value.
        got: f64,
        /// What would do.
        expected: &'static str,
    },
    /// Every edge into a node has nothing but ops whose output is zero.
    #[error(
        "cell `{cell}`, node {node}: every edge into it has only ops whose output is zero, so no input can be derived; \
         keep another op alive on one of them"
    )]
    NothingToDerive {
        /// Kind of cell, by name.
        cell: String,
        /// The node.
        node: usize,
    },
    /// An op to be kept that is not there.
    #[error("op {op} of cell kind {kind}, edge {edge} is not alive, so the edge cannot keep it; choose one that is")]
    NotAlive {
        /// Kind of cell.
        kind: usize,
        /// Edge.
        edge: usize,
        /// Index of the op.
        op: usize,
    },
    /// An op that may not be pruned.
    #[error(transparent)]
    Core(#[from] eoinas_core::CoreError),
}
