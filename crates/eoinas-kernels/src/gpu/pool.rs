//! 3x3 pooling on a GPU.

use candle_core::Tensor;

use super::arguments::Argument;
use super::device::Gpu;
use super::grid::Grid;
use super::moments::batch_stats;
use super::operands::Operands;
use crate::error::Result;
use crate::geometry::PoolKind;
use crate::results::BatchStats;
use crate::view::Gradient;

/// The output, of the shape `out`, and its statistics if they are wanted.
pub(crate) fn forward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, [n, h, w, c]): (&Tensor, [usize; 4]),
    (kind, stride): (PoolKind, usize),
    out: [usize; 4],
    want_stats: bool,
) -> Result<(Tensor, Option<BatchStats>)> {
    let z = gpu.unwritten(out.to_vec())?;
    let mut operands = Operands::new(gpu, kernel);
    operands.int(x.elem_count())?;
    let mut arguments = vec![Argument::Address(operands.read("x", x)?)];
    arguments.extend(operands.numbers([n, h, w, c, stride, usize::from(kind == PoolKind::Max), out[1], out[2]])?);
    arguments.push(Argument::Address(operands.output(&z)?));
    // SAFETY: the arguments of the kernel; `z` has the output's shape.
    unsafe { gpu.launch("pool_forward", Grid::values(z.elem_count()), &arguments)? };
    let stats = want_stats.then(|| batch_stats(gpu, kernel, &z, out)).transpose()?;
    Ok((z, stats))
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
