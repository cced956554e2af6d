//! What can go wrong in a network.

use std::path::{Path, PathBuf};

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
    /// Weights of another network: a tensor that is missing, that no parameter has the name of, or of another shape.
    #[error("tensor `{name}` {problem}")]
    Tensor {
        /// Its name.
        name: String,
        /// Why it does not fit, with both shapes where they differ.
        problem: String,
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
    /// The pass was asked to end before its last layer; whatever it was to find is not known, and running statistics may have moved.
    #[error("the pass was asked to stop before its end")]
    Stopped,
    /// A fault of the library: a value that has to be there is not.
    #[error("{0}; this is a fault of the library, please report it")]
    Fault(&'static str),
    /// A graph is asked for a value that is not one of its own, or an operation of it has no input.
    #[error("the graph has no such value; an operation's inputs are values of the same graph, one at least")]
    NoValue,
    /// A cell without preprocessing whose input has several tensors.
    #[error("a cell without preprocessing reads an output of {got} joined nodes, expected 1")]
    Sources {
        /// How many there are.
        got: usize,
    },
    /// Something is at the place of a network that is to be saved.
    #[error("{}: is there already and is not overwritten; choose another folder, or move it away", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A file of a saved network that is not there.
    #[error("{}: is missing; a saved network is a folder with network.json and model.safetensors", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file or folder of a saved network that cannot be read or written.
    #[error("{}: cannot be {done}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// `read` or `written`.
        done: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Something that several processes cannot share.
    #[error("{what} cannot be shared by several processes: run it in one")]
    Shared {
        /// The op, or what else it is.
        what: String,
    },
    /// A saved network of another format or version.
    #[error("{}: {field} is {got}, this version of the library reads {expected}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// `format` or `version`.
        field: &'static str,
        /// What is read.
        expected: String,
        /// What is there.
        got: String,
    },
    /// A `network.json` that is damaged, or describes what cannot be.
    #[error("{}: {problem}", path.display())]
    Description {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Weights of a saved network that are damaged, that no network has, or that another one has.
    #[error("{}: {problem}", path.display())]
    Weights {
        /// The file of weights.
        path: PathBuf,
        /// What is wrong with them, with the tensor's name where it is one.
        problem: String,
    },
}

impl NnError {
    pub(crate) fn description(path: &Path, problem: impl ToString) -> Self {
        Self::Description { path: path.to_owned(), problem: problem.to_string() }
    }

    pub(crate) fn weights(path: &Path, problem: impl ToString) -> Self {
        Self::Weights { path: path.to_owned(), problem: problem.to_string() }
    }
}
