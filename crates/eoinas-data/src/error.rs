//! What can go wrong with data, told so that a user can put it right.

use std::{io, path::PathBuf};

use eoinas_core::Setting;

/// A data set, a split, a batch or an archive that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A setting that cannot work.
    #[error(transparent)]
    Setting(#[from] Setting),
    /// A file or folder that could not be read or written.
    #[error("{}: cannot be {doing}: {source}{}", path.display(), advice(source))]
    File {
        /// The file or folder.
        path: PathBuf,
        /// `read` or `written`.
        doing: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A folder or file that should hold something and does not.
    #[error("{}: no {what} here: {reason}; {hint}", path.display())]
    NotFound {
        /// The folder or file.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// What is missing.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A file with something else in it than its format says.
    #[error("{}: at byte {offset}: {problem}; the file is damaged, or it is not {format}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What is there, and what should be.
        problem: String,
        /// The format that was expected.
        format: &'static str,
    },
    /// An image that could not be decoded.
    #[error("{}: unreadable image: {reason}; repair or remove it, or set `skip_unreadable`", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// The decoder's reason.
        reason: String,
    },
    /// A row of a table of pictures that cannot be used.
    #[error("{}: line {line}: {problem}", path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is there, what was expected and what to do.
        problem: String,
    },
    /// A data set that contradicts itself.
    #[error("data set `{name}`: {problem}")]
    Set {
        /// Name of the data set.
        name: String,
        /// What contradicts what.
        problem: String,
    },
    /// A sample that the data set does not have.
    #[error("sample {index} does not exist: the data set has {len}; use indices 0 to {}", len.saturating_sub(1))]
    Index {
        /// The index that was asked for.
        index: usize,
        /// Number of samples.
        len: usize,
    },
    /// A buffer that a sample does not fit into.
    #[error("the buffer has {got}; a sample of this data set needs {expected}")]
    Buffer {
        /// What is needed.
        expected: String,
        /// What was given.
        got: String,
    },
    /// Fewer samples than are asked for.
    #[error("{wanted} images are needed, but there are {available}; {hint}")]
    TooFew {
        /// How many are needed.
        wanted: usize,
        /// How many there are.
        available: usize,
        /// What to do.
        hint: &'static str,
    },
    /// A loading thread that could not be started, or that ended before its work was done.
    #[error("loading: {problem}")]
    Thread {
        /// Which, why, and what to do.
        problem: String,
    },
    /// An archive that could not be fetched.
    #[error("{from}: {problem}")]
    Download {
        /// Its address, or the file that it is written to.
        from: String,
        /// What went wrong, and what to do.
        problem: String,
    },
}

/// Shorthand of this crate.
pub type Result<T, E = DataError> = std::result::Result<T, E>;

/// What to do about a reason of the system's, where that helps.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; check that it exists",
        io::ErrorKind::PermissionDenied => "; check that you may do that",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; make room there",
        _ => "",
    }
}

impl DataError {
    pub(crate) fn buffer(expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self::Buffer { expected: expected.into(), got: got.into() }
    }

    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, doing: "read", source }
    }
}

/// What is wrong with a label that names no class.
pub(crate) fn label_out_of_range(label: u32, record: usize, classes: usize) -> String {
    format!("label {label} (record {record}) is out of range: the classes are 0 to {}", classes.saturating_sub(1))
}
