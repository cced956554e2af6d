//! Depthwise, then pointwise convolution, as one kernel.

use candle_core::Tensor;

use crate::access::{GradientGuard, InputGuard, check_input_gradient, read_shaped};
use crate::depthwise::Geometry;
use crate::error::{KernelError, Result};
use crate::norm::{BatchStats, GradSums};
use crate::reference::conv::{Window, conv, conv_backward};
use crate::reference::depthwise::{depthwise as reference, depthwise_backward};
use crate::slow;
use crate::view::{Gradient, Input, InputGradient};
use crate::workspace::Workspace;

/// Gradients of [`separable_forward`]; each is there when it was asked for.
#[derive(Clone, Debug)]
pub struct SeparableGradients {
    /// With [`InputGradient::Return`]: gradient of the (joined) input `[n, h, w, ci]`, and the sums of its pending
    /// BatchNorm if it has one.
    pub input: Option<(Tensor, Option<GradSums>)>,
    /// Gradient of the depthwise weight, `[k, k, ci]`.
    pub depthwise: Option<Tensor>,
    /// Gradient of the pointwise weight, `[ci, co]`.
    pub pointwise: Option<Tensor>,
}

const POINT: Window = Window { kernel: (1, 1), stride: 1, start: (0, 0) };

fn output_channels(kernel: &'static str, pointwise: &Tensor, ci: usize) -> Result<usize> {
    match *pointwise.dims() {
        [i, co] if i == ci && co > 0 => Ok(co),
        _ => Err(KernelError::Shape {
            kernel,
            tensor: "pointwise",
            got: pointwise.dims().to_vec(),
            expected: format!("[{ci}, co]"),
        }),
    }
}

/// Depthwise convolution with `depthwise` `[k, k, ci]`, then pointwise convolution with `pointwise` `[ci, co]`, of
/// `x` `[n, h, w, ci]`. Returns the raw output `[n, ceil(h / s), ceil(w / s), co]` and its statistics.
///
/// # Errors
/// A wrong shape, layout, device or geometry.
pub fn separable_forward(
    ws: &Workspace,
    x: Input<'_>,
    depthwise: &Tensor,
    pointwise: &Tensor,
    geometry: Geometry,
) -> Result<(Tensor, BatchStats)> {
    const NAME: &str = "separable_forward";
    geometry.check(NAME)?;
    let x = InputGuard::new(NAME, x)?;
    let ci = x.shape[3];
    let co = output_channels(NAME, pointwise, ci)?;
    let depthwise = read_shaped(NAME, "depthwise", depthwise, &[geometry.kernel, geometry.kernel, ci])?;
    let pointwise = read_shaped(NAME, "pointwise", pointwise, &[ci, co])?;
    let t = reference(&slow::activated(&x.view()), depthwise.slice(), geometry.filter());
    slow::output(ws, conv(&t, pointwise.slice(), co, POINT))
}

/// Gradients of [`separable_forward`], given the gradient of its raw output.
///
/// # Errors
/// A wrong shape, layout, device or geometry; [`InputGradient::AddTo`] for an input with a pending BatchNorm, or with
/// tensors that share memory with another tensor of the call.
#[allow(clippy::too_many_arguments)]
pub fn separable_backward(
    ws: &Workspace,
    x: Input<'_>,
    depthwise: &Tensor,
    pointwise: &Tensor,
    geometry: Geometry,
    grad: Gradient<'_>,
    input: InputGradient<'_>,
    want_weights: bool,
) -> Result<SeparableGradients> {
    const NAME: &str = "separable_backward";
    geometry.check(NAME)?;
    check_input_gradient(NAME, input, x, grad)?;
    let x = InputGuard::new(NAME, x)?;
    let [n, h, w, ci] = x.shape;
    let co = output_channels(NAME, pointwise, ci)?;
    let out = [n, h.div_ceil(geometry.stride), w.div_ceil(geometry.stride), co];
    let depthwise_shape = [geometry.kernel, geometry.kernel, ci];
    let depthwise = read_shaped(NAME, "depthwise", depthwise, &depthwise_shape)?;
    let pointwise = read_shaped(NAME, "pointwise", pointwise, &[ci, co])?;
    let grad = GradientGuard::new(NAME, grad, out)?;
    let activated = slow::activated(&x.view());
    let t = reference(&activated, depthwise.slice(), geometry.filter());
    let dz = slow::dz(&grad.view(), out);
    let (dt, dpw) = conv_backward(&t, pointwise.slice(), POINT, &dz);
    let (dx, ddw) = depthwise_backward(&activated, depthwise.slice(), geometry.filter(), &dt);
    let (depthwise, pointwise) = if want_weights {
        (Some(ws.tensor(ddw, &depthwise_shape)?), Some(ws.tensor(dpw, &[ci, co])?))
    } else {
        (None, None)
    };
    Ok(SeparableGradients { input: slow::input_gradient(ws, &dx, &x.view(), input)?, depthwise, pointwise })
}
