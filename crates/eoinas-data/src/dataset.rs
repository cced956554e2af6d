//! The trait of a data set.

use crate::error::{DataError, Result};
use crate::values::{Samples, ValueKind, Values};
use eoinas_core::{Target, TargetInfo};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::sync::Arc;

/// Which of a data set's two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// The images that a search and a training may look at.
    Train,
    /// The images that only the final evaluation looks at.
    Test,
}

impl Part {
    /// `train` or `test`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Test => "test",
        }
    }
}

/// What a data set is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// Short name, as used on a command line.
    pub name: String,
    /// What is to be said of a sample: its class, numbers or labels.
    pub target: TargetInfo,
    /// What a sample's numbers are. Default: bytes.
    #[serde(default)]
    pub values: ValueKind,
    /// Channels of a sample.
    pub channels: usize,
    /// Rows of a sample; 1 for signals.
    pub height: usize,
    /// Columns of a sample.
    pub width: usize,
    /// Mean of each channel over the training part: of bytes scaled to 0..1, of floats as they are.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel, likewise.
    pub std: Vec<f32>,
    /// Whether an image and its mirror image mean the same (not so for digits).
    pub flip: bool,
    /// What the user should know, a line each: missing records, unofficial hashes, skipped files.
    pub notes: Vec<String>,
}

impl DatasetInfo {
    /// Numbers of one sample: height * width * channels.
    pub fn image_len(&self) -> usize {
        self.height.saturating_mul(self.width).saturating_mul(self.channels)
    }

    /// Whether a sample is a single row or column: a signal and no picture.
    pub fn is_signal(&self) -> bool {
        self.height == 1 || self.width == 1
    }

    /// Names of the classes.
    ///
    /// # Errors
    /// [`DataError::Set`]: the data set has no classes but another kind of target.
    pub fn classes(&self) -> Result<&[String]> {
        self.target.classes().ok_or_else(|| {
            let kind = self.target.kind();
            self.wrong(format!("its targets are {kind}; classes are needed"))
        })
    }

    pub(crate) fn wrong(&self, problem: impl Into<String>) -> DataError {
        DataError::Set { name: self.name.clone(), problem: problem.into() }
    }

    /// Checks that the description can be worked with.
    ///
    /// # Errors
    /// [`DataError::Set`] when a size is zero, the targets cannot be, or mean and standard deviation are not one finite
    /// number a channel, the latter above zero.
    pub fn validate(&self) -> Result<()> {
        let fail = |problem: &str| Err(self.wrong(problem));
        if self.image_len() == 0 {
            return fail("height, width and channels must be above zero");
        }
        self.target.validate().map_err(|wrong| self.wrong(wrong.to_string()))?;
        if self.mean.len() != self.channels || self.std.len() != self.channels {
            return fail("mean and std need one number per channel");
        }
        if !self.mean.iter().all(|m| m.is_finite()) || !self.std.iter().all(|s| s.is_finite() && *s > 0.0) {
            return fail("mean must be finite, std finite and above zero");
        }
        Ok(())
    }
}

/// A picture of a size of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// \[height, width, channels\], with the channels of the data set.
    pub pixels: Vec<u8>,
}

/// A set of samples of one size with their targets, read by index from several threads at once: pictures or signals,
/// bytes or floats, classes or other targets, as [`DatasetInfo`] says.
///
/// ```
/// use eoinas_core::{Target, TargetInfo};
/// use eoinas_data::{DataError, Dataset, DatasetInfo, ValueKind, Values};
///
/// /// Two classes: dark and bright grey images.
/// #[derive(Debug)]
/// struct Greys(DatasetInfo);
///
/// impl Dataset for Greys {
///     fn info(&self) -> &DatasetInfo {
///         &self.0
///     }
///     fn len(&self) -> usize {
///         256
///     }
///     fn read(&self, index: usize, values: Values<'_>) -> Result<Target, DataError> {
///         values.bytes()?.fill(index as u8);
///         Ok(Target::Class(u32::from(index >= 128)))
///     }
/// }
///
/// let greys = Greys(DatasetInfo {
///     name: "greys".into(),
///     target: TargetInfo::Classes(vec!["dark".into(), "bright".into()]),
///     values: ValueKind::Bytes,
///     channels: 1,
///     height: 8,
///     width: 8,
///     mean: vec![0.5],
///     std: vec![0.29],
///     flip: true,
///     notes: vec![],
/// });
/// assert_eq!(greys.target(200)?, Target::Class(1));
/// # Ok::<(), DataError>(())
/// ```
pub trait Dataset: Send + Sync + Debug {
    /// Names, sizes and constants.
    fn info(&self) -> &DatasetInfo;

    /// Number of samples.
    fn len(&self) -> usize;

    /// Writes sample `index` into `values` (`info().image_len()` numbers of the kind `info().values`, row by row, channels
    /// last) and returns its target.
    ///
    /// # Errors
    /// [`DataError::Index`], [`DataError::Buffer`], or whatever keeps the sample from being read.
    fn read(&self, index: usize, values: Values<'_>) -> Result<Target>;

    /// The target alone. Implement it where it costs less than reading the sample: a split asks for every class.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn target(&self, index: usize) -> Result<Target> {
        let info = self.info();
        self.read(index, Samples::zeros(info.values, info.image_len()).as_values())
    }

    /// The whole picture that sample `index` is made of, with its target, for windows that are cut at random
    /// ([`crate::augment::RandomCrop`]). Default: `None`, the sample itself is all there is.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn picture(&self, _index: usize) -> Result<Option<(Arc<Picture>, Target)>> {
        Ok(None)
    }

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Mean and standard deviation of each channel of `pixels` (channels last), scaled to 0..1. A channel that is constant
/// gets the standard deviation 1, so that dividing by it is harmless.
pub fn channel_statistics(pixels: &[u8], channels: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut sums, mut squares) = (vec![0u64; channels], vec![0u64; channels]);
    for pixel in pixels.chunks_exact(channels.max(1)) {
        for ((sum, square), &value) in sums.iter_mut().zip(&mut squares).zip(pixel) {
            *sum += u64::from(value);
            *square += u64::from(value) * u64::from(value);
        }
    }
    let count = (pixels.len() / channels.max(1)).max(1) as f64;
    sums.iter()
        .zip(&squares)
        .map(|(&sum, &square)| {
            let mean = sum as f64 / count / 255.0;
            let std = (square as f64 / count / (255.0 * 255.0) - mean * mean).max(0.0).sqrt();
            (mean as f32, if std > 1e-6 { std as f32 } else { 1.0 })
        })
        .unzip()
}

/// Mean and standard deviation of each channel of floats (channels last), as they are. A channel that is constant gets the
/// standard deviation 1.
pub fn float_statistics(values: &[f32], channels: usize) -> (Vec<f32>, Vec<f32>) {
    let channels = channels.max(1);
    let count = (values.len() / channels).max(1) as f64;
    let of = |channel: usize| values.iter().skip(channel).step_by(channels).map(|value| f64::from(*value));
    let channel = |channel| {
        let mean = of(channel).sum::<f64>() / count;
        let std = (of(channel).map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt() as f32;
        (mean as f32, if std > f32::MIN_POSITIVE { std } else { 1.0 })
    };
    (0..channels).map(channel).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_known_pixels() {
        let (mean, std) = channel_statistics(&[0, 51, 255, 51, 0, 51, 255, 51], 2);
        assert_eq!(mean, [0.5, 0.2]);
        assert_eq!(std, [0.5, 1.0]);
        assert_eq!(channel_statistics(&[], 3), (vec![0.0; 3], vec![1.0; 3]));
        assert_eq!(float_statistics(&[-1.0, 7.0, 3.0, 7.0], 2), (vec![1.0, 7.0], vec![2.0, 1.0]));
        assert_eq!(float_statistics(&[], 2), (vec![0.0; 2], vec![1.0; 2]));
    }
}
