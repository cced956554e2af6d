//! Convolutions on the CPU.

mod dense;
mod depthwise;
mod factorized;
mod separable;
mod taps;

use candle_core::Tensor;

use super::access::{GradientGuard, InputGuard};
use super::driver::{self, ImageOp, Packed};
use super::values::read;
use crate::error::Result;
use crate::geometry::Convolution;
use crate::results::{BatchStats, ConvGradients, WeightGradient};
use crate::view::{Gradient, Input, InputGradient};
use crate::workspace::Workspace;
use dense::DenseOp;
use depthwise::DepthwiseOp;
use factorized::FactorizedReduceOp;
use separable::SeparableOp;

/// The raw output, of the shape `out`, and its statistics if they are wanted.
pub(crate) fn forward(
    ws: &Workspace,
    (x, shape): (Input<'_>, [usize; 4]),
    conv: Convolution<&Tensor>,
    out: [usize; 4],
    want_stats: bool,
) -> Result<(Tensor, Option<BatchStats>)> {
    let name = conv.name();
    let x = InputGuard::new(name, x, shape)?;
    match conv {
        Convolution::Depthwise { weight, geometry } => {
            let values = read(name, "weight", weight)?;
            driver::forward(ws, &x, &DepthwiseOp::new(ws, geometry, (weight, &values), shape), want_stats)
        }
        Convolution::Dense { weight, geometry } => {
            let values = read(name, "weight", weight)?;
            driver::forward(ws, &x, &DenseOp::new(ws, geometry, (weight, &values), shape, out), want_stats)
        }
        Convolution::Separable { depthwise, pointwise, geometry } => {
            let (dw, pw) = (read(name, "depthwise", depthwise)?, read(name, "pointwise", pointwise)?);
            let op = SeparableOp::new(ws, geometry, (depthwise, &dw), (pointwise, &pw), shape, out[3]);
            driver::forward(ws, &x, &op, want_stats)
        }
        Convolution::FactorizedReduce { weights: [first, second] } => {
            let (one, two) = (read(name, "weight_1", first)?, read(name, "weight_2", second)?);
            let op = FactorizedReduceOp::new(ws, [(first, &one), (second, &two)], shape, out);
            driver::forward(ws, &x, &op, want_stats)
        }
    }
}

/// Gradients of [`forward`], given the one at its raw output.
pub(crate) fn backward(
    ws: &Workspace,
    (x, shape): (Input<'_>, [usize; 4]),
    conv: Convolution<&Tensor>,
    (grad, out): (Gradient<'_>, [usize; 4]),
    request: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    let name = conv.name();
    let (x, grad) = (InputGuard::new(name, x, shape)?, GradientGuard::new(name, grad)?);
    let run = Run { ws, x, conv, grad, request, want_weights };
    match conv {
        Convolution::Depthwise { weight, geometry } => {
            let values = read(name, "weight", weight)?;
            run.backward(&DepthwiseOp::new(ws, geometry, (weight, &values), shape).with_backward(&values))
        }
        Convolution::Dense { weight, geometry } => {
            let values = read(name, "weight", weight)?;
            run.backward(&DenseOp::new(ws, geometry, (weight, &values), shape, out).with_backward(&values))
        }
        Convolution::Separable { depthwise, pointwise, geometry } => {
            let (dw, pw) = (read(name, "depthwise", depthwise)?, read(name, "pointwise", pointwise)?);
            let op = SeparableOp::new(ws, geometry, (depthwise, &dw), (pointwise, &pw), shape, out[3]);
            run.backward(&op.with_backward(&dw, &pw))
        }
        Convolution::FactorizedReduce { weights: [first, second] } => {
            let (one, two) = (read(name, "weight_1", first)?, read(name, "weight_2", second)?);
            let op = FactorizedReduceOp::new(ws, [(first, &one), (second, &two)], shape, out);
            run.backward(&op.with_backward([&one, &two]))
        }
    }
}

/// What a backward pass has, whichever its op.
struct Run<'a> {
    ws: &'a Workspace,
    x: InputGuard<'a>,
    conv: Convolution<&'a Tensor>,
    grad: GradientGuard<'a>,
    request: InputGradient<'a>,
    want_weights: bool,
}

impl Run<'_> {
    fn backward(&self, op: &impl ImageOp) -> Result<ConvGradients> {
        let Self { ws, x, conv, grad, request, want_weights } = self;
        let (input, packed) = driver::backward(conv.name(), ws, x, grad, op, *request, *want_weights)?;
        let weights = match packed {
            None => Vec::new(),
            Some(Packed::Sum(packed)) => {
                let known = |(weight, gradient): (&&Tensor, Vec<f32>)| {
                    Ok(WeightGradient::Known(ws.tensor(gradient, weight.shape())?))
                };
                conv.weights().zip(op.unpack(&packed)).map(known).collect::<Result<_>>()?
            }
            Some(Packed::Pieces(pieces)) => {
                let unpacked: Vec<_> = pieces.iter().map(|packed| op.unpack(packed)).collect();
                let parts = |(index, weight): (usize, &&Tensor)| {
                    let values = unpacked.iter().filter_map(|of_piece| of_piece.get(index)).flatten().copied();
                    let parts = ws.tensor(values.collect(), (unpacked.len(), weight.elem_count()))?;
                    Ok(WeightGradient::Pending { parts, shape: weight.shape().clone() })
                };
                conv.weights().enumerate().map(parts).collect::<Result<_>>()?
            }
        };
        Ok(ConvGradients { input, weights })
    }
}
