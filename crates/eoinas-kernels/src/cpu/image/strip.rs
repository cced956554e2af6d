//! Rows of an image, vector by vector.

use crate::cpu::simd::Simd;

/// Some vectors of a row: one vector of channels for `count` pixels.
#[derive(Clone, Copy)]
pub(super) struct Strip {
    pub(super) count: usize,
    pub(super) lanes: usize,
    /// Distances between pixels where is read and where is written.
    pub(super) from: usize,
    pub(super) to: usize,
    /// How far ahead in the tensor memory is asked for: what the next call will read comes into the cache while the op
    /// works on what this one has read.
    pub(super) ahead: usize,
}

impl Strip {
    /// Whether reading at `from` and writing at `to` values stays inside.
    #[inline(always)]
    pub(super) fn check(&self, from: usize, to: usize) {
        assert!(self.count > 0 && (self.count - 1) * self.from + self.lanes <= from, "image: source is too short");
        assert!((self.count - 1) * self.to + self.lanes <= to, "image: destination is too short");
    }
}

/// The numbers of some channels.
#[inline(always)]
pub(super) fn at<S: Simd>(s: S, values: &[f32], channel: usize, lanes: usize) -> S::V {
    s.load(&values[channel..channel + lanes])
}

/// # Safety
/// As [`Simd::load_ptr`] where `FULL`, else as [`Simd::load_partial_ptr`].
#[inline(always)]
pub(super) unsafe fn load<S: Simd, const FULL: bool>(s: S, from: *const f32, lanes: usize) -> S::V {
    // SAFETY: the caller vouches for it.
    unsafe { if FULL { s.load_ptr(from) } else { s.load_partial_ptr(from, lanes) } }
}

/// # Safety
/// As [`Simd::store_ptr`] where `FULL`, else as [`Simd::store_partial_ptr`].
#[inline(always)]
pub(super) unsafe fn store<S: Simd, const FULL: bool>(s: S, to: *mut f32, v: S::V, lanes: usize) {
    // SAFETY: the caller vouches for it.
    unsafe { if FULL { s.store_ptr(to, v) } else { s.store_partial_ptr(to, v, lanes) } }
}

/// Splits the pixels of a row into strips, each with its first channel.
///
/// An iterator, and not a function that takes a closure: a closure that is not inlined is compiled without the vector
/// instructions.
pub(super) struct Strips {
    channel: usize,
    channels: usize,
    /// A full vector, for all pixels.
    strip: Strip,
}

impl Strips {
    /// `count` pixels of `channels` side by side, apart by `from` and `to`; see [`Strip`]. Where pixels touch each other on both sides
    /// the row is vector after vector without regard to pixels, if `flat` allows it.
    #[inline(always)]
    pub(super) fn new<S: Simd>(
        _: S,
        count: usize,
        channels: usize,
        (from, to, ahead): (usize, usize, usize),
        flat: bool,
    ) -> Self {
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
