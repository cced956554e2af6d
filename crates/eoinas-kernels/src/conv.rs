//! Convolutions: depthwise, dense, separable and the factorised reduce.

use candle_core::Tensor;

use crate::check::{check_gradient, check_input_gradient, convolution_shapes};
use crate::device::Place;
use crate::error::Result;
use crate::geometry::Convolution;
use crate::results::{BatchStats, ConvGradients};
use crate::view::{Gradient, Input, InputGradient};
use crate::workspace::Workspace;
use crate::{cpu, gpu};

/// The raw output `[n, ceil(h / s), ceil(w / s), co]` of a convolution of `x`, `[n, h, w, ci]`, and its statistics if they
/// are wanted: a BatchNorm that has statistics of its own, or none, needs no others.
///
/// # Errors
/// A wrong shape, layout or device.
pub fn conv_forward(
    ws: &Workspace,
    x: Input<'_>,
    conv: Convolution<&Tensor>,
    want_stats: bool,
) -> Result<(Tensor, Option<BatchStats>)> {
    let (shape, out) = convolution_shapes(x, conv)?;
    match Place::of_input(x) {
        Place::Cpu => cpu::conv::forward(ws, (x, shape), conv, out, want_stats),
        Place::Gpu(gpu) => gpu::conv::forward(&gpu, (x, shape), conv, out, want_stats),
    }
}

/// Gradients of [`conv_forward`], given the one at its raw output; those that nobody wants are not computed.
///
/// # Errors
/// A wrong shape, layout or device; [`InputGradient::AddTo`] for an input with a pending BatchNorm, or with tensors that
/// share memory with another tensor of the call.
pub fn conv_backward(
    ws: &Workspace,
    x: Input<'_>,
    conv: Convolution<&Tensor>,
    grad: Gradient<'_>,
    input: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    let (shape, out) = convolution_shapes(x, conv)?;
    check_input_gradient(conv.name(), input, x)?;
    check_gradient(conv.name(), grad, out)?;
    match Place::of_input(x) {
        Place::Cpu => cpu::conv::backward(ws, (x, shape), conv, (grad, out), input, want_weights),
        Place::Gpu(gpu) => gpu::conv::backward(&gpu, (x, shape), conv, (grad, out), input, want_weights),
    }
}
