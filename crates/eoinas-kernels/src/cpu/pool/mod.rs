//! 3x3 pooling on the CPU.

mod image;

use candle_core::Tensor;

use super::access::GradientGuard;
use super::moments::Moments;
use super::parallel::for_pieces;
use super::simd::Level;
use super::values::{Values, read, write};
use crate::error::Result;
use crate::geometry::PoolKind;
use crate::results::BatchStats;
use crate::view::Gradient;
use crate::workspace::Workspace;
use image::{Affine, Backward, Forward, Shape};

/// The output and, if they are wanted, its statistics.
pub(crate) fn forward(
    kernel: &'static str,
    ws: &Workspace,
    (x, [n, h, w, c]): (&Tensor, [usize; 4]),
    (kind, stride): (PoolKind, usize),
    want_stats: bool,
) -> Result<(Tensor, Option<BatchStats>)> {
    let shape = Shape { h, w, c, stride };
    let (oh, ow) = shape.out();
    let values = read(kernel, "x", x)?;
    let x: &[f32] = &values;
    let mut out = ws.take(n * oh * ow * c);
    let (level, len) = (Level::current(), h * w * c);
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
    let stats = want_stats.then(|| Moments::stats_of(c, pieces)).transpose()?;
    Ok((ws.tensor(out, (n, oh, ow, c))?, stats))
}

/// Adds the gradient of the input to `dx`, or writes it there.
pub(crate) fn backward(
    kernel: &'static str,
    (x, [n, h, w, c]): (&Tensor, [usize; 4]),
    (kind, stride): (PoolKind, usize),
    grad: Gradient<'_>,
    dx: &Tensor,
    add: bool,
) -> Result<()> {
    let shape = Shape { h, w, c, stride };
    let (oh, ow) = shape.out();
    let guard = GradientGuard::new(kernel, grad)?;
    let values = read(kernel, "x", x)?;
    let reads: Vec<&Values<'_>> = guard.reads().chain([&values]).collect();
    let (x, grad): (&[f32], _) = (&values, guard.view());
    let (level, len, out_len) = (Level::current(), h * w * c, oh * ow * c);
    write(kernel, "dx", &[dx], &reads, |out| {
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
