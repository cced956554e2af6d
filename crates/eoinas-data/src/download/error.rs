//! What can go wrong with a download.

use std::path::PathBuf;

/// An archive that could not be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// No connection.
    #[error(
        "{url}: the server cannot be reached: {reason}; check the network, or fetch the archive by other means and \
         unpack it into the data folder"
    )]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        reason: String,
    },
    /// The server answered with something else than the archive.
    #[error("{url}: the server answered with status {status}; the archive may have moved: fetch it by other means")]
    Status {
        /// The address.
        url: String,
        /// HTTP status.
        status: u16,
    },
    /// The transfer broke off, and again when tried anew.
    #[error("{url}: broke off after {done} of {} bytes: {reason}; call again to go on from there", total.map_or("unknown".into(), |t| t.to_string()))]
    Interrupted {
        /// The address.
        url: String,
        /// Bytes that are here.
        done: u64,
        /// All bytes, where known.
        total: Option<u64>,
        /// Why.
        reason: String,
    },
    /// The bytes are not those of the archive.
    #[error("{url}: MD5 {got} instead of {expected}; what was fetched has been removed: try again")]
    Checksum {
        /// The address.
        url: String,
        /// The official hash.
        expected: String,
        /// The hash of what came.
        got: String,
    },
    /// Another process downloads the same archive.
    #[error("{}: another process is downloading it; wait for it to end", path.display())]
    Busy {
        /// The file that is being written.
        path: PathBuf,
    },
    /// The archive does not hold the folder that it should.
    #[error("{}: holds no folder `{folder}`; remove it and try again", path.display())]
    NoFolder {
        /// The archive.
        path: PathBuf,
        /// The folder that was expected.
        folder: String,
    },
    /// A file that could not be written or read: no space, no permission.
    #[error("{}: {source}; check the space that is left and the permissions", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}
