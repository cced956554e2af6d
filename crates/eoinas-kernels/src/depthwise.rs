//! Depthwise convolution: each channel has its own k x k filter.

use candle_core::Tensor;

use crate::access::{GradientGuard, InputGuard, check_input_gradient, read_shaped};
use crate::error::{KernelError, Result};
use crate::norm::GradSums;
use crate::reference::depthwise::{Filter, depthwise, depthwise_backward as reference_backward};
use crate::slow;
use crate::view::{Gradient, Input, InputGradient};
use crate::workspace::Workspace;

/// A depthwise filter's size and steps. The padding is `dilation * (kernel - 1) / 2` on every side, so that an output
/// has `ceil(size / stride)` rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// Rows and columns of the filter; odd.
    pub kernel: usize,
    /// Step between outputs; 1 or 2.
    pub stride: usize,
    /// Step between taps; at least 1.
    pub dilation: usize,
}

impl Geometry {
    /// Padding on every side.
    pub fn padding(&self) -> usize {
        self.dilation * (self.kernel - 1) / 2
    }

    pub(crate) fn filter(&self) -> Filter {
        Filter { kernel: self.kernel, stride: self.stride, dilation: self.dilation }
    }

    pub(crate) fn check(&self, kernel: &'static str) -> Result<()> {
        check_odd(kernel, "kernel size", self.kernel)?;
        check_stride(kernel, self.stride)?;
        if self.dilation == 0 {
            let (what, got) = ("dilation", self.dilation);
            return Err(KernelError::Geometry { kernel, what, got, expected: "at least 1" });
        }
        Ok(())
    }
}

pub(crate) fn check_odd(kernel: &'static str, what: &'static str, got: usize) -> Result<()> {
    if got % 2 == 1 { Ok(()) } else { Err(KernelError::Geometry { kernel, what, got, expected: "an odd number" }) }
}

pub(crate) fn check_stride(kernel: &'static str, got: usize) -> Result<()> {
    if got == 1 || got == 2 {
        return Ok(());
    }
    Err(KernelError::Geometry { kernel, what: "stride", got, expected: "1 or 2" })
}

/// Gradients of a convolution with one weight; each is there when it was asked for.
#[derive(Clone, Debug)]
pub struct ConvGradients {
    /// With [`InputGradient::Return`]: gradient of the (joined) input `[n, h, w, c]`, and the sums of its pending
    /// BatchNorm if it has one.
    pub input: Option<(Tensor, Option<GradSums>)>,
    /// Gradient of the weight, in its shape.
    pub weight: Option<Tensor>,
}

/// Depthwise convolution of `x` `[n, h, w, c]` with `weight` `[k, k, c]`: `[n, ceil(h / s), ceil(w / s), c]`.
///
/// # Errors
/// A wrong shape, layout, device or geometry.
pub fn depthwise_forward(ws: &Workspace, x: Input<'_>, weight: &Tensor, geometry: Geometry) -> Result<Tensor> {
    const NAME: &str = "depthwise_forward";
    geometry.check(NAME)?;
    let input = InputGuard::new(NAME, x)?;
    let weight = read_shaped(NAME, "weight", weight, &[geometry.kernel, geometry.kernel, input.shape[3]])?;
    let z = depthwise(&slow::activated(&input.view()), weight.slice(), geometry.filter());
    Ok(slow::output(ws, z)?.0)
}

/// Gradients of [`depthwise_forward`], given the gradient of its output.
///
/// # Errors
/// A wrong shape, layout, device or geometry; [`InputGradient::AddTo`] for an input with a pending BatchNorm, or with
/// tensors that share memory with another tensor of the call.
pub fn depthwise_backward(
    ws: &Workspace,
    x: Input<'_>,
    weight: &Tensor,
    geometry: Geometry,
    grad: Gradient<'_>,
    input: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    const NAME: &str = "depthwise_backward";
    geometry.check(NAME)?;
    check_input_gradient(NAME, input, x, grad)?;
    let x = InputGuard::new(NAME, x)?;
    let [n, h, w, c] = x.shape;
    let out = [n, h.div_ceil(geometry.stride), w.div_ceil(geometry.stride), c];
    let weight_shape = [geometry.kernel, geometry.kernel, c];
    let weight = read_shaped(NAME, "weight", weight, &weight_shape)?;
    let grad = GradientGuard::new(NAME, grad, out)?;
    let dz = slow::dz(&grad.view(), out);
    let (dx, dw) = reference_backward(&slow::activated(&x.view()), weight.slice(), geometry.filter(), &dz);
    let weight = if want_weights { Some(ws.tensor(dw, &weight_shape)?) } else { None };
    Ok(ConvGradients { input: slow::input_gradient(ws, &dx, &x.view(), input)?, weight })
}
