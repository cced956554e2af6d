//! Pooling of one image, on vectors.

use std::ops::Range;

use super::PoolKind;
use crate::simd::{Kernel, Simd};

/// The sizes of a pooling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) h: usize,
    pub(super) w: usize,
    pub(super) c: usize,
    pub(super) stride: usize,
}

/// A run of output values whose windows lie alike: value `i` of the run reads `x[tap + i]` for each tap.
struct Span {
    /// Where it starts in the output.
    out: usize,
    len: usize,
    taps: [usize; 9],
    count: usize,
}

impl Shape {
    pub(super) fn out(self) -> (usize, usize) {
        (self.h.div_ceil(self.stride), self.w.div_ceil(self.stride))
    }

    /// Input rows (or columns) of the window of output row `o`.
    fn window(self, o: usize, size: usize) -> Range<usize> {
        (o * self.stride).saturating_sub(1)..(o * self.stride + 2).min(size)
    }

    /// All spans of the output, in order. With stride 1 the inner pixels of a row are one span: their windows lie
    /// beside each other as the pixels do.
    #[inline(always)]
    fn spans(self, mut f: impl FnMut(Span)) {
        let (oh, ow) = self.out();
        for i in 0..oh {
            let rows = self.window(i, self.h);
            let mut j = 0;
            while j < ow {
                let columns = self.window(j, self.w);
                let inner = self.stride == 1 && columns.len() == 3;
                let pixels = if inner { self.w - 2 } else { 1 };
                let mut span = Span { out: (i * ow + j) * self.c, len: pixels * self.c, taps: [0; 9], count: 0 };
                for row in rows.clone() {
                    for column in columns.clone() {
                        span.taps[span.count] = (row * self.w + column) * self.c;
                        span.count += 1;
                    }
                }
                f(span);
                j += pixels;
            }
        }
    }
}

/// Writes an image's output.
pub(super) struct Forward<'a> {
    pub(super) shape: Shape,
    pub(super) kind: PoolKind,
    pub(super) x: &'a [f32],
    pub(super) out: &'a mut [f32],
}

impl Kernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { shape, kind, x, out } = self;
        shape.spans(|span| {
            let share = s.splat(1.0 / span.count as f32);
            let out = &mut out[span.out..][..span.len];
            for at in (0..span.len).step_by(S::LANES) {
                let end = (at + S::LANES).min(span.len);
                let pooled = match kind {
                    PoolKind::Max => fold(&span, |tap| s.load(&x[tap + at..tap + end]), |a, b| s.max_or_nan(a, b)),
                    PoolKind::Average => {
                        s.mul(fold(&span, |tap| s.load(&x[tap + at..tap + end]), |a, b| s.add(a, b)), share)
                    }
                };
                s.store(&mut out[at..end], pooled);
            }
        });
    }
}

/// Combines the values at all taps, in order.
#[inline(always)]
fn fold<V>(span: &Span, load: impl Fn(usize) -> V, combine: impl Fn(V, V) -> V) -> V {
    let mut result = load(span.taps[0]);
    if span.count == 9 {
        // The usual case, with a length that the compiler knows.
        for k in 1..9 {
            result = combine(result, load(span.taps[k]));
        }
    } else {
        for k in 1..span.count {
            result = combine(result, load(span.taps[k]));
        }
    }
    result
}

/// The gradient at the output as it is read: `a * dy + b * z + d`, all of them as long as one row of the output, except
/// `dy` and `z` (`None`: without that part), which are an image.
pub(super) struct Affine<'a> {
    pub(super) dy: &'a [f32],
    pub(super) z: Option<&'a [f32]>,
    pub(super) a: &'a [f32],
    pub(super) b: &'a [f32],
    pub(super) d: &'a [f32],
}

/// Adds the gradient of an image's input.
pub(super) struct Backward<'a> {
    pub(super) shape: Shape,
    pub(super) kind: PoolKind,
    pub(super) x: &'a [f32],
    pub(super) grad: Affine<'a>,
    pub(super) dx: &'a mut [f32],
}

impl Kernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { shape, kind, x, grad, dx } = self;
        shape.spans(|span| {
            let share = s.splat(1.0 / span.count as f32);
            let row = span.out % grad.a.len();
            for at in (0..span.len).step_by(S::LANES) {
                let end = (at + S::LANES).min(span.len);
                let (out, channel) = (span.out + at..span.out + end, row + at..row + end);
                let mut g = s.mul(s.load(&grad.a[channel.clone()]), s.load(&grad.dy[out.clone()]));
                if let Some(z) = grad.z {
                    let constant = s.load(&grad.d[channel.clone()]);
                    g = s.add(g, s.fma(s.load(&grad.b[channel]), s.load(&z[out]), constant));
                }
                let load = |tap: usize| s.load(&x[tap + at..tap + end]);
                match kind {
                    PoolKind::Average => {
                        let g = s.mul(g, share);
                        each_tap(&span, |tap| {
                            let sum = s.add(s.load(&dx[tap + at..tap + end]), g);
                            s.store(&mut dx[tap + at..tap + end], sum);
                        });
                    }
                    PoolKind::Max => {
                        let max = fold(&span, load, |a, b| s.max_or_nan(a, b));
                        // What the first maximum takes is not there for the others.
                        let mut rest = g;
                        each_tap(&span, |tap| {
                            let taken;
                            (taken, rest) = s.split_equal(load(tap), max, rest);
                            let sum = s.add(s.load(&dx[tap + at..tap + end]), taken);
                            s.store(&mut dx[tap + at..tap + end], sum);
                        });
                    }
                }
            }
        });
    }
}

#[inline(always)]
fn each_tap(span: &Span, mut f: impl FnMut(usize)) {
    if span.count == 9 {
        span.taps.iter().for_each(|&tap| f(tap));
    } else {
        span.taps[..span.count].iter().for_each(|&tap| f(tap));
    }
}
