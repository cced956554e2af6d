//! What can be wrong with the inputs of a sample.

/// Why no sample could be drawn or no gradient taken.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum GumbelError {
    /// A table of another shape than the space's.
    #[error(
        "{what} do not have the shape of the search space (one value for each kind of cell, edge and op); make them \
         from the same space"
    )]
    Shape {
        /// `alphas`, `alive ops`, `gate gradients`, `edge parameters` or `edge gradients`.
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
    /// An infinite or NaN parameter of an edge: the architecture update has diverged.
    #[error(
        "the parameter of edge {edge} of cell kind {kind} is {value}; it must be finite: the architecture update has \
         diverged, lower its learning rate"
    )]
    EdgeParameter {
        /// Kind of cell.
        kind: usize,
        /// Edge.
        edge: usize,
        /// The parameter.
        value: f32,
    },
    /// A temperature that is NaN, infinite, negative or (for a sample) 0.
    #[error("temperature {value} does not work in Eq. 5; it must be finite and greater than 0")]
    Temperature {
        /// The temperature.
        value: f64,
    },
    /// A gradient for a gate that the sample does not have.
    #[error(
        "the gate gradients do not belong to this sample: it ran no op {op} on edge {edge} of cell kind {kind}; pass \
         the gradients of the pass that ran this sample's gates"
    )]
    Gate {
        /// Kind of cell.
        kind: usize,
        /// Edge.
        edge: usize,
        /// Index of the op.
        op: usize,
    },
}
