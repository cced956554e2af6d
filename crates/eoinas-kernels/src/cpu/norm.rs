//! BatchNorm as numbers per channel, on the CPU.

use candle_core::Tensor;

use super::access::GradientGuard;
use super::access::NormView;
use super::channelwise::{Period, combine};
use super::moments::Moments;
use super::parallel::for_pieces;
use super::simd::Level;
use super::values::{channels, read, write};
use crate::error::Result;
use crate::results::{BatchStats, GradSums};
use crate::view::{GradCoefficients, Gradient, Norm};
use crate::workspace::Workspace;

/// The map of these statistics; all tensors are `[c]`.
pub(crate) fn map(
    kernel: &'static str,
    mean: &Tensor,
    variance: &Tensor,
    affine: Option<(&Tensor, &Tensor)>,
    eps: f64,
) -> Result<Norm> {
    let means = read(kernel, "mean", mean)?;
    let rstd: Vec<f64> =
        read(kernel, "variance", variance)?.iter().map(|&v| 1.0 / (f64::from(v) + eps).sqrt()).collect();
    let (scale, beta) = match affine {
        None => (rstd.clone(), vec![0.0; rstd.len()]),
        Some((gamma, beta)) => {
            let gamma = read(kernel, "gamma", gamma)?;
            let scale = gamma.iter().zip(&rstd).map(|(&g, r)| f64::from(g) * r).collect();
            (scale, read(kernel, "beta", beta)?.iter().map(|&b| f64::from(b)).collect::<Vec<_>>())
        }
    };
    let shift = beta.iter().zip(&scale).zip(means.iter()).map(|((b, s), &m)| b - f64::from(m) * s);
    let shift = channels(shift)?;
    Ok(Norm { mean: mean.clone(), rstd: channels(rstd)?, scale: channels(scale)?, shift })
}

/// Statistics of a tensor `[n, h, w, c]`.
pub(crate) fn batch_stats(kernel: &'static str, x: &Tensor, [n, h, w, c]: [usize; 4]) -> Result<BatchStats> {
    let values = read(kernel, "x", x)?;
    let (x, level, len): (&[f32], _, _) = (&values, Level::current(), h * w * c);
    let pieces = for_pieces(n, &mut [], |images, _| {
        let mut moments = Moments::new(c);
        images.for_each(|image| moments.add_image(level, &x[image * len..][..len]));
        moments
    });
    Moments::stats_of(c, pieces)
}

/// Moves running statistics, in place; both `[c]`.
pub(crate) fn update_running(
    kernel: &'static str,
    running: &Tensor,
    batch: &Tensor,
    momentum: f64,
    factor: f64,
) -> Result<()> {
    let batch = read(kernel, "stats", batch)?;
    write(kernel, "running", &[running], &[&batch], |out| {
        for (r, &b) in out.iter_mut().flat_map(|out| out.iter_mut()).zip(batch.iter()) {
            *r = ((1.0 - momentum) * f64::from(*r) + momentum * factor * f64::from(b)) as f32;
        }
        Ok(())
    })
}

/// What the sums over `count` values, `dy` and `dy_xhat`, give.
pub(crate) fn grad_sums(norm: NormView<'_>, [dy, dy_xhat]: [Vec<f64>; 2], count: usize, gate: f32) -> Result<GradSums> {
    let (mut a, mut b, mut d) = (Vec::new(), Vec::new(), Vec::new());
    let values = norm.scale.iter().zip(norm.mean).zip(norm.rstd).zip(&dy).zip(&dy_xhat);
    for ((((&scale, &mean), &rstd), &dy), &dy_xhat) in values {
        // As those read them that have the sums alone.
        let (dy, dy_xhat) = (dy as f32, dy_xhat as f32);
        let factor = f64::from(gate) * f64::from(scale);
        let (mean_dy, mean_dy_xhat) = (f64::from(dy) / count as f64, f64::from(dy_xhat) / count as f64);
        a.push(factor);
        b.push(-factor * f64::from(rstd) * mean_dy_xhat);
        d.push(factor * (f64::from(mean) * f64::from(rstd) * mean_dy_xhat - mean_dy));
    }
    let map = GradCoefficients { a: channels(a)?, b: channels(b)?, d: channels(d)? };
    Ok(GradSums { dy: channels(dy)?, dy_xhat: channels(dy_xhat)?, map })
}

/// The gradient's map in evaluation mode.
pub(crate) fn constant_map(kernel: &'static str, norm: &Norm, gate: f32) -> Result<GradCoefficients> {
    let scale = read(kernel, "scale", &norm.scale)?;
    let a = channels(scale.iter().map(|&s| f64::from(gate) * f64::from(s)))?;
    let zero = channels(vec![0.0; scale.len()])?;
    Ok(GradCoefficients { a, b: zero.clone(), d: zero })
}

/// The gradient that a [`Gradient`] stands for.
pub(crate) fn output_gradient(
    kernel: &'static str,
    ws: &Workspace,
    (grad, [n, h, w, c]): (Gradient<'_>, [usize; 4]),
) -> Result<Tensor> {
    let guard = GradientGuard::new(kernel, grad)?;
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
