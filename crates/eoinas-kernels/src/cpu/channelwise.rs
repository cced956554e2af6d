//! Passes over an image `[pixels, c]` with a few numbers per channel.
//!
//! The numbers are repeated to a period that is a multiple of both `c` and the widest vector, so that vectors run
//! over memory without regard to where a pixel ends: 3 or 20 channels cost as much per value as 16.

use super::simd::{Kernel, Level, Simd};

/// Four of the widest vectors: enough independent additions to hide their latency.
const BLOCK: usize = 64;

/// Additions into one f32 before the sum moves on to f64.
const RUN: usize = 512;

/// Per-channel numbers, repeated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Period {
    channels: usize,
    len: usize,
}

impl Period {
    /// For images of `image` values.
    pub(crate) fn new(channels: usize, image: usize) -> Self {
        let mut len = channels.max(1);
        while !len.is_multiple_of(BLOCK) {
            len *= 2;
        }
        // Odd numbers of channels end at 64 times themselves; an image that is shorter never needs the repetition.
        Self { channels: channels.max(1), len: len.min(image.max(1)) }
    }

    /// `values` (one a channel), each mapped and repeated.
    pub(crate) fn repeat(self, values: &[f32], f: impl Fn(f32) -> f32) -> Vec<f32> {
        values.iter().map(|&v| f(v)).cycle().take(self.len).collect()
    }

    /// The same number for each channel.
    pub(crate) fn constant(self, value: f32) -> Vec<f32> {
        vec![value; self.len]
    }
}

/// `out = shift + sum of scale * x` over the terms `(x, scale)`; on top of what `out` holds if `add`. `shift` and the
/// scales are one period long, `out` and each `x` one image.
pub(crate) fn combine(level: Level, out: &mut [f32], mut add: bool, shift: &[f32], terms: &[(&[f32], &[f32])]) {
    let zero = if terms.len() > 4 { vec![0.0; shift.len()] } else { Vec::new() };
    let mut shift = shift;
    let mut groups = terms.chunks(4);
    let mut group = groups.next().unwrap_or(&[]);
    loop {
        match *group {
            [a, b, c, d] => level.run(Combine { out, add, shift, terms: [a, b, c, d] }),
            [a, b, c] => level.run(Combine { out, add, shift, terms: [a, b, c] }),
            [a, b] => level.run(Combine { out, add, shift, terms: [a, b] }),
            [a] => level.run(Combine { out, add, shift, terms: [a] }),
            _ => level.run(Combine { out, add, shift, terms: [] }),
        }
        let Some(next) = groups.next() else { return };
        (group, add, shift) = (next, true, &zero);
    }
}

struct Combine<'a, const T: usize> {
    out: &'a mut [f32],
    add: bool,
    shift: &'a [f32],
    terms: [(&'a [f32], &'a [f32]); T],
}

impl<const T: usize> Kernel for Combine<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        if self.add { self.pass::<S, true>(s) } else { self.pass::<S, false>(s) }
    }
}

impl<const T: usize> Combine<'_, T> {
    #[inline(always)]
    fn pass<S: Simd, const ADD: bool>(mut self, s: S) {
        let period = self.shift.len();
        // Where a period is four vectors, they stay in registers.
        let whole = if period == 4 * S::LANES { self.whole_periods::<S, ADD>(s) } else { 0 };
        let done = whole * period;
        let Self { out, shift, terms, .. } = self;
        let (out, terms) = (&mut out[done..], terms.map(|(x, scale)| (&x[done..], scale)));
        for (i, out) in out.chunks_mut(period).enumerate() {
            let len = out.len();
            let shift = &shift[..len];
            let x = terms.map(|(x, _)| &x[i * period..][..len]);
            let scale = terms.map(|(_, scale)| &scale[..len]);
            let mut at = 0;
            while at + S::LANES <= len {
                // SAFETY: all slices are `len` long, and `at + LANES <= len`.
                unsafe {
                    let mut sum = s.load_ptr(shift.as_ptr().add(at));
                    if ADD {
                        sum = s.add(sum, s.load_ptr(out.as_ptr().add(at)));
                    }
                    for t in 0..T {
                        let (x, scale) = (s.load_ptr(x[t].as_ptr().add(at)), s.load_ptr(scale[t].as_ptr().add(at)));
                        sum = s.fma(x, scale, sum);
                    }
                    s.store_ptr(out.as_mut_ptr().add(at), sum);
                }
                at += S::LANES;
            }
            if at < len {
                let mut sum = s.load(&shift[at..]);
                if ADD {
                    sum = s.add(sum, s.load(&out[at..]));
                }
                for t in 0..T {
                    sum = s.fma(s.load(&x[t][at..]), s.load(&scale[t][at..]), sum);
                }
                s.store(&mut out[at..], sum);
            }
        }
    }
}

impl<const T: usize> Combine<'_, T> {
    /// All whole periods, each of four vectors. Returns how many there are.
    #[inline(always)]
    fn whole_periods<S: Simd, const ADD: bool>(&mut self, s: S) -> usize {
        let period = 4 * S::LANES;
        let four = |values: &[f32]| [0, 1, 2, 3].map(|u| s.load(&values[u * S::LANES..]));
        let shift = four(self.shift);
        let scales = self.terms.map(|(_, scale)| four(scale));
        let whole = self.out.len() / period;
        let x = self.terms.map(|(x, _)| x[..whole * period].as_ptr());
        let out = self.out.as_mut_ptr();
        for i in 0..whole {
            for u in 0..4 {
                let at = i * period + u * S::LANES;
                // SAFETY: `at + LANES <= whole * period`, which `out` and every `x` hold.
                unsafe {
                    let mut sum = shift[u];
                    if ADD {
                        sum = s.add(sum, s.load_ptr(out.add(at)));
                    }
                    for t in 0..T {
                        sum = s.fma(s.load_ptr(x[t].add(at)), scales[t][u], sum);
                    }
                    s.store_ptr(out.add(at), sum);
                }
            }
        }
        whole
    }
}

/// A second operand of a sum of products: `z`, one image, and its `mean`, one period.
pub(crate) type Factor<'a> = (&'a [f32], &'a [f32]);

/// Adds the sums over an image of `x` to `plain` (one a channel), and those of `x * (z - mean)` to each of `products`,
/// which go with `by`. `x` is read once for four of them.
pub(crate) fn sums(
    level: Level,
    period: Period,
    x: &[f32],
    by: &[Factor<'_>],
    plain: &mut [f64],
    products: &mut [Vec<f64>],
) {
    let mut lanes = vec![0.0f32; 5 * period.len];
    let run = period.len * RUN;
    for (i, x) in x.chunks(run).enumerate() {
        // Without factors there is still the plain sum; it comes with the first four.
        let mut groups = by.chunks(4).zip(products.chunks_mut(4));
        let (mut first, mut group) = (true, groups.next());
        loop {
            let (by, products) = group.take().map_or((&[][..], &mut [][..]), |(by, products)| (by, products));
            let lanes = &mut lanes[..(1 + by.len()) * period.len];
            lanes.fill(0.0);
            match by {
                [a, b, c, d] => level.run(Sums {
                    x,
                    by: [
                        part(a, i * run, x.len()),
                        part(b, i * run, x.len()),
                        part(c, i * run, x.len()),
                        part(d, i * run, x.len()),
                    ],
                    lanes,
                }),
                [a, b, c] => level.run(Sums {
                    x,
                    by: [part(a, i * run, x.len()), part(b, i * run, x.len()), part(c, i * run, x.len())],
                    lanes,
                }),
                [a, b] => level.run(Sums { x, by: [part(a, i * run, x.len()), part(b, i * run, x.len())], lanes }),
                [a] => level.run(Sums { x, by: [part(a, i * run, x.len())], lanes }),
                _ => level.run(Sums { x, by: [], lanes }),
            }
            let (lanes, product_lanes) = lanes.split_at(period.len);
            if first {
                add_lanes(period, lanes, plain);
            }
            for (lanes, product) in product_lanes.chunks(period.len).zip(products) {
                add_lanes(period, lanes, product);
            }
            first = false;
            match groups.next() {
                Some(next) => group = Some(next),
                None => break,
            }
        }
    }
}

/// The part of a factor that goes with `len` values from `start` on, a whole number of periods.
fn part<'a>(&(z, mean): &Factor<'a>, start: usize, len: usize) -> Factor<'a> {
    (&z[start..start + len], mean)
}

fn add_lanes(period: Period, lanes: &[f32], sums: &mut [f64]) {
    for pixel in lanes.chunks(period.channels) {
        for (sum, &lane) in sums.iter_mut().zip(pixel) {
            *sum += f64::from(lane);
        }
    }
}

struct Sums<'a, const T: usize> {
    x: &'a [f32],
    by: [Factor<'a>; T],
    /// One period for the plain sum and one for each product.
    lanes: &'a mut [f32],
}

impl<const T: usize> Kernel for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        // As many vectors side by side as leave registers for all sums and the means of one of them.
        if S::REGISTERS >= 32 || T <= 1 { self.pass::<S, 4>(s) } else { self.pass::<S, 2>(s) }
    }
}

impl<const T: usize> Sums<'_, T> {
    #[inline(always)]
    fn pass<S: Simd, const U: usize>(self, s: S) {
        let Sums { x, by, lanes } = self;
        let period = lanes.len() / (T + 1);
        let whole = x.len() / period;
        let mut at = 0;
        while at + U * S::LANES <= period {
            let mut plain = [s.zero(); U];
            let mut products = [[s.zero(); U]; T];
            for i in 0..whole {
                for u in 0..U {
                    let offset = at + u * S::LANES;
                    let from = i * period + offset;
                    // SAFETY: `from + LANES <= (i + 1) * period`, which is inside `x` and every `z`, of one length;
                    // every mean is one period long.
                    unsafe {
                        let v = s.load_ptr(x.as_ptr().add(from));
                        plain[u] = s.add(plain[u], v);
                        for t in 0..T {
                            let z = s.load_ptr(by[t].0.as_ptr().add(from));
                            let mean = s.load_ptr(by[t].1.as_ptr().add(offset));
                            products[t][u] = s.fma(v, s.sub(z, mean), products[t][u]);
                        }
                    }
                }
            }
            for u in 0..U {
                s.store(&mut lanes[at + u * S::LANES..], plain[u]);
                for t in 0..T {
                    s.store(&mut lanes[(t + 1) * period + at + u * S::LANES..], products[t][u]);
                }
            }
            at += U * S::LANES;
        }
        // What is left: the end of a period that is no multiple of U vectors, and the values after the last period.
        for (i, x) in x.chunks(period).enumerate() {
            let mut at = if i < whole { at } else { 0 };
            while at < x.len() {
                let end = (at + S::LANES).min(x.len());
                let v = s.load(&x[at..end]);
                let sum = s.add(s.load(&lanes[at..end]), v);
                s.store(&mut lanes[at..end], sum);
                for t in 0..T {
                    let (z, mean) = by[t];
                    let product =
                        s.mul(v, s.sub(s.load(&z[i * period + at..i * period + end]), s.load(&mean[at..end])));
                    let to = &mut lanes[(t + 1) * period + at..(t + 1) * period + end];
                    let sum = s.add(s.load(to), product);
                    s.store(to, sum);
                }
                at = end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(len: usize, seed: f32) -> Vec<f32> {
        (0..len).map(|i| (i as f32 * seed).sin()).collect()
    }

    #[test]
    fn all_widths_and_lengths() {
        for level in Level::available() {
            for c in [1, 3, 4, 8, 16, 20, 36, 64, 65, 100] {
                for pixels in [1, 2, 5, 16, 63, 700] {
                    let image = c * pixels;
                    let period = Period::new(c, image);
                    let terms: Vec<(Vec<f32>, Vec<f32>)> =
                        (0..6).map(|t| (values(image, 0.3 + t as f32), values(c, 1.7 + t as f32))).collect();
                    for count in 0..6 {
                        let repeated: Vec<Vec<f32>> = terms.iter().map(|t| period.repeat(&t.1, |v| 2.0 * v)).collect();
                        let views: Vec<(&[f32], &[f32])> =
                            terms.iter().zip(&repeated).map(|(t, r)| (&t.0[..], &r[..])).take(count).collect();
                        for add in [false, true] {
                            let mut out = vec![1.0; image];
                            combine(*level, &mut out, add, &period.repeat(&values(c, 0.9), |v| v), &views);
                            for i in (0..image).step_by(1 + image / 97) {
                                let shift = (i % c) as f32 * 0.9;
                                let sum: f32 = terms[..count].iter().map(|(x, scale)| 2.0 * x[i] * scale[i % c]).sum();
                                let expected = shift.sin() + sum + if add { 1.0 } else { 0.0 };
                                assert!((out[i] - expected).abs() < 1e-5, "{level:?} {c} {pixels} {count} {i}");
                            }
                        }
                    }
                    let (x, z, mean) = (&terms[0].0, &terms[1].0, &terms[2].1);
                    let (mut plain, mean_lanes) = (vec![0.5f64; c], period.repeat(mean, |v| v));
                    let factors = [(&z[..], &mean_lanes[..]); 6];
                    for count in [1, 2, 3, 4, 6] {
                        let mut again = vec![vec![0.0; c]; count];
                        sums(*level, period, x, &factors[..count], &mut vec![0.0; c], &mut again);
                        assert!(again.iter().all(|sums| *sums == again[0]), "{level:?} {c} {pixels} {count}");
                    }
                    let mut product = vec![vec![0.0f64; c]];
                    sums(*level, period, x, &factors[..1], &mut plain, &mut product);
                    let product = &product[0];
                    let mut alone = vec![0.5; c];
                    sums(*level, period, x, &[], &mut alone, &mut []);
                    assert_eq!(alone, plain, "{level:?} {c} {pixels}");
                    for k in 0..c {
                        let at = (0..pixels).map(|p| p * c + k);
                        let expected: f64 = 0.5 + at.clone().map(|i| f64::from(x[i])).sum::<f64>();
                        assert!((plain[k] - expected).abs() < 1e-4, "{level:?} {c} {pixels}");
                        let expected: f64 = at.map(|i| f64::from(x[i]) * f64::from(z[i] - mean[k])).sum();
                        assert!((product[k] - expected).abs() < 1e-4, "{level:?} {c} {pixels}");
                    }
                }
            }
        }
    }
}
