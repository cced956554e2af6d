//! Depthwise, then pointwise convolution on a GPU.

use candle_core::Tensor;

use super::arguments::Argument;
use super::depthwise::{Both, check_size, filter_name, geometry_arguments};
use super::device::Gpu;
use super::moments::Statistics;
use super::operands::Operands;
use super::pieces::weight_gradient;
use super::scratch::Use;
use crate::error::Result;
use crate::geometry::Geometry;
use crate::results::ConvGradients;
use crate::view::{Gradient, Input, InputGradient};

/// The raw output, of the shape `out`; also its statistics, where there is room for them. `weights`: depthwise and pointwise.
pub(super) fn forward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    (weights, geometry): ([&Tensor; 2], Geometry),
    out: [usize; 4],
    statistics: Option<&Statistics>,
) -> Result<Tensor> {
    let [n, oh, ow, co] = out;
    let z = gpu.unwritten(out.to_vec())?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let mut arguments = vec![
        Argument::Input(&x),
        Argument::Address(operands.counted("depthwise", weights[0])?),
        Argument::Address(operands.counted("pointwise", weights[1])?),
    ];
    arguments.extend(geometry_arguments(&operands, geometry)?);
    arguments.extend(operands.numbers([oh, ow, co])?);
    arguments.push(Argument::Address(operands.output(&z)?));
    let statistics = Statistics::optional(statistics, &mut operands)?;
    arguments.push(Argument::Statistics(&statistics));
    // SAFETY: the arguments of the kernel; weights were checked, `z` and the statistics have the output's sizes.
    unsafe { gpu.multiply(&filter_name("separable_forward", geometry), [n * oh * ow, co], co, &arguments)? };
    Ok(z)
}

/// Gradients of [`forward`]; `out` is the shape of its output.
pub(super) fn backward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    (weights, geometry): ([&Tensor; 2], Geometry),
    (grad, out): (Gradient<'_>, [usize; 4]),
    request: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    check_size(kernel, geometry)?;
    let [n, oh, ow, co] = out;
    let (pixels, ci) = (n * oh * ow, shape[3]);
    let between = gpu.scratch(Use::Between, pixels * ci)?.reshape((n, oh, ow, ci))?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let grad = operands.gradient(grad, out)?;
    let depthwise = operands.counted("depthwise", weights[0])?;
    let arguments = [
        Argument::Gradient(&grad),
        Argument::Address(operands.counted("pointwise", weights[1])?),
        Argument::Int(operands.int(ci)?),
        Argument::Address(operands.write("between", &between)?),
    ];
    // SAFETY: the arguments of the kernel; `between` has the depthwise output's shape.
    unsafe { gpu.multiply("separable_backward_between", [pixels, ci], ci, &arguments)? };

    let between_shape = [n, oh, ow, ci];
    let plain = Gradient { dy: &between, norm: None, gate: 1.0, sample: None };
    // `between` is written above and read from here on, by launches that come after it.
    let back = Operands::new(gpu, kernel).gradient(plain, between_shape)?;
    let both = Both { x: &x, shape, grad: &back, out: between_shape, geometry };
    let input = both.input(gpu, kernel, &mut operands, depthwise, request)?;
    if !want_weights {
        return Ok(ConvGradients { input, weights: Vec::new() });
    }
    let mut arguments = vec![Argument::Input(&x), Argument::Gradient(&grad), Argument::Address(depthwise)];
    arguments.extend(geometry_arguments(&operands, geometry)?);
    let (name, shape) = (filter_name("separable_backward_pointwise", geometry), weights[1].shape());
    // SAFETY: the arguments of the kernel; input, gradient and weight were checked.
    let pointwise = unsafe { weight_gradient(gpu, kernel, &name, pixels, [ci, co], arguments, shape)? };
    Ok(ConvGradients { input, weights: vec![both.weight(gpu, kernel)?, pointwise] })
}
