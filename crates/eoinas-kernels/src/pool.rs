//! 3x3 pooling with padding 1, stride 1 or 2.

use candle_core::Tensor;

use crate::Workspace;
use crate::error::{KernelError, Result};
use crate::norm::{BatchStats, stats_of};
use crate::tensors::{expect_dims, image_dims, read, shape_error, write};
use crate::view::Gradient;

/// Which value of its window a pooling takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PoolKind {
    /// The largest; in backward the first of several (row by row), as in PyTorch. A NaN wins over everything.
    Max,
    /// The mean of the window's pixels that lie inside the image (padding is not counted).
    Average,
}

fn check_stride(kernel: &'static str, stride: usize) -> Result<()> {
    if matches!(stride, 1 | 2) {
        return Ok(());
    }
    Err(KernelError::Argument { kernel, argument: "stride", got: stride.to_string(), expected: "1 or 2".into() })
}

/// Input rows (or columns) of the window of output row `o`.
fn window(o: usize, stride: usize, size: usize) -> std::ops::Range<usize> {
    (o * stride).saturating_sub(1)..(o * stride + 2).min(size)
}

/// Pools `x` (`[n, h, w, c]`) to `[n, ceil(h / stride), ceil(w / stride), c]`; also the result's statistics.
///
/// # Errors
/// A tensor that is not a contiguous f32 CPU tensor `[n, h, w, c]`, or a stride other than 1 and 2.
pub fn pool_forward(ws: &Workspace, x: &Tensor, kind: PoolKind, stride: usize) -> Result<(Tensor, BatchStats)> {
    const KERNEL: &str = "pool_forward";
    check_stride(KERNEL, stride)?;
    let (n, h, w, c) = image_dims(KERNEL, "x", x)?;
    let (oh, ow) = (h.div_ceil(stride), w.div_ceil(stride));
    let values = read(KERNEL, "x", x)?;
    let mut out = ws.take(n * oh * ow * c);
    for (x, out) in values.chunks_exact(h * w * c).zip(out.chunks_exact_mut(oh * ow * c)) {
        for (p, out) in out.chunks_exact_mut(c).enumerate() {
            let (rows, columns) = (window(p / ow, stride, h), window(p % ow, stride, w));
            let size = (rows.len() * columns.len()) as f32;
            out.fill(if kind == PoolKind::Max { f32::NEG_INFINITY } else { 0.0 });
            for i in rows {
                for j in columns.clone() {
                    for (out, &x) in out.iter_mut().zip(&x[(i * w + j) * c..]) {
                        match kind {
                            PoolKind::Max if x > *out || x.is_nan() => *out = x,
                            PoolKind::Max => {}
                            PoolKind::Average => *out += x,
                        }
                    }
                }
            }
            if kind == PoolKind::Average {
                out.iter_mut().for_each(|out| *out /= size);
            }
        }
    }
    let stats = stats_of(&out, n * oh * ow, c)?;
    Ok((ws.tensor(out, (n, oh, ow, c))?, stats))
}

/// Adds the gradient of the pooling's input `x` to `add_to` (both `[n, h, w, c]`), in place.
///
/// # Errors
/// Tensors that are not contiguous f32 CPU tensors of fitting shapes, or a stride other than 1 and 2.
pub fn pool_backward(
    _ws: &Workspace,
    x: &Tensor,
    kind: PoolKind,
    stride: usize,
    grad: Gradient<'_>,
    add_to: &Tensor,
) -> Result<()> {
    const KERNEL: &str = "pool_backward";
    check_stride(KERNEL, stride)?;
    let (n, h, w, c) = image_dims(KERNEL, "x", x)?;
    expect_dims(KERNEL, "add_to", add_to, x.dims())?;
    let (oh, ow) = (h.div_ceil(stride), w.div_ceil(stride));
    let d = gradient_values(KERNEL, &grad, [n, oh, ow, c])?;
    let values = read(KERNEL, "x", x)?;
    write(KERNEL, "add_to", &[add_to], &[&values], |out| {
        let Some(out) = out.first_mut() else { return Err(shape_error(KERNEL, "add_to", add_to, "one tensor")) };
        let images = values.chunks_exact(h * w * c).zip(d.chunks_exact(oh * ow * c));
        for ((x, d), out) in images.zip(out.chunks_exact_mut(h * w * c)) {
            for (p, d) in d.chunks_exact(c).enumerate() {
                let (rows, columns) = (window(p / ow, stride, h), window(p % ow, stride, w));
                let share = 1.0 / (rows.len() * columns.len()) as f32;
                for (k, &d) in d.iter().enumerate() {
                    let mut best: Option<(f32, usize)> = None;
                    for i in rows.clone() {
                        for j in columns.clone() {
                            let at = (i * w + j) * c + k;
                            if kind == PoolKind::Average {
                                out[at] += d * share;
                            } else if best.is_none_or(|(max, _)| x[at] > max || x[at].is_nan()) {
                                best = Some((x[at], at));
                            }
                        }
                    }
                    if let Some((_, at)) = best {
                        out[at] += d;
                    }
                }
            }
        }
        Ok(())
    })
}

/// The gradient at an op's raw output, `[n, h, w, c]`, as plain values.
fn gradient_values(kernel: &'static str, grad: &Gradient<'_>, dims: [usize; 4]) -> Result<Vec<f32>> {
    let [n, _, _, c] = dims;
    expect_dims(kernel, "dy", grad.dy, &dims)?;
    let mut d = read(kernel, "dy", grad.dy)?.to_vec();
    let image = d.len() / n;
    if let Some(sample) = grad.sample {
        expect_dims(kernel, "sample", sample, &[n])?;
        for (d, s) in d.chunks_exact_mut(image).zip(read(kernel, "sample", sample)?.iter()) {
            d.iter_mut().for_each(|d| *d *= s);
        }
    }
    let Some((z, k)) = grad.norm else {
        d.iter_mut().for_each(|d| *d *= grad.gate);
        return Ok(d);
    };
    expect_dims(kernel, "z", z, &dims)?;
    for tensor in [&k.a, &k.b, &k.d] {
        expect_dims(kernel, "coefficients", tensor, &[c])?;
    }
    let (a, b, e) = (read(kernel, "a", &k.a)?, read(kernel, "b", &k.b)?, read(kernel, "d", &k.d)?);
    for (d, z) in d.chunks_exact_mut(c).zip(read(kernel, "z", z)?.chunks_exact(c)) {
        for j in 0..c {
            d[j] = a[j] * d[j] + b[j] * z[j] + e[j];
        }
    }
    Ok(d)
}
