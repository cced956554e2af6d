//! Factorised reduce on a GPU.

use candle_core::Tensor;

use super::arguments::Argument;
use super::dense::{Channels, Taps, forward_channels, weight_gradient};
use super::device::Gpu;
use super::input::input_gradient;
use super::moments::Statistics;
use super::operands::Operands;
use crate::error::Result;
use crate::geometry::reduce_offset;
use crate::results::ConvGradients;
use crate::view::{Gradient, Input, InputGradient};

/// Which channels the weights make of images of this shape, and how: by pointwise convolutions of every other pixel.
fn branches([weight_1, weight_2]: [&Tensor; 2], [_, h, w, _]: [usize; 4]) -> Result<[(Taps, Channels); 2]> {
    let (first, second) = (weight_1.dim(1)?, weight_2.dim(1)?);
    let taps = |first| Taps { columns: 1, count: 1, stride: 2, first };
    // Neither is more than 1.
    let (row, column) = reduce_offset(h, w);
    let further = taps((row as i32, column as i32));
    Ok([(taps((0, 0)), Channels { first: 0, count: first }), (further, Channels { first, count: second })])
}

/// The raw output, of the shape `out`; also its statistics, where there is room for them.
pub(super) fn forward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    weights: [&Tensor; 2],
    out: [usize; 4],
    statistics: Option<&Statistics>,
) -> Result<Tensor> {
    let z = gpu.unwritten(out.to_vec())?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let addresses = [operands.counted("weight_1", weights[0])?, operands.counted("weight_2", weights[1])?];
    let address = operands.output(&z)?;
    let statistics = Statistics::optional(statistics, &mut operands)?;
    for ((taps, to), weight) in branches(weights, shape)?.into_iter().zip(addresses) {
        forward_channels(gpu, &operands, (&x, weight, taps), (address, out), to, &statistics)?;
    }
    Ok(z)
}

/// Gradients of [`forward`]; `out` is the shape of its output.
pub(super) fn backward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    weights: [&Tensor; 2],
    (grad, out): (Gradient<'_>, [usize; 4]),
    request: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    let [n, h, w, ci] = shape;
    let branches = branches(weights, shape)?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let grad = operands.gradient(grad, out)?;
    let addresses = [operands.counted("weight_1", weights[0])?, operands.counted("weight_2", weights[1])?];
    let [split] = operands.numbers([branches[1].1.first])?;
    let input = input_gradient(gpu, kernel, &mut operands, (&x, shape), request, |target| {
        let arguments = [
            Argument::Input(&x),
            Argument::Gradient(&grad),
            Argument::Address(addresses[0]),
            Argument::Address(addresses[1]),
            split,
            Argument::Target(target),
        ];
        // SAFETY: the arguments of the kernel; the target has the input's shape.
        unsafe { gpu.multiply("reduce_backward_input", [n * h * w, ci], ci, &arguments) }
    })?;
    let mut gradients = Vec::new();
    if want_weights {
        for ((taps, of), weight) in branches.into_iter().zip(weights) {
            gradients.push(weight_gradient(gpu, kernel, (&x, shape), (&grad, out), taps, of, weight.shape())?);
        }
    }
    Ok(ConvGradients { input, weights: gradients })
}
