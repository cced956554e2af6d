//! One image in scratch memory, and the passes between it and the tensors: reading an input through its BatchNorm and
//! ReLU, reading a gradient through its affine map, and handing an input's gradient back.

mod back;

use std::ops::Range;

use crate::access::{GradientView, InputView};
use crate::simd::{Kernel, Simd};

pub(crate) use back::StoreInputGradient;

/// How an image lies in scratch memory: with a border of zeros, and a fixed distance between pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// Zeros above and below.
    pub(crate) border_y: usize,
    /// Zeros left and right.
    pub(crate) border_x: usize,
    /// Distance between pixels.
    pub(crate) pixel: usize,
}

impl Layout {
    /// With channels filled up to whole vectors.
    pub(crate) fn vectors(height: usize, width: usize, channels: usize, border: (usize, usize)) -> Self {
        let pixel = channels.next_multiple_of(16);
        Self { height, width, channels, border_y: border.0, border_x: border.1, pixel }
    }

    /// With pixels close together.
    pub(crate) fn dense(height: usize, width: usize, channels: usize, border: (usize, usize)) -> Self {
        Self { pixel: channels, ..Self::vectors(height, width, channels, border) }
    }

    /// Distance between rows.
    pub(crate) fn row(&self) -> usize {
        (self.width + 2 * self.border_x) * self.pixel
    }

    /// Length of the memory, with room for a whole vector read at the last channel.
    pub(crate) fn len(&self) -> usize {
        (self.height + 2 * self.border_y) * self.row() + 16
    }

    /// Where pixel (0, 0) starts.
    pub(crate) fn origin(&self) -> usize {
        self.border_y * self.row() + self.border_x * self.pixel
    }

    /// Whether the memory is a tensor's: no border, and channels that fill whole vectors of 16.
    pub(crate) fn is_plain(&self) -> bool {
        self.border_x + self.border_y == 0 && self.pixel == self.channels && self.channels.is_multiple_of(16)
    }

    /// Zeros everything that the passes below do not write.
    pub(crate) fn clear(&self, memory: &mut [f32]) {
        if self.pixel != self.channels {
            memory.fill(0.0);
            return;
        }
        let side = self.border_x * self.pixel;
        for (y, row) in memory.chunks_mut(self.row()).enumerate() {
            if y < self.border_y || y >= self.border_y + self.height {
                row.fill(0.0);
            } else {
                row[..side].fill(0.0);
                let right = row.len() - side;
                row[right..].fill(0.0);
            }
        }
    }

    /// Zeros whole rows, border included and counted from its top.
    pub(crate) fn clear_rows(&self, memory: &mut [f32], rows: Range<usize>) {
        let end = (rows.end * self.row() + 16).min(memory.len());
        memory[rows.start * self.row()..end].fill(0.0);
    }
}

/// Some vectors of a row: one vector of channels for `count` pixels.
#[derive(Clone, Copy)]
struct Strip {
    count: usize,
    lanes: usize,
    /// Distances between pixels where is read and where is written.
    from: usize,
    to: usize,
    /// How far ahead in the tensor memory is asked for: what the next call will read comes into the cache while the op
    /// works on what this one has read.
    ahead: usize,
}

impl Strip {
    /// Whether reading at `from` and writing at `to` values stays inside.
    #[inline(always)]
    fn check(&self, from: usize, to: usize) {
        assert!(self.count > 0 && (self.count - 1) * self.from + self.lanes <= from, "image: source is too short");
        assert!((self.count - 1) * self.to + self.lanes <= to, "image: destination is too short");
    }
}

/// The numbers of some channels.
#[inline(always)]
fn at<S: Simd>(s: S, values: &[f32], channel: usize, lanes: usize) -> S::V {
    s.load(&values[channel..channel + lanes])
}

/// # Safety
/// As [`Simd::load_ptr`] where `FULL`, else as [`Simd::load_partial_ptr`].
#[inline(always)]
unsafe fn load<S: Simd, const FULL: bool>(s: S, from: *const f32, lanes: usize) -> S::V {
    // SAFETY: the caller vouches for it.
    unsafe { if FULL { s.load_ptr(from) } else { s.load_partial_ptr(from, lanes) } }
}

/// # Safety
/// As [`Simd::store_ptr`] where `FULL`, else as [`Simd::store_partial_ptr`].
#[inline(always)]
unsafe fn store<S: Simd, const FULL: bool>(s: S, to: *mut f32, v: S::V, lanes: usize) {
    // SAFETY: the caller vouches for it.
    unsafe { if FULL { s.store_ptr(to, v) } else { s.store_partial_ptr(to, v, lanes) } }
}

/// Splits the pixels of a row into strips, each with its first channel.
///
/// An iterator, and not a function that takes a closure: a closure that is not inlined is compiled without the vector
/// instructions.
struct Strips {
    channel: usize,
    channels: usize,
    /// A full vector, for all pixels.
    strip: Strip,
}

impl Strips {
    /// `count` pixels of `channels` side by side, apart by `from` and `to`; see [`Strip`]. Where pixels touch each other on both sides
    /// the row is vector after vector without regard to pixels, if `flat` allows it.
    #[inline(always)]
    fn new<S: Simd>(_: S, count: usize, channels: usize, (from, to, ahead): (usize, usize, usize), flat: bool) -> Self {
        let lanes = S::LANES;
        if flat && from == channels && to == channels && (count * channels).is_multiple_of(lanes) {
            let strip = Strip { count: count * channels / lanes, lanes, from: lanes, to: lanes, ahead };
            return Self { channel: 0, channels: lanes, strip };
        }
        Self { channel: 0, channels, strip: Strip { count, lanes, from, to, ahead } }
    }
}

impl Iterator for Strips {
    type Item = (usize, Strip);

    #[inline(always)]
    fn next(&mut self) -> Option<(usize, Strip)> {
        let channel = self.channel;
        if channel >= self.channels {
            return None;
        }
        self.channel += self.strip.lanes;
        Some((channel, Strip { lanes: self.strip.lanes.min(self.channels - channel), ..self.strip }))
    }
}

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
