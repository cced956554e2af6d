//! Memory that starts at a cache line: vectors of 64 bytes that straddle two lines cost twice.

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
    /// Nothing.
    pub(crate) const fn new() -> Self {
        Self { lines: Vec::new(), len: 0 }
    }

    /// Zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        Self { lines: vec![Line([0.0; 16]); len.div_ceil(16)], len }
    }

    /// Leaves the first `len` values.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// `rows` rows of `width` values, each filled up with zeros to a multiple of 16.
    pub(crate) fn rows(values: &[f32], rows: usize, width: usize) -> Self {
        let padded = width.next_multiple_of(16);
        let mut buffer = Self::zeros(rows * padded);
        for (row, values) in buffer.chunks_mut(padded.max(1)).zip(values.chunks_exact(width.max(1))) {
            row[..width].copy_from_slice(values);
        }
        buffer
    }

    /// The same from matrices of `width` rows of `rows` values, each transposed, one after the other.
    pub(crate) fn transposed(matrices: &[&[f32]], rows: usize, width: usize) -> Self {
        let padded = width.next_multiple_of(16);
        let mut buffer = Self::zeros(matrices.len() * rows * padded);
        for (to, from) in buffer.chunks_mut((rows * padded).max(1)).zip(matrices) {
            for (column, values) in from.chunks_exact(rows.max(1)).enumerate() {
                to.chunks_exact_mut(padded).zip(values).for_each(|(row, value)| row[column] = *value);
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_filled_up() {
        let rows = Aligned::rows(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3);
        assert_eq!(rows.len(), 32);
        assert_eq!((&rows[..4], &rows[16..20]), (&[1.0, 2.0, 3.0, 0.0][..], &[4.0, 5.0, 6.0, 0.0][..]));
        let columns = Aligned::transposed(&[&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0], &[7.0; 6]], 2, 3);
        assert_eq!((&columns[..32], columns[34], columns[35], columns.len()), (&rows[..], 7.0, 0.0, 64));
    }
}
