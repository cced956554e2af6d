//! Pooling of one image, on vectors of channels.
//!
//! A row of the output is walked from left to right with the window's three columns in registers, so that each input
//! value is read once per row, and backward each gradient is written once per row.

use std::ops::Range;

use crate::cpu::simd::{Kernel, Simd};
use crate::geometry::PoolKind;

/// The sizes of a pooling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) h: usize,
    pub(super) w: usize,
    pub(super) c: usize,
    pub(super) stride: usize,
}

impl Shape {
    pub(super) fn out(self) -> (usize, usize) {
        (self.h.div_ceil(self.stride), self.w.div_ceil(self.stride))
    }

    /// Input rows of the window of output row `o`.
    #[inline(always)]
    fn rows(self, o: usize) -> Range<usize> {
        (o * self.stride).saturating_sub(1)..(o * self.stride + 2).min(self.h)
    }

    /// One over the number of pixels in a window of `rows` rows around a column.
    #[inline(always)]
    fn share(self, rows: usize, center: usize) -> f32 {
        let columns = (center + 2).min(self.w) - center.saturating_sub(1);
        1.0 / (rows * columns) as f32
    }
}

/// Some channels of `R` rows of an input, from their first row and channel on.
struct Rows<const R: usize> {
    shape: Shape,
    from: *const f32,
    lanes: usize,
}

/// One column of a window: its values, and their largest or their sum.
#[derive(Clone, Copy)]
struct Column<V, const R: usize> {
    values: [V; R],
    pooled: V,
}

impl<const R: usize> Rows<R> {
    /// A column that lies outside of the image: it changes neither maximum nor sum, and equals nothing.
    #[inline(always)]
    fn outside<S: Simd, const MAX: bool>(s: S) -> Column<S::V, R> {
        Column { values: [s.splat(f32::NAN); R], pooled: if MAX { s.splat(f32::NEG_INFINITY) } else { s.zero() } }
    }

    /// # Safety
    /// The rows must be valid for reading `lanes` channels (a full vector if `FULL`) of each pixel.
    #[inline(always)]
    unsafe fn column<S: Simd, const FULL: bool, const MAX: bool>(&self, s: S, at: usize) -> Column<S::V, R> {
        let Shape { w, c, .. } = self.shape;
        if at >= w {
            return Self::outside::<S, MAX>(s);
        }
        let mut values = [s.zero(); R];
        for (r, value) in values.iter_mut().enumerate() {
            // SAFETY: the pixel is inside the rows.
            *value = unsafe { load::<S, FULL>(s, self.from.add((r * w + at) * c), self.lanes) };
        }
        let mut pooled = values[0];
        for &value in &values[1..] {
            pooled = if MAX { s.max_or_nan(pooled, value) } else { s.add(pooled, value) };
        }
        Column { values, pooled }
    }
}

/// # Safety
/// `from` must be valid for reading `LANES` values, or `lanes` if not `FULL`.
#[inline(always)]
unsafe fn load<S: Simd, const FULL: bool>(s: S, from: *const f32, lanes: usize) -> S::V {
    // SAFETY: as the caller says.
    unsafe { if FULL { s.load_ptr(from) } else { s.load_partial_ptr(from, lanes) } }
}

/// # Safety
/// `to` must be valid for writing `LANES` values, or `lanes` if not `FULL`.
#[inline(always)]
unsafe fn store<S: Simd, const FULL: bool>(s: S, to: *mut f32, v: S::V, lanes: usize) {
    // SAFETY: as the caller says.
    unsafe { if FULL { s.store_ptr(to, v) } else { s.store_partial_ptr(to, v, lanes) } }
}

/// Calls a row's function with its number of rows and its kinds of loads and pooling as constants.
macro_rules! specialised {
    ($rows:expr, $full:expr, $kind:expr, $call:ident, $($arg:expr),*) => {
        match ($rows, $full, $kind) {
            (3, true, PoolKind::Max) => $call::<S, 3, true, true>($($arg),*),
            (3, true, PoolKind::Average) => $call::<S, 3, true, false>($($arg),*),
            (3, false, PoolKind::Max) => $call::<S, 3, false, true>($($arg),*),
            (3, false, PoolKind::Average) => $call::<S, 3, false, false>($($arg),*),
            (2, _, PoolKind::Max) => $call::<S, 2, false, true>($($arg),*),
            (2, _, PoolKind::Average) => $call::<S, 2, false, false>($($arg),*),
            (_, _, PoolKind::Max) => $call::<S, 1, false, true>($($arg),*),
            (_, _, PoolKind::Average) => $call::<S, 1, false, false>($($arg),*),
        }
    };
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
        let Shape { h, w, c, .. } = self.shape;
        let (oh, ow) = self.shape.out();
        assert!(self.x.len() == h * w * c && self.out.len() == oh * ow * c);
        for (i, out) in self.out.chunks_exact_mut(ow * c).enumerate() {
            let rows = self.shape.rows(i);
            for channel in (0..c).step_by(S::LANES) {
                let lanes = (c - channel).min(S::LANES);
                // SAFETY: `x` holds all of `rows`, `out` one row, both with `lanes` channels from `channel` on.
                unsafe {
                    let from = self.x.as_ptr().add(rows.start * w * c + channel);
                    let to = out.as_mut_ptr().add(channel);
                    specialised!(rows.len(), lanes == S::LANES, self.kind, forward_row, s, self.shape, from, to, lanes);
                }
            }
        }
    }
}

/// # Safety
/// `from` must be valid for reading `lanes` channels of each pixel of `R` rows of the input, `to` for writing them of
/// one row of the output.
#[inline(always)]
unsafe fn forward_row<S: Simd, const R: usize, const FULL: bool, const MAX: bool>(
    s: S,
    shape: Shape,
    from: *const f32,
    to: *mut f32,
    lanes: usize,
) {
    let rows = Rows::<R> { shape, from, lanes };
    let combine = |a, b| if MAX { s.max_or_nan(a, b) } else { s.add(a, b) };
    let mut mid = Rows::<R>::outside::<S, MAX>(s).pooled;
    // SAFETY: as the caller says.
    unsafe {
        let mut right = if shape.stride == 1 { rows.column::<S, FULL, MAX>(s, 0).pooled } else { mid };
        for j in 0..shape.out().1 {
            let center = j * shape.stride;
            let left;
            if shape.stride == 1 {
                (left, mid) = (mid, right);
            } else {
                (left, mid) = (right, rows.column::<S, FULL, MAX>(s, center).pooled);
            }
            right = rows.column::<S, FULL, MAX>(s, center + 1).pooled;
            let mut pooled = combine(combine(left, mid), right);
            if !MAX {
                pooled = s.mul(pooled, s.splat(shape.share(R, center)));
            }
            store::<S, FULL>(s, to.add(j * shape.c), pooled, lanes);
        }
    }
}

/// The gradient at the output as it is read: `a * dy + b * z + d`. `dy` and `z` are an image of the output, the
/// coefficients are one a channel. Without `z`, it is `a * dy`.
#[derive(Clone, Copy)]
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
        let Shape { h, w, c, .. } = shape;
        let (oh, ow) = shape.out();
        assert!(x.len() == h * w * c && dx.len() == x.len() && grad.dy.len() == oh * ow * c && grad.a.len() == c);
        if let Some(z) = grad.z {
            assert!(z.len() == grad.dy.len() && grad.b.len() == c && grad.d.len() == c);
        }
        for i in 0..oh {
            let rows = shape.rows(i);
            for channel in (0..c).step_by(S::LANES) {
                let lanes = (c - channel).min(S::LANES);
                let of = |v: &[f32]| s.load(&v[channel..channel + lanes]);
                let map = if grad.z.is_some() { [of(grad.a), of(grad.b), of(grad.d)] } else { [of(grad.a); 3] };
                // SAFETY: `x` and `dx` hold all of `rows`, `dy` and `z` row `i`, all with `lanes` channels from
                // `channel` on.
                unsafe {
                    let (input, output) = (rows.start * w * c + channel, i * ow * c + channel);
                    let gradient = RowGradient::<S> {
                        dy: grad.dy.as_ptr().add(output),
                        z: grad.z.map(|z| z.as_ptr().add(output)),
                        map,
                    };
                    let (x, dx) = (x.as_ptr().add(input), dx.as_mut_ptr().add(input));
                    specialised!(rows.len(), lanes == S::LANES, kind, backward_row, s, shape, x, gradient, dx, lanes);
                }
            }
        }
    }
}

/// The gradient at some channels of one row of the output.
struct RowGradient<S: Simd> {
    dy: *const f32,
    z: Option<*const f32>,
    map: [S::V; 3],
}

impl<S: Simd> RowGradient<S> {
    /// # Safety
    /// `dy` and `z` must be valid for reading `lanes` values (a full vector if `FULL`) from `at` on.
    #[inline(always)]
    unsafe fn at<const FULL: bool>(&self, s: S, at: usize, lanes: usize) -> S::V {
        let [a, b, d] = self.map;
        // SAFETY: as the caller says.
        unsafe {
            let dy = load::<S, FULL>(s, self.dy.add(at), lanes);
            match self.z {
                None => s.mul(a, dy),
                Some(z) => s.fma(a, dy, s.fma(b, load::<S, FULL>(s, z.add(at), lanes), d)),
            }
        }
    }
}

/// # Safety
/// As for [`forward_row`]; `dx` as `from`, but also for writing, `gradient` as `to`, but for reading.
#[inline(always)]
unsafe fn backward_row<S: Simd, const R: usize, const FULL: bool, const MAX: bool>(
    s: S,
    shape: Shape,
    from: *const f32,
    gradient: RowGradient<S>,
    dx: *mut f32,
    lanes: usize,
) {
    let Shape { w, c, stride, .. } = shape;
    let rows = Rows::<R> { shape, from, lanes };
    let outside = Rows::<R>::outside::<S, MAX>(s);
    let target = Rows::<R> { shape, from: dx, lanes };
    // The window's columns, and what was found so far for their gradients.
    let mut columns = [outside; 3];
    let mut sums = [[s.zero(); R]; 3];
    // SAFETY: as the caller says; columns outside of the image are neither read nor written.
    unsafe {
        if MAX && stride == 1 {
            columns[2] = rows.column::<S, FULL, MAX>(s, 0);
        }
        for j in 0..shape.out().1 {
            let center = j * stride;
            if stride == 1 {
                columns = [columns[1], columns[2], columns[2]];
                sums = [sums[1], sums[2], [s.zero(); R]];
            } else {
                columns = [columns[2], columns[1], columns[1]];
                sums = [sums[2], [s.zero(); R], [s.zero(); R]];
            }
            let value = gradient.at::<FULL>(s, j * c, lanes);
            if MAX {
                if stride == 2 {
                    columns[1] = rows.column::<S, FULL, MAX>(s, center);
                }
                columns[2] = rows.column::<S, FULL, MAX>(s, center + 1);
                let [left, mid, right] = columns;
                let max = s.max_or_nan(s.max_or_nan(left.pooled, mid.pooled), right.pooled);
                // What the first maximum takes is not there for the others.
                let mut rest = value;
                for r in 0..R {
                    for (column, sum) in columns.iter().zip(&mut sums) {
                        let taken;
                        (taken, rest) = s.split_equal(column.values[r], max, rest);
                        sum[r] = s.add(sum[r], taken);
                    }
                }
            } else {
                let share = s.mul(value, s.splat(shape.share(R, center)));
                for sum in sums.as_flattened_mut() {
                    *sum = s.add(*sum, share);
                }
            }
            if center > 0 {
                target.add::<S, FULL>(s, center - 1, &sums[0]);
            }
            if stride == 2 {
                target.add::<S, FULL>(s, center, &sums[1]);
            }
        }
        // What the last window leaves.
        let last = (shape.out().1 - 1) * stride;
        if stride == 1 {
            target.add::<S, FULL>(s, last, &sums[1]);
        }
        if last + 1 < w {
            target.add::<S, FULL>(s, last + 1, &sums[2]);
        }
    }
}

impl<const R: usize> Rows<R> {
    /// Adds to a column.
    ///
    /// # Safety
    /// The rows must have been made from a pointer that is valid for reading and writing, as in [`Rows::column`]; the
    /// column must be inside of the image.
    #[inline(always)]
    unsafe fn add<S: Simd, const FULL: bool>(&self, s: S, at: usize, sums: &[S::V; R]) {
        let Shape { w, c, .. } = self.shape;
        for (r, &sum) in sums.iter().enumerate() {
            // SAFETY: the pixel is inside the rows, which the caller may write.
            unsafe {
                let to = self.from.add((r * w + at) * c).cast_mut();
                store::<S, FULL>(s, to, s.add(load::<S, FULL>(s, to, self.lanes), sum), self.lanes);
            }
        }
    }
}
