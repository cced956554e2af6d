//! 3x3 pooling with padding 1, stride 1 or 2.

use candle_core::Tensor;

use crate::Workspace;
use crate::access::{GradientGuard, check_gradient};
use crate::error::{KernelError, Result};
use crate::gpu::{self, Gpu};
use crate::moments::Moments;
use crate::norm::{BatchStats, batch_stats};
use crate::parallel::for_pieces;
use crate::simd::Level;
use crate::tensors::{Values, expect_dims, image_dims, read, write};
use crate::view::Gradient;

mod image;

use image::{Affine, Backward, Forward, Shape};

/// Which value of its window a pooling takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// The largest, or NaN where there is one. In backward the first of several (row by row), as in PyTorch; a window
    /// with a NaN passes no gradient on.
    Max,
    /// The mean of the window's pixels that lie inside the image (padding is not counted).
    Average,
}

fn sizes(kernel: &'static str, x: &Tensor, stride: usize) -> Result<(usize, Shape)> {
    let (n, h, w, c) = image_dims(kernel, "x", x)?;
    if !matches!(stride, 1 | 2) {
        let (got, expected) = (stride.to_string(), "1 or 2".to_owned());
        return Err(KernelError::Argument { kernel, argument: "stride", got, expected });
    }
    Ok((n, Shape { h, w, c, stride }))
}

/// Pools `x` (`[n, h, w, c]`) to `[n, ceil(h / stride), ceil(w / stride), c]`; also the result's statistics.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor `[n, h, w, c]`, or a stride other than 1 and 2.
pub fn pool_forward(ws: &Workspace, x: &Tensor, kind: PoolKind, stride: usize) -> Result<(Tensor, BatchStats)> {
    const KERNEL: &str = "pool_forward";
    if let Some(gpu) = Gpu::of(x) {
        let z = pool_on_gpu(&gpu, KERNEL, x, kind, stride)?;
        let stats = batch_stats(ws, &z)?;
        return Ok((z, stats));
    }
    let (z, moments) = pool(KERNEL, ws, x, kind, stride, true)?;
    Ok((z, moments.batch_stats()?))
}

/// The output of [`pool_forward`] alone.
///
/// # Errors
/// As [`pool_forward`].
pub fn pool_apply(ws: &Workspace, x: &Tensor, kind: PoolKind, stride: usize) -> Result<Tensor> {
    const KERNEL: &str = "pool_apply";
    match Gpu::of(x) {
        Some(gpu) => pool_on_gpu(&gpu, KERNEL, x, kind, stride),
        None => Ok(pool(KERNEL, ws, x, kind, stride, false)?.0),
    }
}

fn pool_on_gpu(gpu: &Gpu, kernel: &'static str, x: &Tensor, kind: PoolKind, stride: usize) -> Result<Tensor> {
    let (n, shape) = sizes(kernel, x, stride)?;
    gpu::pool::forward(gpu, kernel, (x, [n, shape.h, shape.w, shape.c]), (kind, stride), shape.out())
}

/// The output and its moments, empty unless they are wanted.
fn pool(
    kernel: &'static str,
    ws: &Workspace,
    x: &Tensor,
    kind: PoolKind,
    stride: usize,
    want_stats: bool,
) -> Result<(Tensor, Moments)> {
    let (n, shape) = sizes(kernel, x, stride)?;
    let ((oh, ow), c) = (shape.out(), shape.c);
    let values = read(kernel, "x", x)?;
    let x: &[f32] = &values;
    let mut out = ws.take(n * oh * ow * c);
    let (level, len) = (Level::current(), shape.h * shape.w * c);
    let pieces = for_pieces(n, &mut [&mut out], |images, parts| {
        let mut moments = Moments::new(c);
        for (image, out) in images.zip(parts.iter_mut().flat_map(|part| part.chunks_exact_mut(oh * ow * c))) {
            level.run(Forward { shape, kind, x: &x[image * len..][..len], out });
            if want_stats {
                moments.add_image(level, out);
            }
        }
        moments
    });
    Ok((ws.tensor(out, (n, oh, ow, c))?, Moments::merged(c, &pieces)))
}

/// Adds the gradient of the pooling's input `x` to `dx` (both `[n, h, w, c]`), in place, or writes it over what `dx`
/// holds unless `add`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of fitting shapes or share memory, or a stride other than 1 and 2.
pub fn pool_backward(
    _ws: &Workspace,
    x: &Tensor,
    kind: PoolKind,
    stride: usize,
    grad: Gradient<'_>,
    dx: &Tensor,
    add: bool,
) -> Result<()> {
    const KERNEL: &str = "pool_backward";
    let (n, shape) = sizes(KERNEL, x, stride)?;
    expect_dims(KERNEL, "dx", dx, x.dims())?;
    let ((oh, ow), c) = (shape.out(), shape.c);
    let out = [n, oh, ow, c];
    check_gradient(KERNEL, grad, out)?;
    if let Some(gpu) = Gpu::of(x) {
        return gpu::pool::backward(&gpu, KERNEL, (x, [n, shape.h, shape.w, c]), (kind, stride), (grad, out), dx, add);
    }
    let guard = GradientGuard::new(KERNEL, grad)?;
    let values = read(KERNEL, "x", x)?;
    let reads: Vec<&Values<'_>> = guard.reads().chain([&values]).collect();
    let (x, grad): (&[f32], _) = (&values, guard.view());
    let (level, len, out_len) = (Level::current(), shape.h * shape.w * c, oh * ow * c);
    write(KERNEL, "dx", &[dx], &reads, |out| {
        for_pieces(n, out, |images, parts| {
            let mut a = vec![0.0; c];
            for (image, dx) in images.zip(parts.iter_mut().flat_map(|part| part.chunks_exact_mut(len))) {
                if !add {
                    dx.fill(0.0);
                }
                let sample = grad.sample.and_then(|s| s.get(image)).copied().unwrap_or(1.0);
                match grad.norm {
                    None => a.fill(grad.gate * sample),
                    Some((_, [factor, _, _])) => a.iter_mut().zip(factor).for_each(|(a, factor)| *a = factor * sample),
                }
                let [_, b, d] = grad.norm.map_or([&[][..]; 3], |(_, coefficients)| coefficients);
                let pixels = image * out_len..(image + 1) * out_len;
                let z = grad.norm.map(|(z, _)| &z[pixels.clone()]);
                let grad = Affine { dy: &grad.dy[pixels], z, a: &a, b, d };
                level.run(Backward { shape, kind, x: &x[image * len..][..len], grad, dx });
            }
        });
        Ok(())
    })
}
