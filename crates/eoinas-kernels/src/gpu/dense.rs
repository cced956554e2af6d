//! Dense convolution on a GPU, and what the factorised reduce shares with it.

use candle_core::{Shape, Tensor};

use super::arguments::{Address, Argument, GradientArgument, InputArgument, StatisticsArgument};
use super::device::Gpu;
use super::input::input_gradient;
use super::moments::Statistics;
use super::operands::Operands;
use super::pieces;
use crate::error::Result;
use crate::geometry::ConvGeometry;
use crate::results::{ConvGradients, WeightGradient};
use crate::view::{Gradient, Input, InputGradient};

/// Taps of a filter and where they lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taps {
    pub(super) columns: usize,
    pub(super) count: usize,
    pub(super) stride: usize,
    /// Row and column of tap (0, 0) of output (0, 0).
    pub(super) first: (i32, i32),
}

impl From<ConvGeometry> for Taps {
    fn from(geometry: ConvGeometry) -> Self {
        let ((rows, columns), (above, left)) = (geometry.kernel(), geometry.padding());
        // A padding is a small number.
        let first = (-(above as i32), -(left as i32));
        Self { columns, count: rows * columns, stride: geometry.stride(), first }
    }
}

impl Taps {
    pub(super) fn arguments(self, operands: &Operands<'_>) -> Result<[Argument<'static>; 5]> {
        let [columns, count, stride] = operands.numbers([self.columns, self.count, self.stride])?;
        Ok([columns, count, stride, Argument::Int(self.first.0), Argument::Int(self.first.1)])
    }
}

/// Channels `first..first + count` of an output.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channels {
    pub(super) first: usize,
    pub(super) count: usize,
}

/// Writes some channels of an output of the shape `out`, and their statistics if they have a place.
pub(super) fn forward_channels(
    gpu: &Gpu,
    operands: &Operands<'_>,
    (x, weight, taps): (&InputArgument, Address, Taps),
    (z, [n, oh, ow, co]): (Address, [usize; 4]),
    to: Channels,
    statistics: &StatisticsArgument,
) -> Result<()> {
    let mut arguments = vec![Argument::Input(x), Argument::Address(weight)];
    arguments.extend(taps.arguments(operands)?);
    arguments.extend(operands.numbers([oh, ow, to.count])?);
    arguments.push(Argument::Address(z));
    arguments.extend(operands.numbers([co, to.first])?);
    arguments.push(Argument::Statistics(statistics));
    // Its tiles are those of the whole output, of which the moments are taken.
    // SAFETY: the arguments of the kernel; the callers pass a weight, an output and statistics of these sizes.
    unsafe { gpu.multiply("conv_forward", [n * oh * ow, to.count], co, &arguments) }
}

/// The raw output, of the shape `out`; also its statistics, where there is room for them.
pub(super) fn forward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    (weight, geometry): (&Tensor, ConvGeometry),
    out: [usize; 4],
    statistics: Option<&Statistics>,
) -> Result<Tensor> {
    let z = gpu.unwritten(out.to_vec())?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let weight = operands.counted("weight", weight)?;
    let address = operands.output(&z)?;
    let statistics = Statistics::optional(statistics, &mut operands)?;
    let all = Channels { first: 0, count: out[3] };
    forward_channels(gpu, &operands, (&x, weight, geometry.into()), (address, out), all, &statistics)?;
    Ok(z)
}

/// The gradient of a weight of this shape, `[taps * ci, of.count]` in all, that made channels `of` of the output.
pub(super) fn weight_gradient(
    gpu: &Gpu,
    kernel: &'static str,
    (x, [_, _, _, ci]): (&InputArgument, [usize; 4]),
    (grad, [n, oh, ow, _]): (&GradientArgument, [usize; 4]),
    taps: Taps,
    of: Channels,
    shape: &Shape,
) -> Result<WeightGradient> {
    let operands = Operands::new(gpu, kernel);
    let mut arguments = vec![Argument::Input(x), Argument::Gradient(grad)];
    arguments.extend(taps.arguments(&operands)?);
    arguments.extend(operands.numbers([of.first, of.count])?);
    let size = [taps.count * ci, of.count];
    // SAFETY: the arguments of the kernel; input and gradient were checked.
    unsafe { pieces::weight_gradient(gpu, kernel, "conv_backward_weight", n * oh * ow, size, arguments, shape) }
}

/// Gradients of [`forward`]; `out` is the shape of its output.
pub(super) fn backward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    (weight, geometry): (&Tensor, ConvGeometry),
    (grad, out): (Gradient<'_>, [usize; 4]),
    request: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    let taps = Taps::from(geometry);
    let [n, h, w, ci] = shape;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let grad = operands.gradient(grad, out)?;
    let address = operands.counted("weight", weight)?;
    let taps_arguments = taps.arguments(&operands)?;
    let input = input_gradient(gpu, kernel, &mut operands, (&x, shape), request, |target| {
        let mut arguments = vec![Argument::Input(&x), Argument::Gradient(&grad), Argument::Address(address)];
        arguments.extend(taps_arguments);
        arguments.push(Argument::Target(target));
        // SAFETY: the arguments of the kernel; the target has the input's shape.
        unsafe { gpu.multiply("conv_backward_input", [n * h * w, ci], ci, &arguments) }
    })?;
    let mut weights = Vec::new();
    if want_weights {
        let of = Channels { first: 0, count: out[3] };
        weights.push(weight_gradient(gpu, kernel, (&x, shape), (&grad, out), taps, of, weight.shape())?);
    }
    Ok(ConvGradients { input, weights })
}
