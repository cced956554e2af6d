//! One check and one error for every setting of a training.

use eoinas_core::{Schedule, schedule::ScheduleConfig};

use super::config::TrainConfig;
use eoinas_core::Setting;

use crate::config::{batch_size, check_source, keep_checkpoints};

/// A setting of a training that cannot work. One variant a setting; those that a search has too are [`Setting`]s.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TrainConfigError {
    /// A setting that a search has too.
    #[error(transparent)]
    Common(#[from] Setting),
    /// `epochs`
    #[error("epochs is 0; a training needs at least one epoch")]
    Epochs,
    /// `batch_size` against the data.
    #[error(
        "the batch of {batch_size} is larger than the data ({images} training images); choose a batch size of at most \
         {images}, or more images"
    )]
    BatchLargerThanData {
        /// The batch size.
        batch_size: usize,
        /// Training images.
        images: usize,
    },
    /// `accumulate`
    #[error("accumulate is 0; an update needs the gradients of at least one mini-batch")]
    Accumulate,
    /// `data.train_images`
    #[error("train images is {got}; a training needs at least 2")]
    TrainImages {
        /// The value.
        got: usize,
    },
    /// `data.test_images`
    #[error("test images is 0; an evaluation needs at least one, or leave the number out for all")]
    TestImages,
    /// `data.held_out`
    #[error("held-out share is {got}; expected a share of the training images, more than 0 and less than 1")]
    HeldOut {
        /// The value.
        got: f64,
    },
    /// The classes of the test part.
    #[error("the test part has other classes than the training part: {test:?} instead of {train:?}")]
    Classes {
        /// The test part's.
        test: Vec<String>,
        /// The training part's.
        train: Vec<String>,
    },
    /// `augment`
    #[error("augmentation: {0}")]
    Augment(String),
    /// `weights.learning_rate` that becomes negative.
    #[error("learning rate is {got} in epoch {epoch}; it must not be negative")]
    LearningRateNegative {
        /// The value.
        got: f64,
        /// Where.
        epoch: usize,
    },
    /// `drop_path`
    #[error("drop-path is {got}; expected 0 to 1 (exclusive)")]
    DropPath {
        /// The value.
        got: f64,
    },
    /// `auxiliary`
    #[error("auxiliary weight is {got}; expected 0 (no auxiliary head) or a positive number")]
    Auxiliary {
        /// The value.
        got: f64,
    },
    /// `label_smoothing`
    #[error("label smoothing is {got}; expected 0 to 1 (exclusive)")]
    LabelSmoothing {
        /// The value.
        got: f64,
    },
    /// `average`
    #[error("decay of the averaged weights is {got}; expected 0 to 1 (exclusive), 0.999 for example")]
    Average {
        /// The value.
        got: f64,
    },
    /// Number of trials.
    #[error("there is nothing to train: the number of cells and seeds is 0")]
    Trials,
}

type Result<T = (), E = TrainConfigError> = std::result::Result<T, E>;

impl TrainConfig {
    /// Checks every setting that can be judged without the data.
    ///
    /// # Errors
    /// The first setting that cannot work.
    pub fn validate(&self) -> Result {
        check(self.epochs > 0, TrainConfigError::Epochs)?;
        batch_size(self.batch_size)?;
        check(self.accumulate > 0, TrainConfigError::Accumulate)?;
        check_source(self.data.dataset, self.data.dir.as_deref(), self.data.image_size)?;
        if let Some(got) = self.data.train_images {
            check(got >= 2, TrainConfigError::TrainImages { got })?;
        }
        check(self.data.test_images != Some(0), TrainConfigError::TestImages)?;
        if let Some(got) = self.data.held_out {
            check(in_unit(got) && got > 0.0, TrainConfigError::HeldOut { got })?;
        }
        self.network.validate()?;
        self.augment.validate().map_err(|error| TrainConfigError::Augment(error.to_string()))?;
        self.weights.validate()?;
        check_rates(&self.weights.learning_rate, self.epochs)?;
        check(in_unit(self.drop_path), TrainConfigError::DropPath { got: self.drop_path })?;
        let auxiliary = self.auxiliary;
        check(auxiliary.is_finite() && auxiliary >= 0.0, TrainConfigError::Auxiliary { got: auxiliary })?;
        check(in_unit(self.label_smoothing), TrainConfigError::LabelSmoothing { got: self.label_smoothing })?;
        if let Some(got) = self.average {
            check(in_unit(got), TrainConfigError::Average { got })?;
        }
        Ok(keep_checkpoints(self.keep_checkpoints)?)
    }
}

fn check_rates(schedule: &ScheduleConfig, epochs: usize) -> Result {
    (0..epochs).try_for_each(|epoch| {
        let got = schedule.value(epoch as f64, epochs as f64);
        check(got.is_finite() && got >= 0.0, TrainConfigError::LearningRateNegative { got, epoch })
    })
}

fn check(ok: bool, error: impl Into<TrainConfigError>) -> Result {
    if ok { Ok(()) } else { Err(error.into()) }
}

/// 0 up to, but not, 1.
fn in_unit(value: f64) -> bool {
    (0.0..1.0).contains(&value)
}
