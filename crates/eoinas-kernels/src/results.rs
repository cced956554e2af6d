//! What kernels give back beside a single tensor.

use candle_core::Tensor;

use crate::gate::GateGradient;

/// Mean and biased variance of each channel over batch, height and width; both `[c]`.
#[derive(Clone, Debug)]
pub struct BatchStats {
    /// Mean.
    pub mean: Tensor,
    /// Biased variance (divided by the number of values).
    pub variance: Tensor,
    /// Number of values that each channel's statistics were taken over.
    pub count: usize,
}

/// Sums over batch, height and width that BatchNorm's backward pass needs; both `[c]`.
#[derive(Clone, Debug)]
pub struct GradSums {
    /// Sum of `dy`. This is also the gradient of `beta`.
    pub dy: Tensor,
    /// Sum of `dy * xhat`, with `xhat = (z - mean) * rstd`. This is also the gradient of `gamma`.
    pub dy_xhat: Tensor,
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
    pub weights: Vec<Tensor>,
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
