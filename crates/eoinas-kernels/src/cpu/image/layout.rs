//! How an image lies in scratch memory.

use std::ops::Range;

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
