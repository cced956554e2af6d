//! BatchNorm as numbers per channel, on a GPU.

use candle_core::Tensor;

use super::arguments::Argument;
use super::device::Gpu;
use super::grid::Grid;
use super::operands::Operands;
use crate::error::Result;
use crate::results::GradSums;
use crate::view::{GradCoefficients, Gradient, Norm};

pub(crate) use super::moments::batch_stats;

/// The map of these statistics; all tensors are `[c]`.
pub(crate) fn map(
    gpu: &Gpu,
    kernel: &'static str,
    mean: &Tensor,
    variance: &Tensor,
    affine: Option<(&Tensor, &Tensor)>,
    eps: f64,
) -> Result<Norm> {
    let c = mean.elem_count();
    let out = [gpu.unwritten(c)?, gpu.unwritten(c)?, gpu.unwritten(c)?];
    let mut operands = Operands::new(gpu, kernel);
    let mut arguments = vec![
        Argument::Address(operands.read("mean", mean)?),
        Argument::Address(operands.read("variance", variance)?),
        Argument::Address(operands.optional("gamma", affine.map(|affine| affine.0))?),
        Argument::Address(operands.optional("beta", affine.map(|affine| affine.1))?),
        Argument::Double(eps),
        Argument::Int(operands.int(c)?),
    ];
    for tensor in &out {
        arguments.push(Argument::Address(operands.write("norm", tensor)?));
    }
    // SAFETY: the arguments of the kernel; every tensor has `c` values.
    unsafe { gpu.launch("norm_map", Grid::each(c, 1), &arguments)? };
    let [rstd, scale, shift] = out;
    Ok(Norm { mean: mean.clone(), rstd, scale, shift })
}

/// Moves running statistics, in place; both `[c]`.
pub(crate) fn update_running(
    gpu: &Gpu,
    kernel: &'static str,
    running: &Tensor,
    batch: &Tensor,
    momentum: f64,
    factor: f64,
) -> Result<()> {
    let c = batch.elem_count();
    let mut operands = Operands::new(gpu, kernel);
    let batch = operands.read("stats", batch)?;
    let arguments = [
        Argument::Address(operands.write("running", running)?),
        Argument::Address(batch),
        Argument::Double(momentum),
        Argument::Double(factor),
        Argument::Int(operands.int(c)?),
    ];
    // SAFETY: the arguments of the kernel; both tensors have `c` values.
    unsafe { gpu.launch("update_running", Grid::each(c, 1), &arguments) }
}

/// The gradient's map: in training mode with the sums over `count` values, in evaluation mode without.
pub(crate) fn gradient_map(
    gpu: &Gpu,
    kernel: &'static str,
    norm: &Norm,
    sums: Option<(&GradSums, usize)>,
    gate: f32,
) -> Result<GradCoefficients> {
    let c = norm.scale.elem_count();
    let out = [gpu.unwritten(c)?, gpu.unwritten(c)?, gpu.unwritten(c)?];
    let mut operands = Operands::new(gpu, kernel);
    let mut arguments = vec![
        Argument::Address(operands.read("mean", &norm.mean)?),
        Argument::Address(operands.read("rstd", &norm.rstd)?),
        Argument::Address(operands.read("scale", &norm.scale)?),
        Argument::Address(operands.optional("dy", sums.map(|(sums, _)| &sums.dy))?),
        Argument::Address(operands.optional("dy_xhat", sums.map(|(sums, _)| &sums.dy_xhat))?),
        Argument::Double(sums.map_or(1.0, |(_, count)| count as f64)),
        Argument::Float(gate),
        Argument::Int(operands.int(c)?),
    ];
    for tensor in &out {
        arguments.push(Argument::Address(operands.write("coefficients", tensor)?));
    }
    // SAFETY: the arguments of the kernel; every tensor has `c` values.
    unsafe { gpu.launch("gradient_map", Grid::each(c, 1), &arguments)? };
    let [a, b, d] = out;
    Ok(GradCoefficients { a, b, d })
}

/// The gradient that a [`Gradient`] stands for.
pub(crate) fn output_gradient(
    gpu: &Gpu,
    kernel: &'static str,
    (grad, [n, h, w, c]): (Gradient<'_>, [usize; 4]),
) -> Result<Tensor> {
    let out = gpu.unwritten((n, h, w, c))?;
    let mut operands = Operands::new(gpu, kernel);
    let grad = operands.gradient(grad, [n, h, w, c])?;
    let arguments = [Argument::Gradient(&grad), Argument::Address(operands.output(&out)?)];
    // SAFETY: the arguments of the kernel; `out` has the gradient's shape.
    unsafe { gpu.launch("output_gradient", Grid::values(n * h * w * c), &arguments)? };
    Ok(out)
}
