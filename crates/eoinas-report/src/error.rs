//! Why there is no report.

use std::{io, path::PathBuf};

/// What keeps a report from being made. A damaged record is no error: what is missing is said on the page.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// Nothing to read there.
    #[error("{path} has no events.jsonl, and neither has a folder in it; give the folder of a run, or of several", path = path.display())]
    NoRecord {
        /// The folder.
        path: PathBuf,
    },
    /// A record cannot be opened or read.
    #[error(transparent)]
    Record(#[from] eoinas_core::CoreError),
    /// A file or folder cannot be read or written.
    #[error("cannot {doing} {path}: {source}; choose another folder, or see to its permissions and the space that is left", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// `read` or `write`.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A file that is not of an earlier report has the name of one that is to be written.
    #[error("{path} was not written by an earlier report and stays; move it, or choose another folder", path = path.display())]
    Taken {
        /// The file or folder.
        path: PathBuf,
    },
    /// A figure could not be drawn, or not be turned into pixels.
    #[error("cannot draw {figure}: {reason}")]
    Draw {
        /// Which figure.
        figure: String,
        /// What the library said.
        reason: String,
    },
    /// A table of weights and accuracies has a line that is none.
    #[error("{path}, line {line}: expected `name,weight,accuracy`, found `{found}`", path = path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: usize,
        /// The line, cut to 80 characters.
        found: String,
    },
}

impl ReportError {
    pub(crate) fn read(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, doing: "read", source }
    }

    pub(crate) fn write(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, doing: "write", source }
    }
}

pub(crate) type Result<T, E = ReportError> = std::result::Result<T, E>;
