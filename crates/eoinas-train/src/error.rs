//! What can end a run with an error.

use std::{
    io,
    path::{Path, PathBuf},
};

use eoinas_core::Setting;

/// Result of this crate.
pub type Result<T, E = TrainError> = std::result::Result<T, E>;

/// Why a run cannot start, go on or end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting that cannot work.
    #[error(transparent)]
    Setting(#[from] Setting),
    /// The images.
    #[error(transparent)]
    Data(Box<eoinas_data::DataError>),
    /// The network, or the folder of a trained one.
    #[error(transparent)]
    Network(#[from] eoinas_nn::NnError),
    /// The sampler.
    #[error(transparent)]
    Sampler(#[from] eoinas_gumbel::GumbelError),
    /// Pruning or derivation.
    #[error(transparent)]
    Pruning(#[from] eoinas_prune::PruningError),
    /// A space, a genotype or a network that cannot be, or a record that cannot be read.
    #[error(transparent)]
    Core(#[from] eoinas_core::CoreError),
    /// Tensors.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A file or folder that cannot be read or written: no permission, no such parent, a full disk.
    #[error("cannot {doing} {path}: {source}; {remedy}", path = path.display(), remedy = remedy(doing))]
    File {
        /// The file or folder.
        path: PathBuf,
        /// `read` or `write`.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Something is there already, and nothing is overwritten.
    #[error("{path} exists already and is not overwritten; resume the run that is there, or choose another folder", path = path.display())]
    Exists {
        /// The file or folder.
        path: PathBuf,
    },
    /// A part of a folder's path is a file, so that there can be no folder.
    #[error("{path} is no folder; move it away, or give another folder (--out)", path = path.display())]
    NoFolder {
        /// The file.
        path: PathBuf,
    },
    /// Another process writes to the folder.
    #[error("{path} is being written by {holder}; wait until that ends, or stop it and go on from what it has saved", path = path.display())]
    Busy {
        /// The folder.
        path: PathBuf,
        /// The process and its machine.
        holder: String,
    },
    /// A part of a study that another process has taken over, as this one gave no sign of life.
    #[error(
        "{path} has been taken over by {holder} (attempt {attempt}), as this process gave no sign of life for too long; nothing \
         of what it does there was touched, and the same command shares what is left", path = path.display()
    )]
    Lost {
        /// The folder of the part's run when it is done.
        path: PathBuf,
        /// The process that has it now, and its machine.
        holder: String,
        /// Its attempt, from 1.
        attempt: u32,
    },
    /// The files of a part of a study were removed while this process worked on it.
    #[error(
        "what there was of {path} has been removed while this process worked on it; the same command begins it anew, or shares it with who has",
        path = path.display()
    )]
    Removed {
        /// The folder of the part's run when it is done.
        path: PathBuf,
    },
    /// The folder of a run that was stopped before its settings were written.
    #[error("{path} holds no run yet: it was stopped before its first checkpoint; start it again as it was started, with this folder", path = path.display())]
    NotBegun {
        /// The folder.
        path: PathBuf,
    },
    /// Settings or a result that are not what the run wrote.
    #[error("{path} was changed or is damaged: {problem}; put it back as it was, or start a new run in another folder", path = path.display())]
    Changed {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A file of a run that does not hold what belongs there.
    #[error("{path} is not valid: {problem}", path = path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line and field, and what is wrong there.
        problem: String,
    },
    /// The images are not those that the run began with.
    #[error(
        "{path} is not what it was when the run began: {what}; put it back as it was, or start a new run with what is \
         there now", path = path.display()
    )]
    OtherData {
        /// The folder of images.
        path: PathBuf,
        /// What differs.
        what: String,
    },
    /// A run's folder without a checkpoint.
    #[error("{path} holds no checkpoint, so there is nothing to resume; move it away and start the run again", path = path.display())]
    NoCheckpoint {
        /// The run's folder.
        path: PathBuf,
    },
    /// A file of a checkpoint that is missing, or not what its manifest says.
    #[error("{path} {problem}; move this checkpoint's folder away to resume from the one before it", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong, with both values where there are two.
        problem: String,
    },
    /// A checkpoint of something else: of another version, another kind of run, another space or network.
    #[error(
        "{path}: {field} is `{got}`, expected `{expected}`: the checkpoint was written by another version or for another \
         run; resume it with what wrote it", path = path.display()
    )]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Name of the field.
        field: &'static str,
        /// What this run needs.
        expected: String,
        /// What the file has.
        got: String,
    },
    /// A checkpoint whose state does not fit the run.
    #[error("{path}: {what} does not fit the search space of this run; the checkpoint belongs to another one", path = path.display())]
    State {
        /// The checkpoint's folder.
        path: PathBuf,
        /// Which part of the state.
        what: String,
    },
    /// A run that is done already.
    #[error("{path} is finished: {result}; there is nothing to resume, start a new run in another folder", path = path.display())]
    Finished {
        /// Its folder.
        path: PathBuf,
        /// What came out: a cell, an accuracy.
        result: String,
    },
    /// A run that is there already has other settings than those that are wanted.
    #[error(
        "{path} holds a run whose {setting} is {there}, not {wanted}; use its settings, or another folder",
        path = path.display()
    )]
    OtherSettings {
        /// The run's folder.
        path: PathBuf,
        /// The first setting that differs.
        setting: String,
        /// Its value there.
        there: String,
        /// The value that is wanted.
        wanted: String,
    },
    /// The very first state has a number that is infinite or none.
    #[error("the run cannot begin: {reason}")]
    NotFinite {
        /// Where it is.
        reason: crate::stop::StopReason,
    },
    /// A training that was to score a genotype stopped before its end.
    #[error("the training in {path} stopped: {reason}; the same search goes on with it", path = path.display())]
    EvaluationStopped {
        /// Its folder.
        path: PathBuf,
        /// Why.
        reason: crate::stop::StopReason,
    },
    /// A training that is to score a genotype is another process's.
    #[error("{holder} works on the training in {path}; the same search goes on when it is done", path = path.display())]
    EvaluatedElsewhere {
        /// Its folder when it is done.
        path: PathBuf,
        /// The process.
        holder: Box<crate::claims::Holder>,
    },
    /// The processes of one run cannot begin or go on together.
    #[error("{what}")]
    Ranks {
        /// Which of them, and what is in the way.
        what: String,
    },
    /// An observer of a user's own.
    #[error("{0}")]
    Observer(String),
}

fn remedy(doing: &str) -> &'static str {
    match doing {
        "read" => "is this the folder of a run?",
        _ => "choose another folder, or free space or mend its permissions and resume the run",
    }
}

impl TrainError {
    /// For a file or folder that cannot be read.
    pub(crate) fn read(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), doing: "read", source }
    }

    /// For a file or folder that cannot be created, written or removed.
    pub(crate) fn write(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::File { path: path.to_owned(), doing: "write", source }
    }

    /// For a file of a run.
    pub(crate) fn invalid(path: &Path, problem: impl ToString) -> Self {
        Self::Invalid { path: path.to_owned(), problem: problem.to_string() }
    }

    /// For a file of a checkpoint.
    pub(crate) fn damaged(path: &Path, problem: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), problem: problem.into() }
    }
}

impl From<eoinas_data::DataError> for TrainError {
    fn from(error: eoinas_data::DataError) -> Self {
        // Larger than the others.
        Self::Data(Box::new(error))
    }
}
