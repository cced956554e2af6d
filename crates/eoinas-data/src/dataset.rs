//! The trait of a data set.

use crate::error::{DataError, Result};
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
    /// Name of each class; a label is an index into it.
    pub classes: Vec<String>,
    /// Channels of an image.
    pub channels: usize,
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// Mean of each channel over the training part, of pixels scaled to 0..1.
    pub mean: Vec<f32>,
    /// Standard deviation of each channel, likewise.
    pub std: Vec<f32>,
    /// Whether an image and its mirror image mean the same (not so for digits).
    pub flip: bool,
    /// What the user should know, a line each: missing records, unofficial hashes, skipped files.
    pub notes: Vec<String>,
}

impl DatasetInfo {
    /// Bytes of one image: height * width * channels.
    pub fn image_len(&self) -> usize {
        self.height * self.width * self.channels
    }

    /// Checks that the description can be worked with.
    ///
    /// # Errors
    /// [`DataError::Info`] when a size is zero, no class is there, or mean and standard deviation are not one finite
    /// number a channel, the latter above zero.
    pub fn validate(&self) -> Result<()> {
        let fail = |reason: &str| Err(DataError::Info { name: self.name.clone(), reason: reason.into() });
        if self.image_len() == 0 {
            return fail("height, width and channels must be above zero");
        }
        if self.classes.is_empty() {
            return fail("there must be at least one class");
        }
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

/// A set of labelled images of one size, read by index from several threads at once.
///
/// ```
/// use eoinas_data::{DataError, Dataset, DatasetInfo};
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
///     fn read(&self, index: usize, pixels: &mut [u8]) -> Result<u32, DataError> {
///         pixels.fill(index as u8);
///         Ok(u32::from(index >= 128))
///     }
/// }
///
/// let greys = Greys(DatasetInfo {
///     name: "greys".into(),
///     classes: vec!["dark".into(), "bright".into()],
///     channels: 1,
///     height: 8,
///     width: 8,
///     mean: vec![0.5],
///     std: vec![0.29],
///     flip: true,
///     notes: vec![],
/// });
/// assert_eq!(greys.label(200)?, 1);
/// # Ok::<(), DataError>(())
/// ```
pub trait Dataset: Send + Sync + Debug {
    /// Names, sizes and constants.
    fn info(&self) -> &DatasetInfo;

    /// Number of images.
    fn len(&self) -> usize;

    /// Writes image `index` into `pixels` (`info().image_len()` bytes, row by row, channels last) and returns its
    /// label.
    ///
    /// # Errors
    /// [`DataError::IndexOutOfRange`], [`DataError::BufferSize`], or whatever keeps the image from being read.
    fn read(&self, index: usize, pixels: &mut [u8]) -> Result<u32>;

    /// The label alone. Implement it where it costs less than reading the image: a split asks for every label.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn label(&self, index: usize) -> Result<u32> {
        self.read(index, &mut vec![0; self.info().image_len()])
    }

    /// The whole picture that image `index` is made of, with its label, for windows that are cut at random
    /// ([`crate::augment::RandomCrop`]). Default: `None`, the image itself is all there is.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn picture(&self, _index: usize) -> Result<Option<(Arc<Picture>, u32)>> {
        Ok(None)
    }

    /// Whether there are no images.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_known_pixels() {
        let (mean, std) = channel_statistics(&[0, 51, 255, 51, 0, 51, 255, 51], 2);
        assert_eq!(mean, [0.5, 0.2]);
        assert_eq!(std, [0.5, 1.0]);
        assert_eq!(channel_statistics(&[], 3), (vec![0.0; 3], vec![1.0; 3]));
    }
}
