//! BatchNorm: as numbers per channel (statistics, the map that readers apply, the map of its gradient), and as a pass of its
//! own for who does not leave it to the next reader.

use candle_core::Tensor;

use crate::check::check_gradient;
use crate::device::Place;
use crate::error::{KernelError, Result};
use crate::node::{node_sum, node_sum_backward};
use crate::results::{BatchStats, GradSums};
use crate::tensors::{expect_dims, image_dims};
pub use crate::view::EPSILON;
use crate::view::{GradCoefficients, Gradient, Norm, Term};
use crate::workspace::Workspace;
use crate::{cpu, gpu};

impl Norm {
    /// The BatchNorm of training mode, which normalises by the batch's own statistics. `affine`: gamma and beta, both
    /// `[c]`; `eps` is added to the variance ([`EPSILON`] in PyTorch).
    ///
    /// # Errors
    /// Tensors that are not f32 tensors `[c]` of one length.
    pub fn from_stats(stats: &BatchStats, affine: Option<(&Tensor, &Tensor)>, eps: f64) -> Result<Self> {
        if let (Some((plain, of)), None) = (&stats.plain, affine)
            && eps == EPSILON
            && *of == [stats.mean.id(), stats.variance.id()]
        {
            return Ok(plain.clone());
        }
        Self::running(&stats.mean, &stats.variance, affine, eps)
    }

    /// The BatchNorm of evaluation mode, which normalises by running statistics, both `[c]`.
    ///
    /// # Errors
    /// Tensors that are not f32 tensors `[c]` of one length.
    pub fn running(mean: &Tensor, variance: &Tensor, affine: Option<(&Tensor, &Tensor)>, eps: f64) -> Result<Self> {
        const KERNEL: &str = "Norm::running";
        let dims = [mean.elem_count()];
        expect_dims(KERNEL, "mean", mean, &dims)?;
        expect_dims(KERNEL, "variance", variance, &dims)?;
        if let Some((gamma, beta)) = affine {
            expect_dims(KERNEL, "gamma", gamma, &dims)?;
            expect_dims(KERNEL, "beta", beta, &dims)?;
        }
        match Place::of(mean) {
            Place::Cpu => cpu::norm::map(KERNEL, mean, variance, affine, eps),
            Place::Gpu(gpu) => gpu::norm::map(&gpu, KERNEL, mean, variance, affine, eps),
        }
    }
}

/// Statistics of a tensor `[n, h, w, c]`, for the output of an op that takes no sums itself.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor `[n, h, w, c]` with at least one value.
pub fn batch_stats(x: &Tensor) -> Result<BatchStats> {
    const KERNEL: &str = "batch_stats";
    let (n, h, w, c) = image_dims(KERNEL, "x", x)?;
    match Place::of(x) {
        Place::Cpu => cpu::norm::batch_stats(KERNEL, x, [n, h, w, c]),
        Place::Gpu(gpu) => gpu::norm::batch_stats(&gpu, KERNEL, x, [n, h, w, c]),
    }
}

/// Moves running statistics (`[c]`, changed in place) towards those of a batch, by PyTorch's rule:
/// `running = (1 - momentum) * running + momentum * batch`, with the unbiased variance of the batch.
///
/// # Errors
/// Tensors that are not f32 tensors `[c]` of one length.
pub fn update_running(
    running_mean: &Tensor,
    running_variance: &Tensor,
    stats: &BatchStats,
    momentum: f64,
) -> Result<()> {
    const KERNEL: &str = "update_running";
    let dims = [stats.mean.elem_count()];
    for (name, tensor) in [("running_mean", running_mean), ("running_variance", running_variance)] {
        expect_dims(KERNEL, name, tensor, &dims)?;
    }
    let unbiased = if stats.count > 1 { stats.count as f64 / (stats.count - 1) as f64 } else { 1.0 };
    for (running, batch, factor) in [(running_mean, &stats.mean, 1.0), (running_variance, &stats.variance, unbiased)] {
        match Place::of(running) {
            Place::Cpu => cpu::norm::update_running(KERNEL, running, batch, momentum, factor)?,
            Place::Gpu(gpu) => gpu::norm::update_running(&gpu, KERNEL, running, batch, momentum, factor)?,
        }
    }
    Ok(())
}

impl GradCoefficients {
    /// The gradient's map in evaluation mode, where the statistics are constants: `dz = gate * scale * dy`.
    ///
    /// # Errors
    /// Tensors that are not f32 tensors.
    pub fn evaluation(norm: &Norm, gate: f32) -> Result<Self> {
        const KERNEL: &str = "GradCoefficients::evaluation";
        match Place::of(&norm.scale) {
            Place::Cpu => cpu::norm::constant_map(KERNEL, norm, gate),
            Place::Gpu(gpu) => gpu::norm::constant_map(&gpu, KERNEL, norm, gate),
        }
    }
}

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
    let stats = batch_stats(z)?;
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
    image_dims(KERNEL, "z", z)?;
    let terms = [Term { z, norm: Some(norm), gate: 1.0, sample: None }];
    let sums = node_sum_backward(dy, &terms, false)?.into_iter().find_map(|term| term.sums);
    let sums = sums.ok_or_else(|| KernelError::shape(KERNEL, "dy", dy, "that of z"))?;
    let map = if training { sums.map.clone() } else { GradCoefficients::evaluation(norm, 1.0)? };
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
    match Place::of(grad.dy) {
        Place::Cpu => cpu::norm::output_gradient(KERNEL, ws, (grad, [n, h, w, c])),
        Place::Gpu(gpu) => gpu::norm::output_gradient(&gpu, KERNEL, (grad, [n, h, w, c])),
    }
}
