//! Depthwise, then pointwise convolution on a GPU.

use candle_core::Tensor;

use super::Gpu;
use super::arguments::{Argument, GradientArgument, InputArgument};
use super::conv::{ROWS, weight_pieces};
use super::depthwise::{Both, check_size, geometry_arguments};
use super::launch::{Grid, tile};
use super::norm::{Moments, sum_pieces};
use super::operands::Operands;
use crate::depthwise::Geometry;
use crate::error::Result;
use crate::norm::BatchStats;
use crate::separable::SeparableGradients;
use crate::view::{Gradient, Input, InputGradient};

/// The raw output and its statistics. `weights`: depthwise and pointwise.
pub(crate) fn forward(
    gpu: &Gpu,
    kernel: &'static str,
    x: (Input<'_>, [usize; 4]),
    weights: [&Tensor; 2],
    geometry: Geometry,
) -> Result<(Tensor, BatchStats)> {
    let [n, oh, ow, co] = output(x.1, weights[1], geometry)?;
    let moments = Moments::of_tiles(gpu, n * oh * ow, ROWS, co)?;
    let z = run(gpu, kernel, x, weights, geometry, Some(&moments))?;
    Ok((z, moments.stats(gpu, kernel)?))
}

/// The raw output.
pub(crate) fn apply(
    gpu: &Gpu,
    kernel: &'static str,
    x: (Input<'_>, [usize; 4]),
    weights: [&Tensor; 2],
    geometry: Geometry,
) -> Result<Tensor> {
    run(gpu, kernel, x, weights, geometry, None)
}

fn output([n, h, w, _]: [usize; 4], pointwise: &Tensor, geometry: Geometry) -> Result<[usize; 4]> {
    Ok([n, h.div_ceil(geometry.stride), w.div_ceil(geometry.stride), pointwise.dim(1)?])
}

fn run(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    weights: [&Tensor; 2],
    geometry: Geometry,
    moments: Option<&Moments>,
) -> Result<Tensor> {
    let out = output(shape, weights[1], geometry)?;
    let [n, oh, ow, co] = out;
    let z = gpu.unwritten(out.to_vec())?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let mut arguments = vec![
        Argument::Input(&x),
        Argument::Address(operands.read("depthwise", weights[0])?),
        Argument::Address(operands.read("pointwise", weights[1])?),
    ];
    arguments.extend(geometry_arguments(&operands, geometry)?);
    for number in [oh, ow, co] {
        arguments.push(Argument::Int(operands.int(number)?));
    }
    arguments.push(Argument::Address(operands.output(&z)?));
    let parts = moments.map_or(Ok(0), |moments| operands.write("moments", &moments.parts))?;
    arguments.push(Argument::Address(parts));
    let (columns, suffix) = tile(co);
    let blocks = [(n * oh * ow).div_ceil(ROWS), co.div_ceil(columns), 1];
    // SAFETY: the arguments of the kernel; weights were checked, `z` and the moments have the output's sizes.
    unsafe { gpu.launch(&format!("separable_forward{suffix}"), Grid::tiles(blocks), &arguments)? };
    Ok(z)
}

/// Gradients of [`forward`]; `out` is the shape of its output.
#[expect(clippy::too_many_arguments, reason = "those of the function that this is for a GPU")]
pub(crate) fn backward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    weights: [&Tensor; 2],
    geometry: Geometry,
    (grad, out): (Gradient<'_>, [usize; 4]),
    request: InputGradient<'_>,
    want_weights: bool,
) -> Result<SeparableGradients> {
    check_size(kernel, geometry)?;
    let [n, oh, ow, co] = out;
    let (pixels, ci) = (n * oh * ow, shape[3]);
    let between = gpu.unwritten((n, oh, ow, ci))?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let grad = operands.gradient(grad, out)?;
    let depthwise = operands.read("depthwise", weights[0])?;
    let arguments = [
        Argument::Gradient(&grad),
        Argument::Address(operands.read("pointwise", weights[1])?),
        Argument::Int(operands.int(ci)?),
        Argument::Address(operands.write("between", &between)?),
    ];
    let (columns, suffix) = tile(ci);
    let grid = Grid::tiles([pixels.div_ceil(ROWS), ci.div_ceil(columns), 1]);
    // SAFETY: the arguments of the kernel; `between` has the depthwise output's shape.
    unsafe { gpu.launch(&format!("separable_backward_between{suffix}"), grid, &arguments)? };

    let between_shape = [n, oh, ow, ci];
    let plain = Gradient { dy: &between, norm: None, gate: 1.0, sample: None };
    // `between` is written above and read from here on, by launches that come after it.
    let back = Operands::new(gpu, kernel).gradient(plain, between_shape)?;
    let both = Both { x: &x, shape, grad: &back, out: between_shape, geometry };
    let input = both.input(gpu, kernel, &mut operands, depthwise, request)?;
    let (depthwise, pointwise) = if want_weights {
        let pointwise = pointwise_gradient(gpu, kernel, &x, (&grad, pixels), depthwise, geometry, [ci, co])?;
        (Some(both.weight(gpu, kernel)?), Some(pointwise))
    } else {
        (None, None)
    };
    Ok(SeparableGradients { input, depthwise, pointwise })
}

/// The gradient of the pointwise weight, `[ci, co]`.
fn pointwise_gradient(
    gpu: &Gpu,
    kernel: &'static str,
    x: &InputArgument,
    (grad, pixels): (&GradientArgument, usize),
    depthwise: u64,
    geometry: Geometry,
    [ci, co]: [usize; 2],
) -> Result<Tensor> {
    let (pieces, blocks, suffix) = weight_pieces(pixels, ci, co);
    let parts = gpu.unwritten((pieces.count, ci * co))?;
    let mut operands = Operands::new(gpu, kernel);
    let mut arguments = vec![Argument::Input(x), Argument::Gradient(grad), Argument::Address(depthwise)];
    arguments.extend(geometry_arguments(&operands, geometry)?);
    arguments.push(Argument::Int(operands.int(pieces.share)?));
    arguments.push(Argument::Address(operands.write("parts", &parts)?));
    // SAFETY: the arguments of the kernel; `parts` holds a weight's gradient for each piece.
    unsafe { gpu.launch(&format!("separable_backward_pointwise{suffix}"), Grid::tiles(blocks), &arguments)? };
    Ok(sum_pieces(gpu, kernel, &parts, pieces.count, ci * co)?.reshape((ci, co))?)
}
