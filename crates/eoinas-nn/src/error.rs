//! What can go wrong in a network.

/// Result of this crate.
pub type Result<T, E = NnError> = std::result::Result<T, E>;

/// Why a network cannot be built, run, saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NnError {
    /// A kernel refused.
    #[error(transparent)]
    Kernel(#[from] eoinas_kernels::KernelError),
    /// candle's own error.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// An op of the space for which nothing is registered.
    #[error("no operation is registered for op `{op}`; register one with `Operations::register` (known are {known})")]
    UnknownOperation {
        /// Name of the op.
        op: String,
        /// Names that are registered.
        known: String,
    },
    /// Two parameters of the same name.
    #[error("parameter `{name}` is created twice; every parameter of a network needs a name of its own")]
    DuplicateParameter {
        /// Its name.
        name: String,
    },
    /// A parameter that is not there, or not any more.
    #[error("there is no parameter number {index}; it was pruned, or belongs to another network")]
    NoParameter {
        /// Its running number.
        index: usize,
    },
    /// A tensor that the network needs and the map does not have.
    #[error("tensor `{name}` is missing; these weights belong to another network, or to one pruned further")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// A tensor that the network does not have.
    #[error("tensor `{name}` does not belong to this network; it may have been pruned, or be of another space")]
    UnexpectedTensor {
        /// Its name.
        name: String,
    },
    /// A tensor of another shape than the parameter of its name.
    #[error("tensor `{name}` has shape {got:?}, the network needs {expected:?}")]
    TensorShape {
        /// Its name.
        name: String,
        /// Shape in the network.
        expected: Vec<usize>,
        /// Shape in the map.
        got: Vec<usize>,
    },
    /// Images and labels that do not fit the network or each other.
    #[error("the batch does not fit: {what} is {got:?}, expected {expected}")]
    Batch {
        /// Which part of the batch.
        what: &'static str,
        /// What it is.
        got: Vec<usize>,
        /// What was expected.
        expected: String,
    },
    /// Targets that the network's task does not learn.
    #[error("the targets are {got}, expected {expected}; the network's task and the data set have to be of one kind")]
    Targets {
        /// What they are.
        got: String,
        /// What was expected.
        expected: String,
    },
    /// Gates of another shape than the search space.
    #[error("the gates have {got} {what}, the search space has {expected}")]
    GateShape {
        /// Kinds of cell, or edges of one kind.
        what: String,
        /// How many the gates have.
        got: usize,
        /// How many the space has.
        expected: usize,
    },
    /// A gate of an op that is not there.
    #[error("{}: the gates run op {}, which is {why}", id.edge, id.op)]
    Gate {
        /// The op.
        id: eoinas_core::OpId,
        /// `pruned`, `not in the space` or `listed twice`.
        why: &'static str,
    },
    /// Channels that cannot be shared out.
    #[error(
        "{channels} channels cannot be searched by 1/{share}: a share of 2 or more, and a number of channels that is a \
         multiple of twice the share, are needed"
    )]
    PartialChannels {
        /// Channels of the edge.
        channels: usize,
        /// K.
        share: usize,
    },
    /// Alive ops of another space.
    #[error("the alive ops belong to another search space than `{space}`")]
    AliveOps {
        /// The network's space.
        space: String,
    },
    /// A loss of the auxiliary head is wanted of a network without one.
    #[error(
        "`auxiliary_weight` is {weight}, but this network has no auxiliary head; build it with \
             `DerivedNetwork::with_auxiliary`, or set the weight to 0"
    )]
    NoAuxiliary {
        /// The weight that was asked for.
        weight: f32,
    },
    /// A skeleton that cannot be built, a genotype that does not fit the space, or an op that cannot be pruned.
    #[error(transparent)]
    Core(#[from] eoinas_core::CoreError),
    /// A setting that cannot be.
    #[error(transparent)]
    Setting(#[from] eoinas_core::Setting),
    /// An op of a user's own that cannot be described as a graph.
    #[error("`{operation}` does not say what it computes; implement `Operation::trace` for it to export the network")]
    NotExportable {
        /// The operation's type, or the name of its parameters.
        operation: String,
    },
    /// An op got back saved state that is not its own.
    #[error("operation `{operation}` got back state that it did not save in its forward pass")]
    SavedState {
        /// The operation.
        operation: &'static str,
    },
    /// An op that changes the shape in a way the cell does not allow.
    #[error("op `{op}` gave an output of shape {got:?}, expected {expected:?}")]
    OutputShape {
        /// The op's name.
        op: String,
        /// Shape it gave.
        got: Vec<usize>,
        /// Shape it must give.
        expected: Vec<usize>,
    },
    /// A kernel gave no sums for a BatchNorm it was asked about.
    #[error("the node's backward kernel gave no BatchNorm sums; this is a fault of the kernel, please report it")]
    MissingSums,
    /// A node was read after its memory was handed back.
    #[error("a node of the cell is read after it was released; this is a fault of the library, please report it")]
    Released,
    /// A cell without preprocessing whose input has several tensors.
    #[error("a cell without preprocessing reads an output of {got} joined nodes, expected 1")]
    Sources {
        /// How many there are.
        got: usize,
    },
}
