//! Factors for each channel of an image on the CPU.

use candle_core::Tensor;

use super::parallel::for_pieces;
use super::simd::{Kernel, Level, Simd};
use super::values::read;
use crate::error::Result;
use crate::workspace::Workspace;

/// `x` times `factors`.
pub(crate) fn forward(
    kernel: &'static str,
    ws: &Workspace,
    x: &Tensor,
    factors: &Tensor,
    [n, pixels, c]: [usize; 3],
) -> Result<Tensor> {
    let (values, of_channels) = (read(kernel, "x", x)?, read(kernel, "factors", factors)?);
    let (x_values, factors): (&[f32], &[f32]) = (&values, &of_channels);
    let (level, mut out) = (Level::current(), ws.take(x_values.len()));
    for_pieces(n, &mut [&mut out], |images, parts| {
        for (image, out) in images.zip(parts.iter_mut().flat_map(|part| part.chunks_exact_mut(pixels * c))) {
            level.run(Scaled { x: &x_values[image * pixels * c..], factors: &factors[image * c..][..c], out });
        }
    });
    ws.tensor(out, x.shape())
}

/// Sums over the pixels of `x * dy`, `[n, c]`.
pub(crate) fn products(
    kernel: &'static str,
    ws: &Workspace,
    x: &Tensor,
    dy: &Tensor,
    [n, pixels, c]: [usize; 3],
) -> Result<Tensor> {
    let (values, gradient) = (read(kernel, "x", x)?, read(kernel, "dy", dy)?);
    let (x_values, dy): (&[f32], &[f32]) = (&values, &gradient);
    let (level, mut out) = (Level::current(), ws.take(n * c));
    for_pieces(n, &mut [&mut out], |images, parts| {
        for (image, out) in images.zip(parts.iter_mut().flat_map(|part| part.chunks_exact_mut(c))) {
            let of = image * pixels * c..(image + 1) * pixels * c;
            level.run(Products { x: &x_values[of.clone()], dy: &dy[of], out });
        }
    });
    ws.tensor(out, (n, c))
}

struct Scaled<'a> {
    x: &'a [f32],
    factors: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Scaled<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { x, factors, out } = self;
        for (x, out) in x.chunks_exact(factors.len()).zip(out.chunks_exact_mut(factors.len())) {
            for ((x, factor), out) in x.iter().zip(factors).zip(out) {
                *out = x * factor;
            }
        }
    }
}

struct Products<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for Products<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { x, dy, out } = self;
        let c = out.len();
        let mut sums = vec![0f64; c];
        for (x, dy) in x.chunks_exact(c).zip(dy.chunks_exact(c)) {
            for ((x, dy), sum) in x.iter().zip(dy).zip(&mut sums) {
                *sum += f64::from(x * dy);
            }
        }
        out.iter_mut().zip(sums).for_each(|(out, sum)| *out = sum as f32);
    }
}
