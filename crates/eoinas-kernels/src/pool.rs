//! 3x3 pooling with padding 1, stride 1 or 2.

use candle_core::Tensor;

use crate::check::check_gradient;
use crate::device::Place;
use crate::error::Result;
use crate::geometry::{PoolKind, check_stride};
use crate::results::BatchStats;
use crate::tensors::{expect_dims, image_dims};
use crate::view::Gradient;
use crate::workspace::Workspace;
use crate::{cpu, gpu};

/// Shapes of input and output.
fn shapes(kernel: &'static str, x: &Tensor, stride: usize) -> Result<([usize; 4], [usize; 4])> {
    let (n, h, w, c) = image_dims(kernel, "x", x)?;
    check_stride(kernel, stride)?;
    Ok(([n, h, w, c], [n, h.div_ceil(stride), w.div_ceil(stride), c]))
}

/// Pools `x` (`[n, h, w, c]`) to `[n, ceil(h / stride), ceil(w / stride), c]`; also the result's statistics, if they are
/// wanted.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor `[n, h, w, c]`, or a stride other than 1 and 2.
pub fn pool_forward(
    ws: &Workspace,
    x: &Tensor,
    kind: PoolKind,
    stride: usize,
    want_stats: bool,
) -> Result<(Tensor, Option<BatchStats>)> {
    const KERNEL: &str = "pool_forward";
    let (shape, out) = shapes(KERNEL, x, stride)?;
    match Place::of(x) {
        Place::Cpu => cpu::pool::forward(KERNEL, ws, (x, shape), (kind, stride), want_stats),
        Place::Gpu(gpu) => gpu::pool::forward(&gpu, KERNEL, (x, shape), (kind, stride), out, want_stats),
    }
}

/// Adds the gradient of the pooling's input `x` to `dx` (both `[n, h, w, c]`), in place, or writes it over what `dx`
/// holds unless `add`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of fitting shapes or share memory, or a stride other than 1 and 2.
pub fn pool_backward(
    x: &Tensor,
    kind: PoolKind,
    stride: usize,
    grad: Gradient<'_>,
    dx: &Tensor,
    add: bool,
) -> Result<()> {
    const KERNEL: &str = "pool_backward";
    let (shape, out) = shapes(KERNEL, x, stride)?;
    expect_dims(KERNEL, "dx", dx, x.dims())?;
    check_gradient(KERNEL, grad, out)?;
    match Place::of(x) {
        Place::Cpu => cpu::pool::backward(KERNEL, (x, shape), (kind, stride), grad, dx, add),
        Place::Gpu(gpu) => gpu::pool::backward(&gpu, KERNEL, (x, shape), (kind, stride), (grad, out), dx, add),
    }
}
