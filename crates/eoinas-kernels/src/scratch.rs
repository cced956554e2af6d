//! Memory that starts at a cache line: vectors of 64 bytes that straddle two lines cost twice.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// One cache line.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A buffer of f32 that starts at a cache line.
#[derive(Debug, Default)]
pub(crate) struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

impl Aligned {
    /// Zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; 16]); len.div_ceil(16)], len }
    }

    /// Rows of `width` values, each filled up with zeros to a multiple of 16.
    pub(crate) fn rows(values: impl IntoIterator<Item = f32>, rows: usize, width: usize) -> Self {
        let padded = width.next_multiple_of(16);
        let mut buffer = Self::zeros(rows * padded);
        let mut values = values.into_iter();
        for row in buffer.chunks_mut(padded.max(1)) {
            row.iter_mut().take(width).zip(values.by_ref()).for_each(|(slot, value)| *slot = value);
        }
        buffer
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: a `Line` is 16 f32 without padding, and there are enough lines for `len` values.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and borrowed for writing as long as `self` is.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

thread_local! {
    static SCRATCH: RefCell<Aligned> = const { RefCell::new(Aligned { lines: Vec::new(), len: 0 }) };
}

/// Gives `f` one slice of each length out of memory that the thread keeps. Their content is whatever was there before.
pub(crate) fn with_scratch<const N: usize, R>(lens: [usize; N], f: impl FnOnce([&mut [f32]; N]) -> R) -> R {
    let len: usize = lens.iter().map(|len| len.next_multiple_of(16)).sum();
    // Taken out, not borrowed, so that a nested call would only cost an allocation.
    let mut memory = SCRATCH.take();
    if memory.len < len {
        memory = Aligned::zeros(len);
    }
    let mut rest: &mut [f32] = &mut memory;
    let slices = lens.map(|len| {
        let (slice, tail) = std::mem::take(&mut rest).split_at_mut(len.next_multiple_of(16));
        rest = tail;
        &mut slice[..len]
    });
    let result = f(slices);
    SCRATCH.set(memory);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scratch_is_aligned_and_kept() {
        let first = with_scratch([10, 100], |[a, b]| {
            assert_eq!((a.len(), b.len()), (10, 100));
            assert!(a.as_ptr().align_offset(64) == 0 && b.as_ptr().align_offset(64) == 0);
            a.as_ptr() as usize
        });
        assert_eq!(first, with_scratch([64], |[a]| a.as_ptr() as usize));
    }

    #[test]
    fn rows_are_filled_up() {
        let rows = Aligned::rows([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3);
        assert_eq!(rows.len(), 32);
        assert_eq!((&rows[..4], &rows[16..20]), (&[1.0, 2.0, 3.0, 0.0][..], &[4.0, 5.0, 6.0, 0.0][..]));
    }
}
