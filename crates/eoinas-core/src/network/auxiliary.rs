//! The auxiliary head of retraining: a small classifier in the middle of the network that helps it to learn.

use super::NetworkSpec;
use crate::setting::Setting;
use crate::skeleton::Skeleton;

/// Rows and columns of the head's average pool.
const POOL: usize = 5;
/// Rows and columns of its second convolution.
const KERNEL: usize = 2;

/// Shape of the auxiliary head as the DARTS code has it: ReLU, 5x5 average pool without padding, 1x1 convolution,
/// BatchNorm, ReLU, 2x2 convolution without padding, BatchNorm, ReLU, linear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auxiliary {
    /// The feature that it reads: that of the cell at 2L/3.
    pub feature: usize,
    /// Channels of that feature.
    pub input_channels: usize,
    /// Height and width of that feature in pixels.
    pub input_size: (usize, usize),
    /// Step of the average pool: 3, or 2 in the ImageNet form.
    pub pool_stride: usize,
    /// Channels of the two convolutions: 128 and 768.
    pub widths: (usize, usize),
    /// Whether a BatchNorm follows the second convolution. The published ImageNet head has none there (its authors call
    /// that a slip and left it, for their numbers to hold), and so has this one.
    pub last_norm: bool,
    /// Length of the output.
    pub classes: usize,
}

impl Auxiliary {
    /// The head with the published widths of a network of this skeleton, behind a feature of these channels and this
    /// height and width.
    pub fn behind(skeleton: &Skeleton, (feature, input_channels, input_size): (usize, usize, (usize, usize))) -> Self {
        let rules = skeleton.rules();
        Self {
            feature,
            input_channels,
            input_size,
            pool_stride: rules.auxiliary_stride,
            widths: (128, 768),
            last_norm: rules.auxiliary_norm,
            classes: skeleton.classes,
        }
    }

    /// Height and width behind the pool.
    pub fn pooled_size(&self) -> (usize, usize) {
        let pooled = |side: usize| side.saturating_sub(POOL) / self.pool_stride.max(1) + 1;
        (pooled(self.input_size.0), pooled(self.input_size.1))
    }

    /// Height and width behind the second convolution: 1x1 for the published networks. Where more is left, the linear
    /// layer reads the average.
    pub fn output_size(&self) -> (usize, usize) {
        let (height, width) = self.pooled_size();
        ((height + 1).saturating_sub(KERNEL), (width + 1).saturating_sub(KERNEL))
    }
}

impl NetworkSpec {
    /// The auxiliary head of this network: behind the cell at 2L/3, where the CIFAR form has 8x8 pixels for images of
    /// 32x32 and the ImageNet form 7x7 for images of 224x224.
    ///
    /// ```
    /// use eoinas_core::{NetworkSpec, SearchSpace, Skeleton};
    /// let network = NetworkSpec::supernet(&SearchSpace::darts(), &Skeleton::cifar())?;
    /// let head = network.auxiliary()?;
    /// assert_eq!((head.feature, head.input_size, head.pooled_size()), (14, (8, 8), (2, 2)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Images so small that the head's pool and its second convolution leave nothing.
    pub fn auxiliary(&self) -> Result<Auxiliary, Setting> {
        let head = self.auxiliary;
        let ((height, width), min) = (head.input_size, POOL + (KERNEL - 1) * head.pool_stride);
        let got = format!("a head that would read {height}x{width} pixels");
        let expected = format!("{min}x{min} pixels or more; train without the auxiliary head, or on larger images");
        Setting::check(height.min(width) >= min, "auxiliary", got, expected)?;
        Ok(head)
    }
}
