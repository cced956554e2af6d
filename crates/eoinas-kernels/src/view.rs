//! How kernels read activations and gradients that are stored without their BatchNorm and ReLU.

use candle_core::Tensor;

/// What BatchNorm adds to the variance by default, as in PyTorch.
pub const EPSILON: f64 = 1e-5;

/// A BatchNorm as its readers apply it: `y = scale * z + shift`, per channel; all `[c]`.
#[derive(Clone, Debug)]
pub struct Norm {
    /// Mean that is subtracted.
    pub mean: Tensor,
    /// `1 / sqrt(variance + eps)`.
    pub rstd: Tensor,
    /// `gamma * rstd`; `rstd` without affine parameters.
    pub scale: Tensor,
    /// `beta - mean * scale`.
    pub shift: Tensor,
}

impl Norm {
    /// The same with other tensors.
    pub(crate) fn try_map<E>(&self, f: impl Fn(&Tensor) -> Result<Tensor, E>) -> Result<Self, E> {
        let Self { mean, rstd, scale, shift } = self;
        Ok(Self { mean: f(mean)?, rstd: f(rstd)?, scale: f(scale)?, shift: f(shift)? })
    }
}

/// The gradient at `z` as an affine map: `dz = a * dy + b * z + d`, per channel; all `[c]`.
#[derive(Clone, Debug)]
pub struct GradCoefficients {
    /// Factor of `dy`.
    pub a: Tensor,
    /// Factor of `z`.
    pub b: Tensor,
    /// Constant.
    pub d: Tensor,
}

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

/// One summand of a node: `gate * sample[n] * (scale * z + shift)`.
#[derive(Clone, Copy, Debug)]
pub struct Term<'a> {
    /// The op's raw output, `[n, h, w, c]`.
    pub z: &'a Tensor,
    /// Its pending BatchNorm; `None`: `z` itself is summed (an identity).
    pub norm: Option<&'a Norm>,
    /// The op's weight on its edge.
    pub gate: f32,
    /// A factor for each image, `[n]` (drop-path); `None`: 1.
    pub sample: Option<&'a Tensor>,
}

/// What one parameter's update reads and writes; all three have one shape.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// The parameter, changed in place.
    pub value: &'a Tensor,
    /// Its gradient.
    pub gradient: &'a Tensor,
    /// Its momentum buffer, changed in place.
    pub momentum: &'a Tensor,
}

/// One update's numbers: `g = gradient_scale * gradient + weight_decay * value`, `m = momentum * m + g`,
/// `value -= lr * m` (PyTorch's SGD, without dampening; a momentum buffer of zeros is its first step).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub lr: f64,
    /// Factor of the momentum buffer (0.9 in the paper).
    pub momentum: f64,
    /// L2 regularisation, added to the gradient.
    pub weight_decay: f64,
    /// Factor of the gradient, from clipping; 1 without.
    pub gradient_scale: f64,
}
