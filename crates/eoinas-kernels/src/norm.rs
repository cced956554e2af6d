//! BatchNorm as numbers per channel: statistics, the map its readers apply, and the map of its gradient.

use candle_core::Tensor;

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

/// Sums over batch, height and width that BatchNorm's backward pass needs; both `[c]`.
#[derive(Clone, Debug)]
pub struct GradSums {
    /// Sum of `dy`. This is also the gradient of `beta`.
    pub dy: Tensor,
    /// Sum of `dy * xhat`, with `xhat = (z - mean) * rstd`. This is also the gradient of `gamma`.
    pub dy_xhat: Tensor,
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
