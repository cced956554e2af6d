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
    /// A setting that does not fit the network.
    #[error(transparent)]
    Setting(#[from] eoinas_core::Setting),
    /// A network that an ONNX file cannot hold.
    #[error("the network cannot be written as ONNX: {problem}")]
    Graph {
        /// The operation that is not exported, or how much too large it is.
        problem: String,
    },
    /// Something is at the place already.
    #[error("{}: is there already and is not overwritten; choose another name, or move it away", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file that cannot be written.
    #[error("{}: cannot be written: {source}; see to the folder, its permissions and the space that is left", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}
