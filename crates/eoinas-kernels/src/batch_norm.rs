//! BatchNorm as a pass of its own, for who does not leave it to the next reader.

use candle_core::Tensor;

use crate::Workspace;
use crate::access::{GradientGuard, check_gradient};
use crate::channelwise::{Period, combine};
use crate::error::Result;
use crate::gpu::{self, Gpu};
use crate::node::{Term, node_sum, node_sum_backward};
use crate::norm::{BatchStats, GradCoefficients, GradSums, Norm, batch_stats};
use crate::parallel::for_pieces;
use crate::simd::Level;
use crate::tensors::image_dims;
use crate::view::Gradient;

/// Normalises `z` (`[n, h, w, c]`) by its own statistics. `affine`: gamma and beta, `[c]` each. Returns the result, the
/// map that was applied, and the statistics.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of these shapes.
pub fn batch_norm_forward(
    ws: &Workspace,
    z: &Tensor,
    affine: Option<(&Tensor, &Tensor)>,
    eps: f64,
) -> Result<(Tensor, Norm, BatchStats)> {
    let stats = batch_stats(ws, z)?;
    let norm = Norm::from_stats(&stats, affine, eps)?;
    Ok((normalise(ws, z, &norm)?, norm, stats))
}

/// `scale * z + shift`, for a BatchNorm in evaluation mode ([`Norm::running`]).
///
/// # Errors
/// Tensors that are not contiguous f32 tensors `[n, h, w, c]` and `[c]`.
pub fn normalise(ws: &Workspace, z: &Tensor, norm: &Norm) -> Result<Tensor> {
    let shape = image_dims("normalise", "z", z)?;
    node_sum(ws, shape, &[Term { z, norm: Some(norm), gate: 1.0, sample: None }])
}

/// Gradient of `z` after [`batch_norm_forward`] (`training`) or [`normalise`], of the result's gradient `dy`; also its
/// sums, which are the gradients of beta and gamma.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of fitting shapes.
pub fn batch_norm_backward(
    ws: &Workspace,
    z: &Tensor,
    norm: &Norm,
    dy: &Tensor,
    training: bool,
) -> Result<(Tensor, GradSums)> {
    const KERNEL: &str = "batch_norm_backward";
    let (n, h, w, _) = image_dims(KERNEL, "z", z)?;
    let terms = [Term { z, norm: Some(norm), gate: 1.0, sample: None }];
    let sums = node_sum_backward(ws, dy, &terms, false)?.into_iter().find_map(|term| term.sums);
    let sums = sums.ok_or_else(|| crate::tensors::shape_error(KERNEL, "dy", dy, "that of z"))?;
    let map = if training {
        GradCoefficients::training(norm, &sums, n * h * w, 1.0)?
    } else {
        GradCoefficients::evaluation(norm, 1.0)?
    };
    Ok((output_gradient(ws, Gradient { dy, norm: Some((z, &map)), gate: 1.0, sample: None })?, sums))
}

/// The gradient that a [`Gradient`] stands for, `[n, h, w, c]`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of fitting shapes.
pub fn output_gradient(ws: &Workspace, grad: Gradient<'_>) -> Result<Tensor> {
    const KERNEL: &str = "output_gradient";
    let (n, h, w, c) = image_dims(KERNEL, "dy", grad.dy)?;
    check_gradient(KERNEL, grad, [n, h, w, c])?;
    if let Some(gpu) = Gpu::of(grad.dy) {
        return gpu::node::output_gradient(&gpu, KERNEL, (grad, [n, h, w, c]));
    }
    let guard = GradientGuard::new(KERNEL, grad)?;
    let (view, level, len) = (guard.view(), Level::current(), h * w * c);
    let mut out = ws.take(n * len);
    let period = Period::new(c, len);
    let constant = view.norm.map_or_else(|| period.constant(0.0), |(_, [_, _, d])| period.repeat(d, |d| d));
    let of_z = view.norm.map(|(_, [_, b, _])| period.repeat(b, |b| b));
    for_pieces(n, &mut [&mut out], |images, parts| {
        for (image, out) in images.zip(parts.iter_mut().flat_map(|part| part.chunks_exact_mut(len))) {
            let pixels = image * len..(image + 1) * len;
            let sample = view.sample.and_then(|s| s.get(image)).copied().unwrap_or(1.0);
            let of_dy = view
                .norm
                .map_or_else(|| period.constant(view.gate * sample), |(_, [a, _, _])| period.repeat(a, |a| a * sample));
            let dy = (&view.dy[pixels.clone()], of_dy.as_slice());
            match view.norm.zip(of_z.as_deref()) {
                None => combine(level, out, false, &constant, &[dy]),
                Some(((z, _), of_z)) => combine(level, out, false, &constant, &[dy, (&z[pixels], of_z)]),
            }
        }
    });
    ws.tensor(out, (n, h, w, c))
}
