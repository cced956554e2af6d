//! Passes over single values on a GPU.

use candle_core::{DType, Tensor};

use super::arguments::Argument;
use super::device::Gpu;
use super::grid::Grid;
use super::operands::Operands;
use crate::error::Result;

/// ReLU, or with `dy` the way back through it.
pub(crate) fn relu(gpu: &Gpu, kernel: &'static str, x: &Tensor, dy: Option<&Tensor>) -> Result<Tensor> {
    let (values, out) = (x.elem_count(), gpu.unwritten(x.shape())?);
    let mut operands = Operands::new(gpu, kernel);
    let mut arguments = vec![Argument::Address(operands.read("x", x)?)];
    if let Some(dy) = dy {
        arguments.push(Argument::Address(operands.read("dy", dy)?));
    }
    arguments.push(Argument::Int(operands.int(values)?));
    arguments.push(Argument::Address(operands.output(&out)?));
    let name = if dy.is_some() { "relu_backward" } else { "relu_forward" };
    // SAFETY: the arguments of the kernel; all tensors have one shape.
    unsafe { gpu.launch(name, Grid::values(values), &arguments)? };
    Ok(out)
}

/// Writes `factor * x` where `keep` is not 0 and 0 elsewhere, or adds that.
pub(crate) fn dropout(
    gpu: &Gpu,
    kernel: &'static str,
    x: &Tensor,
    keep: &[u8],
    factor: f32,
    out: &Tensor,
    add: bool,
) -> Result<()> {
    let values = x.elem_count();
    let keep = Tensor::from_slice(keep, values, &gpu.device())?;
    let mut operands = Operands::new(gpu, kernel);
    let arguments = [
        Argument::Address(operands.read("x", x)?),
        Argument::Address(operands.read_as("keep", &keep, DType::U8)?),
        Argument::Float(factor),
        Argument::Int(operands.int(values)?),
        Argument::Int(i32::from(add)),
        Argument::Address(operands.write("dx", out)?),
    ];
    // SAFETY: the arguments of the kernel; all have as many values as `x`.
    unsafe { gpu.launch("dropout", Grid::values(values), &arguments) }
}

/// Writes zeros.
pub(crate) fn set_zero(gpu: &Gpu, kernel: &'static str, x: &Tensor) -> Result<()> {
    let values = x.elem_count();
    let mut operands = Operands::new(gpu, kernel);
    let arguments = [Argument::Address(operands.write("x", x)?), Argument::Int(operands.int(values)?)];
    // SAFETY: the arguments of the kernel.
    unsafe { gpu.launch("set_zero", Grid::values(values), &arguments) }
}
