//! BatchNorm as numbers per channel: statistics, the map its readers apply, and the map of its gradient.

use candle_core::{Device, Tensor};

use crate::Workspace;
use crate::error::Result;
use crate::gpu::{self, Gpu};
use crate::moments::Moments;
use crate::parallel::for_pieces;
use crate::simd::Level;
use crate::tensors::{expect_dims, image_dims, read, shape_error, write};

/// Mean and biased variance of each channel over batch, height and width; both `[c]`.
#[derive(Clone, Debug)]
pub struct BatchStats {
    /// Mean.
    pub mean: Tensor,
    /// Biased variance (divided by the number of values).
    pub variance: Tensor,
    /// Number of values that each channel's statistics were taken over.
    pub count: usize,
}

/// A BatchNorm as its readers apply it: `y = scale * z + shift`, per channel; all `[c]`.
#[derive(Clone, Debug)]
pub struct Norm {
    /// Mean that is subtracted.
    pub mean: Tensor,
    /// `1 / sqrt(variance + eps)`.
    pub rstd: Tensor,
    /// `gamma * rstd`; `rstd` without affine parameters.
    pub scale: Tensor,
    /// `beta - mean * scale`.
    pub shift: Tensor,
}

/// Sums over batch, height and width that BatchNorm's backward pass needs; both `[c]`.
#[derive(Clone, Debug)]
pub struct GradSums {
    /// Sum of `dy`. This is also the gradient of `beta`.
    pub dy: Tensor,
    /// Sum of `dy * xhat`, with `xhat = (z - mean) * rstd`. This is also the gradient of `gamma`.
    pub dy_xhat: Tensor,
}

/// The gradient at `z` as an affine map: `dz = a * dy + b * z + d`, per channel; all `[c]`.
#[derive(Clone, Debug)]
pub struct GradCoefficients {
    /// Factor of `dy`.
    pub a: Tensor,
    /// Factor of `z`.
    pub b: Tensor,
    /// Constant.
    pub d: Tensor,
}

pub(crate) fn channels(values: impl IntoIterator<Item = f64>) -> Result<Tensor> {
    let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
    let c = values.len();
    Ok(Tensor::from_vec(values, c, &Device::Cpu)?)
}

impl Norm {
    /// The BatchNorm of training mode, which normalises by the batch's own statistics. `affine`: gamma and beta, both
    /// `[c]`; `eps` is added to the variance (1e-5 in PyTorch).
    ///
    /// # Errors
    /// Tensors that are not f32 tensors `[c]` of one length.
    pub fn from_stats(stats: &BatchStats, affine: Option<(&Tensor, &Tensor)>, eps: f64) -> Result<Self> {
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
        if let Some(gpu) = Gpu::of(mean) {
            return gpu::norm::map(&gpu, KERNEL, mean, variance, affine, eps);
        }
        let means = read(KERNEL, "mean", mean)?;
        let rstd: Vec<f64> =
            read(KERNEL, "variance", variance)?.iter().map(|&v| 1.0 / (f64::from(v) + eps).sqrt()).collect();
        let (scale, beta) = match affine {
            None => (rstd.clone(), vec![0.0; rstd.len()]),
            Some((gamma, beta)) => {
                let gamma = read(KERNEL, "gamma", gamma)?;
                let scale = gamma.iter().zip(&rstd).map(|(&g, r)| f64::from(g) * r).collect();
                (scale, read(KERNEL, "beta", beta)?.iter().map(|&b| f64::from(b)).collect::<Vec<_>>())
            }
        };
        let shift = beta.iter().zip(&scale).zip(means.iter()).map(|((b, s), &m)| b - f64::from(m) * s);
        let shift = channels(shift)?;
        Ok(Self { mean: mean.clone(), rstd: channels(rstd)?, scale: channels(scale)?, shift })
    }
}

/// Statistics of a tensor `[n, h, w, c]`, for the output of an op that takes no sums itself.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor `[n, h, w, c]` with at least one value.
pub fn batch_stats(_ws: &Workspace, x: &Tensor) -> Result<BatchStats> {
    const KERNEL: &str = "batch_stats";
    let (n, h, w, c) = image_dims(KERNEL, "x", x)?;
    if let Some(gpu) = Gpu::of(x) {
        return gpu::norm::batch_stats(&gpu, KERNEL, x, [n, h, w, c]);
    }
    let values = read(KERNEL, "x", x)?;
    let (x, level, len): (&[f32], _, _) = (&values, Level::current(), h * w * c);
    let pieces = for_pieces(n, &mut [], |images, _| {
        let mut moments = Moments::new(c);
        images.for_each(|image| moments.add_image(level, &x[image * len..][..len]));
        moments
    });
    Moments::merged(c, &pieces).batch_stats()
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
        if let Some(gpu) = Gpu::of(running) {
            gpu::norm::update_running(&gpu, KERNEL, running, batch, momentum, factor)?;
            continue;
        }
        let batch = read(KERNEL, "stats", batch)?;
        write(KERNEL, "running", &[running], &[&batch], |out| {
            for (r, &b) in out.iter_mut().flat_map(|out| out.iter_mut()).zip(batch.iter()) {
                *r = ((1.0 - momentum) * f64::from(*r) + momentum * factor * f64::from(b)) as f32;
            }
            Ok(())
        })?;
    }
    Ok(())
}

impl GradCoefficients {
    /// The gradient's map in training mode: `dz = gate * scale * (dy - mean(dy) - xhat * mean(dy * xhat))`, with
    /// `sums` over `count` values of `dy` before the gate (but with drop-path's factors in it).
    ///
    /// # Errors
    /// Tensors that are not f32 tensors `[c]` of one length.
    pub fn training(norm: &Norm, sums: &GradSums, count: usize, gate: f32) -> Result<Self> {
        const KERNEL: &str = "GradCoefficients::training";
        if sums.dy.dims() != norm.scale.dims() || sums.dy_xhat.dims() != norm.scale.dims() {
            return Err(shape_error(KERNEL, "sums", &sums.dy, format!("{:?}", norm.scale.dims())));
        }
        if let Some(gpu) = Gpu::of(&norm.scale) {
            return gpu::norm::gradient_map(&gpu, KERNEL, norm, Some((sums, count)), gate);
        }
        let scale = read(KERNEL, "scale", &norm.scale)?;
        let (mean, rstd) = (read(KERNEL, "mean", &norm.mean)?, read(KERNEL, "rstd", &norm.rstd)?);
        let (dy, dy_xhat) = (read(KERNEL, "dy", &sums.dy)?, read(KERNEL, "dy_xhat", &sums.dy_xhat)?);
        let (mut a, mut b, mut d) = (Vec::new(), Vec::new(), Vec::new());
        let values = scale.iter().zip(mean.iter()).zip(rstd.iter()).zip(dy.iter()).zip(dy_xhat.iter());
        for ((((&scale, &mean), &rstd), &dy), &dy_xhat) in values {
            let factor = f64::from(gate) * f64::from(scale);
            let (mean_dy, mean_dy_xhat) = (f64::from(dy) / count as f64, f64::from(dy_xhat) / count as f64);
            a.push(factor);
            b.push(-factor * f64::from(rstd) * mean_dy_xhat);
            d.push(factor * (f64::from(mean) * f64::from(rstd) * mean_dy_xhat - mean_dy));
        }
        Ok(Self { a: channels(a)?, b: channels(b)?, d: channels(d)? })
    }

    /// The gradient's map in evaluation mode, where the statistics are constants: `dz = gate * scale * dy`.
    ///
    /// # Errors
    /// Tensors that are not f32 tensors.
    pub fn evaluation(norm: &Norm, gate: f32) -> Result<Self> {
        const KERNEL: &str = "GradCoefficients::evaluation";
        if let Some(gpu) = Gpu::of(&norm.scale) {
            return gpu::norm::gradient_map(&gpu, KERNEL, norm, None, gate);
        }
        let scale = read(KERNEL, "scale", &norm.scale)?;
        let a = channels(scale.iter().map(|&s| f64::from(gate) * f64::from(s)))?;
        let zero = channels(vec![0.0; scale.len()])?;
        Ok(Self { a, b: zero.clone(), d: zero })
    }
}
