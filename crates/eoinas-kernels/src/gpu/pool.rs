//! 3x3 pooling on a GPU.

use candle_core::Tensor;

use super::Gpu;
use super::arguments::Argument;
use super::launch::Grid;
use super::operands::Operands;
use crate::error::Result;
use crate::pool::PoolKind;
use crate::view::Gradient;

/// The output, of this height and width.
pub(crate) fn forward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, [n, h, w, c]): (&Tensor, [usize; 4]),
    (kind, stride): (PoolKind, usize),
    (oh, ow): (usize, usize),
) -> Result<Tensor> {
    let z = gpu.unwritten((n, oh, ow, c))?;
    let mut operands = Operands::new(gpu, kernel);
    operands.int(x.elem_count())?;
    let mut arguments = vec![Argument::Address(operands.read("x", x)?)];
    arguments.extend(operands.numbers([n, h, w, c, stride, usize::from(kind == PoolKind::Max), oh, ow])?);
    arguments.push(Argument::Address(operands.output(&z)?));
    // SAFETY: the arguments of the kernel; `z` has the output's shape.
    unsafe { gpu.launch("pool_forward", Grid::values(n * oh * ow * c), &arguments)? };
    Ok(z)
}

/// Adds the gradient of the input to `dx`, or writes it there; `out` is the shape of the output.
pub(crate) fn backward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, [n, h, w, c]): (&Tensor, [usize; 4]),
    (kind, stride): (PoolKind, usize),
    (grad, out): (Gradient<'_>, [usize; 4]),
    dx: &Tensor,
    add: bool,
) -> Result<()> {
    let mut operands = Operands::new(gpu, kernel);
    operands.int(x.elem_count())?;
    let grad = operands.gradient(grad, out)?;
    let mut arguments = vec![Argument::Address(operands.read("x", x)?), Argument::Gradient(&grad)];
    arguments.extend(operands.numbers([h, w, stride, usize::from(kind == PoolKind::Max), usize::from(add)])?);
    arguments.push(Argument::Address(operands.write("dx", dx)?));
    // SAFETY: the arguments of the kernel; `dx` was checked to have the shape of `x`.
    unsafe { gpu.launch("pool_backward", Grid::values(n * h * w * c), &arguments) }
}
