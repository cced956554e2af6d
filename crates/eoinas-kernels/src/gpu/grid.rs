//! How work is cut into blocks, and numbers as kernels take them.

use crate::error::{KernelError, Result};

/// Threads of a block of most kernels.
const THREADS: usize = 256;

/// Blocks of a kernel whose threads take several values each, at most: enough for every GPU to be full.
const BLOCKS: usize = 16 * 1024;

/// Blocks and threads of a launch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    pub(super) blocks: [usize; 3],
    pub(super) threads: [u32; 3],
}

impl Grid {
    /// One thread a value, or several values a thread where there are very many.
    pub(super) fn values(values: usize) -> Self {
        Self { blocks: [values.div_ceil(THREADS).min(BLOCKS), 1, 1], threads: [THREADS as u32, 1, 1] }
    }

    /// One thread for four channels of a value `[n, h, w, c]` where they are read together, else for each of four.
    pub(super) fn channel_values(shape: [usize; 4]) -> Self {
        Self::values(shape.iter().product::<usize>().div_ceil(4))
    }

    /// One thread for each of a few values, times `times`.
    pub(super) fn each(values: usize, times: usize) -> Self {
        Self { blocks: [values.div_ceil(64), times, 1], threads: [64, 1, 1] }
    }

    /// 256 threads a block.
    pub(super) fn tiles(blocks: [usize; 3]) -> Self {
        Self { blocks, threads: [THREADS as u32, 1, 1] }
    }

    /// Tiles of a matrix product: `THREADS` in `gemm.cuh`.
    pub(super) fn product(blocks: [usize; 3]) -> Self {
        Self { blocks, threads: [PRODUCT_THREADS as u32, 1, 1] }
    }

    /// Some channels a block, which sums over a piece of the pixels.
    pub(super) fn channels(channels: usize, pieces: usize, times: usize) -> Self {
        Self::tiles([channels.div_ceil(CHANNELS), pieces, times])
    }
}

/// Channels of a block that sums over pixels; as in `threads.cuh`.
const CHANNELS: usize = 16;

/// Threads of a matrix product's block, each of which has four results.
const PRODUCT_THREADS: usize = 512;

/// Rows of a tile of so many columns: pixels; `ROWS` in `gemm.cuh`.
pub(super) fn rows(tile: usize) -> usize {
    PRODUCT_THREADS * 4 / tile
}

/// Columns of a matrix product's tile: as few as hold them all, of 16, 32 and 64.
pub(super) fn tile(columns: usize) -> (usize, &'static str) {
    match columns {
        0..=16 => (16, "_16"),
        17..=32 => (32, "_32"),
        _ => (64, "_64"),
    }
}

/// The largest number of a kernel: from the last value, its loops take one more step of at most [`BLOCKS`] * [`THREADS`]
/// times four values, or of a piece's share, before they see that they are at the end.
const MOST: usize = i32::MAX as usize - (1 << 25);

/// A number as a kernel's `int`.
pub(super) fn int(kernel: &'static str, number: usize) -> Result<i32> {
    match i32::try_from(number) {
        Ok(int) if number <= MOST => Ok(int),
        _ => Err(KernelError::Argument {
            kernel,
            argument: "number of values",
            got: number.to_string(),
            expected: format!("at most {MOST} on a GPU; use a smaller batch"),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_step_behind_the_last_value_is_a_number_too() {
        assert_eq!(int("sum", MOST).unwrap() as usize, MOST);
        for number in [MOST + 1, i32::MAX as usize, usize::MAX] {
            assert!(int("sum", number).unwrap_err().to_string().contains("use a smaller batch"));
        }
        let step = Grid::values(MOST).blocks[0] * THREADS * 4;
        assert!(MOST.checked_add(step).is_some_and(|end| i32::try_from(end).is_ok()));
        for (most, least) in [(256, 64), (264, 128), (1, 32), (88, 64)] {
            let pieces = super::super::pieces::Pieces::new(MOST, most, least);
            assert!(i32::try_from(pieces.count * pieces.share).is_ok(), "{pieces:?}");
        }
    }
}
