//! Factorised reduce: two pointwise convolutions of stride 2, the second one pixel further down and right, joined.

use candle_core::Tensor;

use crate::access::{GradientGuard, InputGuard, Read, check_input_gradient, read};
use crate::error::{KernelError, Result};
use crate::norm::{BatchStats, GradSums};
use crate::reference::Array;
use crate::reference::activation::join;
use crate::reference::conv::{Window, conv, conv_backward};
use crate::slow;
use crate::view::{Gradient, Input, InputGradient};
use crate::workspace::Workspace;

/// Gradients of [`factorized_reduce_forward`]; each is there when it was asked for.
#[derive(Clone, Debug)]
pub struct FactorizedReduceGradients {
    /// With [`InputGradient::Return`]: gradient of the (joined) input `[n, h, w, ci]`, and the sums of its pending
    /// BatchNorm if it has one.
    pub input: Option<(Tensor, Option<GradSums>)>,
    /// Gradient of the first weight.
    pub weight_1: Option<Tensor>,
    /// Gradient of the second weight.
    pub weight_2: Option<Tensor>,
}

fn window(branch: usize) -> Window {
    Window { kernel: (1, 1), stride: 2, start: (branch as isize, branch as isize) }
}

fn read_weight<'a>(kernel: &'static str, name: &'static str, w: &'a Tensor, ci: usize) -> Result<(Read<'a>, usize)> {
    match *w.dims() {
        [i, co] if i == ci && co > 0 => Ok((read(kernel, name, w)?, co)),
        _ => {
            let expected = format!("[{ci}, co]");
            Err(KernelError::Shape { kernel, tensor: name, got: w.dims().to_vec(), expected })
        }
    }
}

/// Halves height and width of `x` `[n, h, w, ci]`: channels `..c1` are pixels `(2i, 2j)` times `weight_1` `[ci, c1]`,
/// the others pixels `(2i + 1, 2j + 1)` (0 beyond the border) times `weight_2` `[ci, c2]`. Returns the raw output
/// `[n, ceil(h / 2), ceil(w / 2), c1 + c2]` and its statistics.
///
/// # Errors
/// A wrong shape, layout or device.
pub fn factorized_reduce_forward(
    ws: &Workspace,
    x: Input<'_>,
    weight_1: &Tensor,
    weight_2: &Tensor,
) -> Result<(Tensor, BatchStats)> {
    const NAME: &str = "factorized_reduce_forward";
    let x = InputGuard::new(NAME, x)?;
    let (weight_1, c1) = read_weight(NAME, "weight_1", weight_1, x.shape[3])?;
    let (weight_2, c2) = read_weight(NAME, "weight_2", weight_2, x.shape[3])?;
    let activated = slow::activated(&x.view());
    let first = conv(&activated, weight_1.slice(), c1, window(0));
    let second = conv(&activated, weight_2.slice(), c2, window(1));
    slow::output(ws, join(&[first, second]))
}

/// Gradients of [`factorized_reduce_forward`], given the gradient of its raw output.
///
/// # Errors
/// A wrong shape, layout or device; [`InputGradient::AddTo`] for an input with a pending BatchNorm, or with tensors
/// that share memory with another tensor of the call.
pub fn factorized_reduce_backward(
    ws: &Workspace,
    x: Input<'_>,
    weight_1: &Tensor,
    weight_2: &Tensor,
    grad: Gradient<'_>,
    input: InputGradient<'_>,
    want_weights: bool,
) -> Result<FactorizedReduceGradients> {
    const NAME: &str = "factorized_reduce_backward";
    check_input_gradient(NAME, input, x, grad)?;
    let x = InputGuard::new(NAME, x)?;
    let [n, h, w, ci] = x.shape;
    let (weight_1, c1) = read_weight(NAME, "weight_1", weight_1, ci)?;
    let (weight_2, c2) = read_weight(NAME, "weight_2", weight_2, ci)?;
    let out = [n, h.div_ceil(2), w.div_ceil(2), c1 + c2];
    let grad = GradientGuard::new(NAME, grad, out)?;
    let dz = slow::dz(&grad.view(), out);
    let half = |start: usize, len: usize| Array {
        shape: [n, out[1], out[2], len],
        data: dz.data.chunks(c1 + c2).flat_map(|p| p[start..start + len].iter().copied()).collect(),
    };
    let activated = slow::activated(&x.view());
    let (mut dx, dw1) = conv_backward(&activated, weight_1.slice(), window(0), &half(0, c1));
    let (dx2, dw2) = conv_backward(&activated, weight_2.slice(), window(1), &half(c1, c2));
    dx.data.iter_mut().zip(&dx2.data).for_each(|(a, b)| *a += b);
    let (weight_1, weight_2) =
        if want_weights { (Some(ws.tensor(dw1, &[ci, c1])?), Some(ws.tensor(dw2, &[ci, c2])?)) } else { (None, None) };
    Ok(FactorizedReduceGradients { input: slow::input_gradient(ws, &dx, &x.view(), input)?, weight_1, weight_2 })
}
