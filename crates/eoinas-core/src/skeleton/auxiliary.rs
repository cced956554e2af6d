//! The auxiliary head of retraining: a small classifier in the middle of the network that helps it to learn.

use super::{Form, Layer, Skeleton, SkeletonError};
use crate::space::SearchSpace;

/// Rows and columns of the head's average pool.
const POOL: usize = 5;
/// Rows and columns of its second convolution.
const KERNEL: usize = 2;

/// Shape of the auxiliary head as the DARTS code has it: ReLU, 5x5 average pool without padding, 1x1 convolution,
/// BatchNorm, ReLU, 2x2 convolution without padding, BatchNorm, ReLU, linear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auxiliary {
    /// The layer whose output it reads, as an index into [`Skeleton::layers`]: the cell at 2L/3.
    pub layer: usize,
    /// Channels of that output.
    pub input_channels: usize,
    /// Height and width of that output.
    pub input_size: (usize, usize),
    /// Step of the average pool: 3, or 2 in the ImageNet form.
    pub pool_stride: usize,
    /// Channels of the two convolutions: 128 and 768.
    pub widths: (usize, usize),
    /// Whether a BatchNorm follows the second convolution. The published ImageNet head has none there (its authors call
    /// that a slip and left it, for their numbers to hold), and so has this one.
    pub last_norm: bool,
}

impl Auxiliary {
    /// A head with the published widths behind an output of this shape.
    ///
    /// # Errors
    /// [`SkeletonError::AuxiliaryTooSmall`] when the pool and the 2x2 convolution leave nothing.
    pub fn new(
        form: Form,
        layer: usize,
        input_channels: usize,
        input_size: (usize, usize),
    ) -> Result<Self, SkeletonError> {
        let imagenet = form == Form::ImageNet;
        let pool_stride = if imagenet { 2 } else { 3 };
        let ((height, width), min) = (input_size, POOL + (KERNEL - 1) * pool_stride);
        if height.min(width) < min {
            return Err(SkeletonError::AuxiliaryTooSmall { height, width, min });
        }
        Ok(Self { layer, input_channels, input_size, pool_stride, widths: (128, 768), last_norm: !imagenet })
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

impl Skeleton {
    /// The auxiliary head of this network: behind the cell at 2L/3, where the CIFAR form has 8x8 pixels for images of
    /// 32x32 and the ImageNet form 7x7 for images of 224x224.
    ///
    /// ```
    /// use eoinas_core::{SearchSpace, Skeleton};
    /// let head = Skeleton::cifar().auxiliary(&SearchSpace::darts())?;
    /// assert_eq!((head.layer, head.input_size, head.pooled_size()), (13, (8, 8), (2, 2)));
    /// # Ok::<(), eoinas_core::skeleton::SkeletonError>(())
    /// ```
    ///
    /// # Errors
    /// A skeleton that cannot be built; images so small that the head's pool leaves nothing.
    pub fn auxiliary(&self, space: &SearchSpace) -> Result<Auxiliary, SkeletonError> {
        self.validate(space)?;
        let layers = self.layers(space);
        let mut cells = layers.iter().enumerate().filter(|(_, layer)| matches!(layer, Layer::Cell { .. }));
        // A valid skeleton has that cell: 2L/3 is below L.
        let Some((index, layer)) = cells.nth(2 * self.cells / 3) else {
            return Err(SkeletonError::Zero { field: "cells" });
        };
        Auxiliary::new(self.form, index, layer.output_channels(space), layer.output_size())
    }
}
