//! Patterns of ReLUs on the CPU: one bit a value, and what pairs of images have in common.

use rayon::prelude::*;

use super::access::{InputGuard, InputView, NormView};
use super::simd::{Kernel, Level, Simd};
use crate::error::Result;
use crate::view::Input;

/// On how many values of the input both images of a pair are above 0, or neither is: `[n, n]`, row by row.
pub(crate) fn agreements(kernel: &'static str, input: Input<'_>, shape: [usize; 4]) -> Result<Vec<u64>> {
    let guard = InputGuard::new(kernel, input, shape)?;
    let view = guard.view();
    let [n, h, w, c] = shape;
    let (level, values) = (Level::current(), (h * w * c) as u64);
    let images: Vec<Vec<u64>> = (0..n).into_par_iter().map(|image| level.run(Bits { view: &view, image })).collect();
    let rows = images.par_iter().flat_map_iter(|a| images.iter().map(move |b| values - level.run(Differing { a, b })));
    Ok(rows.collect())
}

/// An image's pattern, 64 values a word; each source begins a word of its own.
struct Bits<'a, 'v> {
    view: &'a InputView<'v>,
    image: usize,
}

impl Kernel for Bits<'_, '_> {
    type Output = Vec<u64>;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> Vec<u64> {
        let [_, h, w, _] = self.view.shape;
        let (mut words, mut first) = (Vec::new(), 0);
        for &(values, c) in &self.view.sources {
            let len = h * w * c;
            let own = &values[self.image * len..][..len];
            match self.view.norm {
                None => words.extend(own.chunks(64).map(|chunk| word(chunk.iter().map(|&value| value > 0.0)))),
                Some(norm) => {
                    let NormView { scale, shift, .. } = norm;
                    let (scale, shift) = (&scale[first..first + c], &shift[first..first + c]);
                    let above = own.chunks_exact(c).flat_map(|pixel| {
                        pixel.iter().zip(scale).zip(shift).map(|((z, scale), shift)| scale * z + shift > 0.0)
                    });
                    let above: Vec<bool> = above.collect();
                    words.extend(above.chunks(64).map(|chunk| word(chunk.iter().copied())));
                }
            }
            first += c;
        }
        words
    }
}

#[inline(always)]
fn word(above: impl Iterator<Item = bool>) -> u64 {
    above.enumerate().fold(0, |word, (bit, above)| word | u64::from(above) << bit)
}

/// How many bits differ.
struct Differing<'a> {
    a: &'a [u64],
    b: &'a [u64],
}

impl Kernel for Differing<'_> {
    type Output = u64;

    #[inline(always)]
    fn run<S: Simd>(self, _: S) -> u64 {
        self.a.iter().zip(self.b).map(|(a, b)| u64::from((a ^ b).count_ones())).sum()
    }
}
