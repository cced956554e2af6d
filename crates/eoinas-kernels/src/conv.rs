//! Dense convolution, pointwise (1x1) included.

use candle_core::Tensor;

use crate::access::{GradientGuard, InputGuard, Read, check_input_gradient, read};
use crate::depthwise::{ConvGradients, check_odd, check_stride};
use crate::error::{KernelError, Result};
use crate::norm::BatchStats;
use crate::reference::conv::{Window, conv, conv_backward as reference_backward};
use crate::slow;
use crate::view::{Gradient, Input, InputGradient};
use crate::workspace::Workspace;

/// A dense filter's size and step. The padding is half of the size, so that an output has `ceil(size / stride)` rows
/// and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Rows and columns of the filter; odd.
    pub kernel: (usize, usize),
    /// Step between outputs; 1 or 2.
    pub stride: usize,
}

impl ConvGeometry {
    /// A 1x1 convolution.
    pub const POINTWISE: Self = Self { kernel: (1, 1), stride: 1 };

    fn window(&self) -> Window {
        let start = (-((self.kernel.0 / 2) as isize), -((self.kernel.1 / 2) as isize));
        Window { kernel: self.kernel, stride: self.stride, start }
    }

    fn check(&self, kernel: &'static str) -> Result<()> {
        check_odd(kernel, "kernel rows", self.kernel.0)?;
        check_odd(kernel, "kernel columns", self.kernel.1)?;
        check_stride(kernel, self.stride)
    }
}

fn read_weight<'a>(
    kernel: &'static str,
    weight: &'a Tensor,
    geometry: ConvGeometry,
    ci: usize,
) -> Result<(Read<'a>, usize)> {
    let (kh, kw) = geometry.kernel;
    let co = match *weight.dims() {
        [a, b, i, co] if (a, b, i) == (kh, kw, ci) => co,
        [i, co] if (kh, kw, i) == (1, 1, ci) => co,
        _ => 0,
    };
    if co == 0 {
        let expected = format!("[{kh}, {kw}, {ci}, co] (or [ci, co] for a 1x1 kernel)");
        return Err(KernelError::Shape { kernel, tensor: "weight", got: weight.dims().to_vec(), expected });
    }
    Ok((read(kernel, "weight", weight)?, co))
}

/// Convolution of `x` `[n, h, w, ci]` with `weight` `[kh, kw, ci, co]` (or `[ci, co]` for 1x1). Returns the raw output
/// `[n, ceil(h / s), ceil(w / s), co]` and its statistics.
///
/// # Errors
/// A wrong shape, layout, device or geometry.
pub fn conv_forward(
    ws: &Workspace,
    x: Input<'_>,
    weight: &Tensor,
    geometry: ConvGeometry,
) -> Result<(Tensor, BatchStats)> {
    const NAME: &str = "conv_forward";
    geometry.check(NAME)?;
    let x = InputGuard::new(NAME, x)?;
    let (weight, co) = read_weight(NAME, weight, geometry, x.shape[3])?;
    slow::output(ws, conv(&slow::activated(&x.view()), weight.slice(), co, geometry.window()))
}

/// Gradients of [`conv_forward`], given the gradient of its raw output.
///
/// # Errors
/// A wrong shape, layout, device or geometry; [`InputGradient::AddTo`] for an input with a pending BatchNorm, or with
/// tensors that share memory with another tensor of the call.
pub fn conv_backward(
    ws: &Workspace,
    x: Input<'_>,
    weight: &Tensor,
    geometry: ConvGeometry,
    grad: Gradient<'_>,
    input: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    const NAME: &str = "conv_backward";
    geometry.check(NAME)?;
    check_input_gradient(NAME, input, x, grad)?;
    let x = InputGuard::new(NAME, x)?;
    let [n, h, w, ci] = x.shape;
    let weight_shape = weight.dims().to_vec();
    let (weight, co) = read_weight(NAME, weight, geometry, ci)?;
    let out = [n, h.div_ceil(geometry.stride), w.div_ceil(geometry.stride), co];
    let grad = GradientGuard::new(NAME, grad, out)?;
    let dz = slow::dz(&grad.view(), out);
    let (dx, dw) = reference_backward(&slow::activated(&x.view()), weight.slice(), geometry.window(), &dz);
    let weight = if want_weights { Some(ws.tensor(dw, weight_shape)?) } else { None };
    Ok(ConvGradients { input: slow::input_gradient(ws, &dx, &x.view(), input)?, weight })
}
