//! What can be wrong with a checkpoint.

use std::{io, path::PathBuf};

/// A checkpoint that cannot be written or read. Every variant names the file and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// A file or folder cannot be created, written or synced; a full disk ends here.
    #[error("cannot write {path}: {source}; free space or fix its permissions, then go on with --resume", path = path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A tensor cannot be brought into a file or out of one.
    #[error("{path}: {message}", path = path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        message: String,
    },
    /// A state that JSON cannot hold.
    #[error("{path}: the state cannot be written as JSON: {source}", path = path.display())]
    Serialise {
        /// The file.
        path: PathBuf,
        /// What was wrong.
        source: serde_json::Error,
    },
    /// The folder holds no checkpoint.
    #[error("{path} holds no checkpoint, so there is nothing to resume; start the run again", path = path.display())]
    None {
        /// The folder of the run.
        path: PathBuf,
    },
    /// A file that the manifest lists, or the manifest itself, is not there.
    #[error("{path} is missing; {REPAIR}", path = path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// A file has another length or another hash than the manifest says.
    #[error("{path}: {field} is {got}, the manifest says {expected}: the file is damaged; {REPAIR}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// `bytes` or `sha256`.
        field: &'static str,
        /// What the manifest says.
        expected: String,
        /// What the file has.
        got: String,
    },
    /// A JSON file that does not parse or lacks a field.
    #[error("{path} is not what a checkpoint has there: {source}; {REPAIR}", path = path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// Line, column and field.
        source: serde_json::Error,
    },
    /// Written by something else, by another version, for another kind of run or another space.
    #[error(
        "{path}: {field} is `{got}`, expected `{expected}`: the checkpoint was written by another version or for another \
         run; resume it with what wrote it", path = path.display()
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Name of the field.
        field: &'static str,
        /// What this program needs.
        expected: String,
        /// What the file has.
        got: String,
    },
    /// A folder of that name is there already: nothing is overwritten.
    #[error("{path} is there already and is not overwritten; move it away and resume", path = path.display())]
    Exists {
        /// The folder.
        path: PathBuf,
    },
}

const REPAIR: &str = "move this checkpoint's folder away to resume from the one before it";

pub(crate) type Result<T, E = CheckpointError> = std::result::Result<T, E>;
