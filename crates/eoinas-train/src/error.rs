//! What can end a run with an error.

use std::path::PathBuf;

use eoinas_core::Setting;

use crate::{checkpoint::CheckpointError, observer::ObserverError, run_dir::RunDirError};

/// Result of this crate.
pub type Result<T, E = TrainError> = std::result::Result<T, E>;

/// Why a run cannot start, go on or end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting that cannot work.
    #[error(transparent)]
    Setting(#[from] Setting),
    /// A setting of a training that cannot work.
    #[error(transparent)]
    TrainConfig(#[from] crate::training::TrainConfigError),
    /// The kinds of cell of a genotype.
    #[error(transparent)]
    Space(#[from] eoinas_core::space::SpaceError),
    /// The images.
    #[error(transparent)]
    Data(#[from] eoinas_data::DataError),
    /// The network.
    #[error(transparent)]
    Network(#[from] eoinas_nn::NnError),
    /// The sampler.
    #[error(transparent)]
    Sampler(#[from] eoinas_gumbel::GumbelError),
    /// Pruning or derivation.
    #[error(transparent)]
    Pruning(#[from] eoinas_prune::PruningError),
    /// The found genotype.
    #[error(transparent)]
    Genotype(#[from] eoinas_core::genotype::GenotypeError),
    /// A network that cannot be built.
    #[error(transparent)]
    Core(#[from] eoinas_core::CoreError),
    /// The folder of a trained network.
    #[error(transparent)]
    Saved(Box<eoinas_nn::saved::SavedError>),
    /// The run's folder.
    #[error(transparent)]
    RunDir(#[from] RunDirError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The record or another observer.
    #[error(transparent)]
    Observer(#[from] ObserverError),
    /// Tensors.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
    /// A run that is done already.
    #[error("{path} is finished: {genotype}; there is nothing to resume, start a new run for another search", path = path.display())]
    Finished {
        /// Its folder.
        path: PathBuf,
        /// The cell that it found.
        genotype: String,
    },
    /// A training that is done already.
    #[error(
        "{path} is finished with {:.2} % on the test images; there is nothing to resume, start a new run for another \
         training", 100.0 * accuracy, path = path.display()
    )]
    TrainingFinished {
        /// Its folder.
        path: PathBuf,
        /// Top-1 accuracy, 0 to 1.
        accuracy: f64,
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
    /// A training that was to score a genotype stopped before its end.
    #[error("the training in {path} stopped: {reason}; the same search goes on with it", path = path.display())]
    EvaluationStopped {
        /// Its folder.
        path: PathBuf,
        /// Why.
        reason: crate::stop::StopReason,
    },
    /// A checkpoint whose state does not fit the run.
    #[error("{path}: {what} does not fit the search space of this run; the checkpoint belongs to another one", path = path.display())]
    State {
        /// The checkpoint's folder.
        path: PathBuf,
        /// Which part of the state.
        what: String,
    },
    /// A data set that this build cannot read.
    #[error("this program was built without {what}; build it with the feature `{feature}`")]
    Feature {
        /// What is missing.
        what: String,
        /// The cargo feature that brings it.
        feature: &'static str,
    },
    /// The device cannot be used.
    #[error("device `{device}`: {reason}")]
    Device {
        /// As the user named it.
        device: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Worker threads cannot be started.
    #[error("{threads} worker threads cannot be started: {reason}; choose another --threads")]
    Threads {
        /// How many.
        threads: usize,
        /// What the system said.
        reason: String,
    },
}

impl From<eoinas_nn::saved::SavedError> for TrainError {
    fn from(error: eoinas_nn::saved::SavedError) -> Self {
        // Far larger than the others.
        Self::Saved(Box::new(error))
    }
}
