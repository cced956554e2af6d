//! What can go wrong with data, told so that a user can put it right.

use std::path::PathBuf;

/// A data set, a split or a batch that could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A folder that should hold a data set is not there, or holds none.
    #[error("{}: no {what} here: {reason}; {hint}", path.display())]
    NotFound {
        /// The folder that was given.
        path: PathBuf,
        /// What was looked for.
        what: &'static str,
        /// What is missing.
        reason: String,
        /// What to do.
        hint: String,
    },
    /// A file or folder that could not be read.
    #[error("{}: cannot be read: {source}; check that it exists and that you may read it", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file with nothing in it.
    #[error("{}: holds no images; expected {expected}; fetch it again", path.display())]
    Empty {
        /// The file or folder.
        path: PathBuf,
        /// What it should hold.
        expected: String,
    },
    /// A file that ends inside a record.
    #[error(
        "{}: truncated: the record at byte {offset} has {got} of {expected} bytes; the file was cut short or is not \
         {format}; fetch it again", path.display()
    )]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where the broken record begins.
        offset: u64,
        /// Bytes of a whole record.
        expected: u64,
        /// Bytes that are there.
        got: u64,
        /// The format that was expected.
        format: &'static str,
    },
    /// A label that names no class.
    #[error(
        "{}: label {label} at byte {offset} (record {record}) is out of range: the classes are 0 to {}; the file is \
         damaged or is not {format}", path.display(), classes.saturating_sub(1)
    )]
    LabelOutOfRange {
        /// The file.
        path: PathBuf,
        /// Where the label is.
        offset: u64,
        /// Which record, from 0.
        record: u64,
        /// The label that was found.
        label: u32,
        /// Number of classes.
        classes: usize,
        /// The format that was expected.
        format: &'static str,
    },
    /// A file of another format.
    #[error("{}: not {format}: at byte {offset} {got} instead of {expected}; {hint}", path.display())]
    WrongFormat {
        /// The file.
        path: PathBuf,
        /// The format that was expected.
        format: &'static str,
        /// Where the difference is.
        offset: u64,
        /// What should be there.
        expected: String,
        /// What is there.
        got: String,
        /// What to do.
        hint: String,
    },
    /// Images and labels that do not belong together.
    #[error("{}: {images} images but {labels} labels; the two files must come from the same part", path.display())]
    CountMismatch {
        /// The file of labels.
        path: PathBuf,
        /// Number of images.
        images: u64,
        /// Number of labels.
        labels: u64,
    },
    /// An image that could not be decoded.
    #[error("{}: unreadable image: {reason}; repair or remove it, or let unreadable images be skipped", path.display())]
    Image {
        /// The image.
        path: PathBuf,
        /// The decoder's reason.
        reason: String,
    },
    /// A description of a data set that contradicts itself.
    #[error("data set `{name}`: {reason}")]
    Info {
        /// Name of the data set.
        name: String,
        /// What contradicts what.
        reason: String,
    },
    /// An image that the data set does not have.
    #[error("image {index} does not exist: the data set has {len}; use indices 0 to {}", len.saturating_sub(1))]
    IndexOutOfRange {
        /// The index that was asked for.
        index: usize,
        /// Number of images.
        len: usize,
    },
    /// A buffer of the wrong size for an image.
    #[error("the pixel buffer has {got} bytes, an image of this data set needs {expected}")]
    BufferSize {
        /// Bytes needed.
        expected: usize,
        /// Bytes given.
        got: usize,
    },
    /// Fewer images than are asked for.
    #[error("{wanted} images asked for, but there are {available}; {hint}")]
    TooFewImages {
        /// How many are needed.
        wanted: usize,
        /// How many there are.
        available: usize,
        /// What to do.
        hint: &'static str,
    },
    /// A setting that cannot work.
    #[error("{field} = {got} is not possible: {expected}")]
    Config {
        /// Name of the setting.
        field: &'static str,
        /// Its value.
        got: String,
        /// What it should be.
        expected: String,
    },
    /// A loading thread could not be started.
    #[error("loading thread {thread} could not be started: {source}; use fewer threads")]
    Spawn {
        /// Number of the thread.
        thread: usize,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A loading thread ended before its work was done.
    #[error("a loading thread stopped before batch {batch}: the data set's `read` panicked; its message is above")]
    WorkerGone {
        /// The batch that is missing.
        batch: usize,
    },
}

/// Shorthand of this crate.
pub type Result<T, E = DataError> = std::result::Result<T, E>;
