//! What can go wrong with a saved network, told so that a user can put it right.

use std::path::PathBuf;

use eoinas_core::{Setting, TargetKind};

use crate::error::NnError;

/// Shorthand of this module.
pub type Result<T, E = SavedError> = std::result::Result<T, E>;

/// Why a network cannot be saved or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SavedError {
    /// Something is at the place already.
    #[error("{}: is there already and is not overwritten; choose another folder, or move it away", path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
    /// A file that is not there.
    #[error("{}: is missing; a saved network is a folder with network.json and model.safetensors", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file that cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file or folder that cannot be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A `network.json` that is not JSON, or lacks a field.
    #[error("{}: is not the description of a network: {source}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A file of another format or version.
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
    /// A genotype that cannot be read.
    #[error("{}: genotype: {source}", path.display())]
    Genotype {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: eoinas_core::CoreError,
    },
    /// A genotype whose cells make no space.
    #[error("{}: genotype: {source}", path.display())]
    Space {
        /// The file.
        path: PathBuf,
        /// Why.
        source: eoinas_core::CoreError,
    },
    /// A genotype and a skeleton that make no network.
    #[error("{}: {source}", path.display())]
    Network {
        /// The file.
        path: PathBuf,
        /// Why.
        source: eoinas_core::CoreError,
    },
    /// Classes, numbers or labels that do not match the network.
    #[error("{}: {got} {kind} are named, but the network has {expected} outputs", path.display())]
    Outputs {
        /// The file.
        path: PathBuf,
        /// What is named.
        kind: TargetKind,
        /// Outputs of the network.
        expected: usize,
        /// Names.
        got: usize,
    },
    /// Numbers whose scale cannot be.
    #[error("{}: target: {source}", path.display())]
    Target {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: Setting,
    },
    /// Mean and standard deviation that do not match the network.
    #[error("{}: normalisation: {reason}", path.display())]
    Normalisation {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A file of weights that is damaged.
    #[error("{}: is no file of weights, or was cut short: {reason}", path.display())]
    Tensors {
        /// The file.
        path: PathBuf,
        /// The reader's reason.
        reason: String,
    },
    /// Weights of another network.
    #[error("{}: the weights do not fit network.json beside them: {source}", path.display())]
    Weights {
        /// The file of weights.
        path: PathBuf,
        /// The tensor and both shapes.
        source: Box<NnError>,
    },
    /// Weights or running statistics that no network has.
    #[error("{}: {name} has {value}, {problem}; train the network again with a lower learning rate, or fetch the file again", path.display())]
    Value {
        /// The file of weights.
        path: PathBuf,
        /// The tensor.
        name: String,
        /// The first such number.
        value: f32,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A description of a network that is far larger than its weights.
    #[error("{}: holds {got} numbers, network.json describes a network of {expected}", path.display())]
    Size {
        /// The file of weights.
        path: PathBuf,
        /// Parameters of the network.
        expected: u64,
        /// Numbers in the file.
        got: u64,
    },
}
