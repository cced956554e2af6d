//! From tensors to scratch memory: an input through its BatchNorm and ReLU, a gradient through its affine map.

use std::ops::Range;

use super::layout::Layout;
use super::strip::{Strip, Strips, at, load, store};
use crate::cpu::access::{GradientView, InputView};
use crate::cpu::simd::{Kernel, Simd};

/// An image of the input that lies in its tensor just as the layout wants it, if it does.
pub(crate) fn borrow_input<'v>(view: &InputView<'v>, image: usize, layout: Layout) -> Option<&'v [f32]> {
    let &[(data, c)] = view.sources.as_slice() else { return None };
    let plain = view.norm.is_none() && !view.relu && layout.is_plain();
    let len = layout.height * layout.width * c;
    if plain { data.get(image * len..(image + 1) * len) } else { None }
}

/// Reads rows of an image of the input into scratch memory.
pub(crate) struct LoadInput<'a, 'v> {
    pub(crate) view: &'a InputView<'v>,
    pub(crate) image: usize,
    pub(crate) rows: Range<usize>,
    pub(crate) layout: Layout,
    pub(crate) to: &'a mut [f32],
}

impl Kernel for LoadInput<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { view, image, rows, layout, to } = self;
        let [_, h, w, total] = view.shape;
        let floor = if view.relu { s.zero() } else { s.splat(f32::NEG_INFINITY) };
        let count = rows.len();
        for y in rows {
            let to_row = &mut to[layout.origin() + y * layout.row()..][..(w - 1) * layout.pixel + total];
            let mut offset = 0;
            for &(data, c) in &view.sources {
                let row = &data[((image * h + y) * w) * c..][..w * c];
                for (channel, strip) in Strips::new(s, w, c, (c, layout.pixel, count * w * c), view.norm.is_none()) {
                    let joined = offset + channel;
                    // No `map`: see `Strips`.
                    #[allow(clippy::manual_map)]
                    let norm = match view.norm {
                        Some(n) => Some((at(s, n.scale, joined, strip.lanes), at(s, n.shift, joined, strip.lanes))),
                        None => None,
                    };
                    let (row, to_row) = (&row[channel..], &mut to_row[joined..]);
                    if strip.lanes == S::LANES {
                        activate::<S, true>(s, strip, row, to_row, norm, floor);
                    } else {
                        activate::<S, false>(s, strip, row, to_row, norm, floor);
                    }
                }
                offset += c;
            }
        }
    }
}

#[inline(always)]
fn activate<S: Simd, const FULL: bool>(
    s: S,
    strip: Strip,
    from: &[f32],
    to: &mut [f32],
    norm: Option<(S::V, S::V)>,
    floor: S::V,
) {
    strip.check(from.len(), to.len());
    let (mut from, mut to) = (from.as_ptr(), to.as_mut_ptr());
    for _ in 0..strip.count {
        // SAFETY: checked above.
        unsafe {
            let value = load::<S, FULL>(s, from, strip.lanes);
            s.prefetch(from.wrapping_add(strip.ahead));
            let value = match norm {
                Some((scale, shift)) => s.fma(value, scale, shift),
                None => value,
            };
            // The constant first: a NaN in the second place comes through.
            store::<S, FULL>(s, to, s.max(floor, value), strip.lanes);
        }
        from = from.wrapping_add(strip.from);
        to = to.wrapping_add(strip.to);
    }
}

/// An image of the gradient that lies in its tensor just as the layout wants it, if it does.
pub(crate) fn borrow_gradient<'v>(view: &GradientView<'v>, image: usize, layout: Layout) -> Option<&'v [f32]> {
    let plain = view.norm.is_none() && view.sample.is_none() && view.gate == 1.0 && layout.is_plain();
    let len = layout.height * layout.width * layout.channels;
    if plain { view.dy.get(image * len..(image + 1) * len) } else { None }
}

/// Reads rows of an image of the gradient at the kernel's output into scratch memory, which holds these rows alone.
pub(crate) struct LoadGradient<'a, 'v> {
    pub(crate) view: &'a GradientView<'v>,
    pub(crate) image: usize,
    pub(crate) rows: Range<usize>,
    pub(crate) layout: Layout,
    pub(crate) to: &'a mut [f32],
}

impl Kernel for LoadGradient<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { view, image, rows, layout, to } = self;
        let Layout { height: h, width: w, channels: c, .. } = layout;
        let sample = view.sample.map_or(1.0, |sample| sample[image]);
        let (first, count) = (rows.start, rows.len());
        for y in rows {
            let to_row = &mut to[layout.origin() + (y - first) * layout.row()..][..(w - 1) * layout.pixel + c];
            let from = (image * h + y) * w * c..(image * h + y + 1) * w * c;
            let dy = &view.dy[from.clone()];
            let z = view.norm.map(|(z, _)| &z[from]);
            for (channel, strip) in Strips::new(s, w, c, (c, layout.pixel, count * w * c), z.is_none()) {
                let map = match (view.norm, z) {
                    (Some((_, [a, b, d])), Some(z)) => {
                        let lanes = strip.lanes;
                        let a = s.mul(s.splat(sample), at(s, a, channel, lanes));
                        Map::Affine(&z[channel..], a, at(s, b, channel, lanes), at(s, d, channel, lanes))
                    }
                    _ => Map::Scale(s.splat(view.gate * sample)),
                };
                let (dy, to_row) = (&dy[channel..], &mut to_row[channel..]);
                if strip.lanes == S::LANES {
                    affine::<S, true>(s, strip, dy, to_row, map);
                } else {
                    affine::<S, false>(s, strip, dy, to_row, map);
                }
            }
        }
    }
}

/// What is done to `dy`.
enum Map<'a, S: Simd> {
    Scale(S::V),
    /// `z`, `a`, `b`, `d`.
    Affine(&'a [f32], S::V, S::V, S::V),
}

#[inline(always)]
fn affine<S: Simd, const FULL: bool>(s: S, strip: Strip, dy: &[f32], to: &mut [f32], map: Map<'_, S>) {
    let Strip { count, lanes, .. } = strip;
    strip.check(dy.len(), to.len());
    let (dy, to) = (dy.as_ptr(), to.as_mut_ptr());
    match map {
        Map::Scale(a) => {
            for i in 0..count {
                // SAFETY: checked above.
                unsafe {
                    let dy = dy.add(i * strip.from);
                    s.prefetch(dy.wrapping_add(strip.ahead));
                    let value = s.mul(a, load::<S, FULL>(s, dy, lanes));
                    store::<S, FULL>(s, to.add(i * strip.to), value, lanes);
                }
            }
        }
        Map::Affine(z, a, b, d) => {
            strip.check(z.len(), usize::MAX);
            for i in 0..count {
                // SAFETY: checked above.
                unsafe {
                    let (z, dy) = (z.as_ptr().add(i * strip.from), dy.add(i * strip.from));
                    s.prefetch(z.wrapping_add(strip.ahead));
                    s.prefetch(dy.wrapping_add(strip.ahead));
                    let (z, dy) = (load::<S, FULL>(s, z, lanes), load::<S, FULL>(s, dy, lanes));
                    store::<S, FULL>(s, to.add(i * strip.to), s.fma(a, dy, s.fma(b, z, d)), lanes);
                }
            }
        }
    }
}
