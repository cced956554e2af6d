//! Depthwise convolution: each channel has its own k x k filter.

mod op;
mod taps;

use candle_core::Tensor;

use crate::access::{GradientGuard, InputGuard, check_gradient, check_input_gradient, input_shape};
use crate::driver;
use crate::error::{KernelError, Result};
use crate::gpu::{self, Gpu};
use crate::norm::GradSums;
use crate::tensors::{expect_dims, read};
use crate::view::{Gradient, Input, InputGradient};
use crate::workspace::Workspace;

pub(crate) use op::DepthwiseOp;

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

    /// Height and width of the output for an input of this size.
    pub(crate) fn out(&self, h: usize, w: usize) -> (usize, usize) {
        (h.div_ceil(self.stride), w.div_ceil(self.stride))
    }

    pub(crate) fn check(&self, kernel: &'static str) -> Result<()> {
        check_odd(kernel, "kernel size", self.kernel)?;
        check_stride(kernel, self.stride)?;
        check_argument(kernel, "dilation", self.dilation, self.dilation > 0, "at least 1")
    }
}

fn check_argument(kernel: &'static str, argument: &'static str, got: usize, ok: bool, expected: &str) -> Result<()> {
    if ok {
        return Ok(());
    }
    Err(KernelError::Argument { kernel, argument, got: got.to_string(), expected: expected.to_owned() })
}

pub(crate) fn check_odd(kernel: &'static str, argument: &'static str, got: usize) -> Result<()> {
    check_argument(kernel, argument, got, got % 2 == 1, "an odd number")
}

pub(crate) fn check_stride(kernel: &'static str, got: usize) -> Result<()> {
    check_argument(kernel, "stride", got, got == 1 || got == 2, "1 or 2")
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

/// Shapes of input and output.
fn shapes(kernel: &'static str, x: Input<'_>, weight: &Tensor, geometry: Geometry) -> Result<([usize; 4], [usize; 4])> {
    geometry.check(kernel)?;
    let shape = input_shape(kernel, x)?;
    let [n, h, w, c] = shape;
    let (oh, ow) = geometry.out(h, w);
    expect_dims(kernel, "weight", weight, &[geometry.kernel, geometry.kernel, c])?;
    Ok((shape, [n, oh, ow, c]))
}

/// Depthwise convolution of `x` `[n, h, w, c]` with `weight` `[k, k, c]`: `[n, ceil(h / s), ceil(w / s), c]`.
///
/// # Errors
/// A wrong shape, layout, device or geometry.
pub fn depthwise_forward(ws: &Workspace, x: Input<'_>, weight: &Tensor, geometry: Geometry) -> Result<Tensor> {
    const NAME: &str = "depthwise_forward";
    let (shape, out) = shapes(NAME, x, weight, geometry)?;
    let [_, h, w, c] = shape;
    if let Some(gpu) = Gpu::of_input(x) {
        return gpu::depthwise::forward(&gpu, NAME, (x, shape), (weight, geometry), out);
    }
    let x = InputGuard::new(NAME, x, shape)?;
    let values = read(NAME, "weight", weight)?;
    let packed = ws.pack(weight, &values, geometry.kernel * geometry.kernel, c);
    driver::forward(ws, &x, &DepthwiseOp::new(geometry, h, w, c, packed))
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
    let (shape, out) = shapes(NAME, x, weight, geometry)?;
    check_input_gradient(NAME, input, x)?;
    let [_, h, w, c] = shape;
    check_gradient(NAME, grad, out)?;
    if let Some(gpu) = Gpu::of_input(x) {
        return gpu::depthwise::backward(&gpu, NAME, (x, shape), weight, geometry, (grad, out), input, want_weights);
    }
    let (x, grad) = (InputGuard::new(NAME, x, shape)?, GradientGuard::new(NAME, grad)?);
    let values = read(NAME, "weight", weight)?;
    let packed = ws.pack(weight, &values, geometry.kernel * geometry.kernel, c);
    let op = DepthwiseOp::new(geometry, h, w, c, packed).with_backward(&values);
    let gradients = driver::backward(NAME, ws, &x, &grad, &op, input, want_weights)?;
    let weight = match gradients.weights {
        Some(packed) => Some(ws.tensor(op.unpack_weights(&packed), weight.shape())?),
        None => None,
    };
    Ok(ConvGradients { input: gradients.input, weight })
}
