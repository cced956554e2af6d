//! What can go wrong in an export.

use std::path::PathBuf;

/// Shorthand of this crate.
pub type Result<T, E = OnnxError> = std::result::Result<T, E>;

/// Why a network cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The network has no graph.
    #[error(transparent)]
    Network(#[from] eoinas_nn::NnError),
    /// Weights that cannot be read.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// An operation that this version does not write.
    #[error("the graph has an operation that is not exported: {operation}")]
    Unsupported {
        /// The operation.
        operation: String,
    },
    /// Mean and standard deviation of other images.
    #[error("the normalisation has {got} channels, the network's images have {expected}")]
    Normalisation {
        /// Channels of the images.
        expected: usize,
        /// Channels of the normalisation.
        got: usize,
    },
    /// A network that does not fit into one file.
    #[error("the network has {bytes} bytes of weights; an ONNX file holds less than {max}")]
    TooLarge {
        /// Bytes of all weights.
        bytes: usize,
        /// The limit of the format.
        max: usize,
    },
    /// Something is at the place already.
    #[error("{}: is there already and is not overwritten; choose another name, or move it away", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file that cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}
