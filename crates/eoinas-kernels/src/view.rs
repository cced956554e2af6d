//! How kernels read activations and gradients that are stored without their BatchNorm and ReLU.

use candle_core::Tensor;

use crate::norm::{GradCoefficients, Norm};

/// An activation as a kernel reads it: the sources joined along the channels, then `scale * z + shift`, then ReLU.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// One or more tensors `[n, h, w, c_i]` whose channels are joined (a cell's output nodes need no copy this way).
    pub sources: &'a [&'a Tensor],
    /// The pending BatchNorm, over the joined channels.
    pub norm: Option<&'a Norm>,
    /// Whether a ReLU follows.
    pub relu: bool,
}

/// The gradient at a kernel's raw output `z`, as a kernel reads it:
/// `dz = a * sample[n] * dy + b * z + d`, or `gate * sample[n] * dy` where no BatchNorm lies between.
#[derive(Clone, Copy, Debug)]
pub struct Gradient<'a> {
    /// Gradient behind the BatchNorm, `[n, h, w, c]`.
    pub dy: &'a Tensor,
    /// The raw output and the map's coefficients; the gate is already part of them.
    pub norm: Option<(&'a Tensor, &'a GradCoefficients)>,
    /// Factor of `dy` where there is no BatchNorm; ignored (1) where there is one.
    pub gate: f32,
    /// A factor for each image, `[n]` (drop-path); `None`: 1.
    pub sample: Option<&'a Tensor>,
}

/// What a backward kernel does with the gradient of its input.
#[derive(Clone, Copy, Debug)]
pub enum InputGradient<'a> {
    /// Nobody wants it: it is not computed.
    Skip,
    /// Added to these tensors, one for each source of the input, after going back through the ReLU. The input must
    /// have no pending BatchNorm.
    AddTo(&'a [&'a Tensor]),
    /// As `AddTo`, but written over whatever the tensors hold: saves zeroing them before.
    WriteTo(&'a [&'a Tensor]),
    /// Returned, after going back through the ReLU but not through the pending BatchNorm, with that BatchNorm's sums.
    Return,
}
