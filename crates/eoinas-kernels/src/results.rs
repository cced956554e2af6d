//! What kernels give back beside a single tensor.

use candle_core::{Shape, Tensor, TensorId};

use crate::gate::GateGradient;
#[cfg(doc)]
use crate::view::EPSILON;
use crate::view::{GradCoefficients, Norm};

/// Mean and biased variance of each channel over batch, height and width; both `[c]`.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BatchStats {
    /// Mean.
    pub mean: Tensor,
    /// Biased variance (divided by the number of values).
    pub variance: Tensor,
    /// Number of values that each channel's statistics were taken over.
    pub count: usize,
    /// The BatchNorm without scale and shift and with [`EPSILON`], where a GPU made it with the statistics.
    /// It stands for these very tensors.
    pub(crate) plain: Option<(Norm, [TensorId; 2])>,
}

impl BatchStats {
    /// These statistics, over `count` values a channel.
    pub fn new(mean: Tensor, variance: Tensor, count: usize) -> Self {
        Self { mean, variance, count, plain: None }
    }
}

/// Sums over batch, height and width that BatchNorm's backward pass needs, and what it makes of them; all `[c]`.
#[derive(Clone, Debug)]
pub struct GradSums {
    /// Sum of `dy`. This is also the gradient of `beta`.
    pub dy: Tensor,
    /// Sum of `dy * xhat`, with `xhat = (z - mean) * rstd`. This is also the gradient of `gamma`.
    pub dy_xhat: Tensor,
    /// The way back through the BatchNorm where the statistics are those of the batch:
    /// `dz = gate * scale * (dy - mean(dy) - xhat * mean(dy * xhat))`, with the gate of the term in it (1 where there is
    /// none) and drop-path's factors in `dy`.
    pub map: GradCoefficients,
}

/// Gradient of a convolution's (joined) input `[n, h, w, c]` where it was to be returned, and the sums of that input's
/// pending BatchNorm if it has one.
pub type ReturnedGradient = Option<(Tensor, Option<GradSums>)>;

/// Gradients of a convolution.
#[derive(Clone, Debug)]
pub struct ConvGradients {
    /// Of the input, with [`crate::InputGradient::Return`].
    pub input: ReturnedGradient,
    /// Of the weights, in the order and shapes of [`crate::Convolution::weights`]; empty if they were not wanted.
    pub weights: Vec<WeightGradient>,
}

/// The gradient of a weight.
#[derive(Clone, Debug)]
pub enum WeightGradient {
    /// As it is.
    Known(Tensor),
    /// On a GPU, and where several processes share the batch: the sum over the rows of `[pieces, values]`.
    /// [`crate::optim::settle`] adds up those of many weights at once.
    Pending {
        /// What each piece of the batch's pixels adds.
        parts: Tensor,
        /// The shape of the weight.
        shape: Shape,
    },
}

/// Gradients of one summand of a node that its backward pass starts from.
#[derive(Clone, Debug)]
pub struct TermGradient {
    /// BatchNorm's sums of `sample * dy` (the gate is not in them); only for a term with BatchNorm.
    pub sums: Option<GradSums>,
    /// Gradient of the gate. 0 for a term without BatchNorm whose gate's gradient is not wanted.
    pub gate: GateGradient,
}

/// Gradients of the linear classifier; those that were not wanted are `None`.
#[derive(Clone, Debug, Default)]
pub struct LinearGradients {
    /// Of `x`, `[n, k]`.
    pub input: Option<Tensor>,
    /// Of the weight, `[k, m]`.
    pub weight: Option<Tensor>,
    /// Of the bias, `[m]`.
    pub bias: Option<Tensor>,
}

/// What the loss of a batch gives.
#[derive(Clone, Debug)]
pub struct LossOutput {
    /// Mean over the batch. Not finite if the logits are not.
    pub loss: f64,
    /// Number of images whose largest logit (the first of several) is the label's.
    pub correct: usize,
    /// Gradient of the mean loss, `[n, classes]`.
    pub dlogits: Tensor,
}

/// What a loss over outputs that stand for themselves gives: numbers, or labels that are had or not.
#[derive(Clone, Debug)]
pub struct OutputLoss {
    /// Mean over all outputs of the batch. Not finite if the outputs are not.
    pub loss: f64,
    /// Gradient of the mean loss, `[n, outputs]`, on the outputs' device.
    pub dlogits: Tensor,
}
