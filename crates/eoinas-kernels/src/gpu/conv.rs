//! Convolutions on a GPU.

use candle_core::Tensor;

use super::device::Gpu;
use super::moments::{batch_stats, with_stats};
use super::{dense, depthwise, factorized, separable};
use crate::error::Result;
use crate::geometry::Convolution;
use crate::results::{BatchStats, ConvGradients};
use crate::view::{Gradient, Input, InputGradient};

/// The raw output, of the shape `out`, and its statistics if they are wanted.
pub(crate) fn forward(
    gpu: &Gpu,
    x: (Input<'_>, [usize; 4]),
    conv: Convolution<&Tensor>,
    out: [usize; 4],
    want_stats: bool,
) -> Result<(Tensor, Option<BatchStats>)> {
    let name = conv.name();
    match conv {
        Convolution::Depthwise { weight, geometry } => {
            let z = depthwise::forward(gpu, name, x, (weight, geometry), out)?;
            let stats = want_stats.then(|| batch_stats(gpu, name, &z, out)).transpose()?;
            Ok((z, stats))
        }
        Convolution::Dense { weight, geometry } => with_stats(gpu, out, want_stats, |statistics| {
            dense::forward(gpu, name, x, (weight, geometry), out, statistics)
        }),
        Convolution::Separable { depthwise, pointwise, geometry } => with_stats(gpu, out, want_stats, |statistics| {
            separable::forward(gpu, name, x, ([depthwise, pointwise], geometry), out, statistics)
        }),
        Convolution::FactorizedReduce { weights } => {
            with_stats(gpu, out, want_stats, |statistics| factorized::forward(gpu, name, x, weights, out, statistics))
        }
    }
}

/// Gradients of [`forward`], given the one at its raw output.
pub(crate) fn backward(
    gpu: &Gpu,
    x: (Input<'_>, [usize; 4]),
    conv: Convolution<&Tensor>,
    grad: (Gradient<'_>, [usize; 4]),
    request: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    let name = conv.name();
    match conv {
        Convolution::Depthwise { weight, geometry } => {
            depthwise::backward(gpu, name, x, (weight, geometry), grad, request, want_weights)
        }
        Convolution::Dense { weight, geometry } => {
            dense::backward(gpu, name, x, (weight, geometry), grad, request, want_weights)
        }
        Convolution::Separable { depthwise, pointwise, geometry } => {
            separable::backward(gpu, name, x, ([depthwise, pointwise], geometry), grad, request, want_weights)
        }
        Convolution::FactorizedReduce { weights } => {
            factorized::backward(gpu, name, x, weights, grad, request, want_weights)
        }
    }
}
