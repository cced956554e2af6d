//! BatchNorm as numbers per channel, on a GPU.

use candle_core::Tensor;

use super::arguments::Argument;
use super::device::Gpu;
use super::grid::Grid;
use super::operands::Operands;
use crate::error::Result;
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
    let out = gpu.unwritten(3 * c)?;
    let mut operands = Operands::new(gpu, kernel);
    let arguments = [
        Argument::Address(operands.read("mean", mean)?),
        Argument::Address(operands.read("variance", variance)?),
        Argument::Address(operands.optional("gamma", affine.map(|affine| affine.0))?),
        Argument::Address(operands.optional("beta", affine.map(|affine| affine.1))?),
        Argument::Double(eps),
        Argument::Int(operands.int(c)?),
        Argument::Address(operands.write("norm", &out)?),
    ];
    // SAFETY: the arguments of the kernel; `out` has three values a channel, every other tensor one.
    unsafe { gpu.launch("norm_map", Grid::each(c, 1), &arguments)? };
    let of = |row: usize| out.narrow(0, row * c, c);
    Ok(Norm { mean: mean.clone(), rstd: of(0)?, scale: of(1)?, shift: of(2)? })
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

/// The gradient's map in evaluation mode.
pub(crate) fn constant_map(gpu: &Gpu, kernel: &'static str, norm: &Norm, gate: f32) -> Result<GradCoefficients> {
    let c = norm.scale.elem_count();
    let out = gpu.unwritten(3 * c)?;
    let mut operands = Operands::new(gpu, kernel);
    let arguments = [
        Argument::Address(operands.read("scale", &norm.scale)?),
        Argument::Float(gate),
        Argument::Int(operands.int(c)?),
        Argument::Address(operands.write("coefficients", &out)?),
    ];
    // SAFETY: the arguments of the kernel; `out` has three values a channel.
    unsafe { gpu.launch("constant_map", Grid::each(c, 1), &arguments)? };
    let of = |row: usize| out.narrow(0, row * c, c);
    Ok(GradCoefficients { a: of(0)?, b: of(1)?, d: of(2)? })
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
