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

    /// One thread for each of a few values, times `times`.
    pub(super) fn each(values: usize, times: usize) -> Self {
        Self { blocks: [values.div_ceil(64), times, 1], threads: [64, 1, 1] }
    }

    /// 256 threads a block.
    pub(super) fn tiles(blocks: [usize; 3]) -> Self {
        Self { blocks, threads: [THREADS as u32, 1, 1] }
    }

    /// 32 channels and 8 pixels (or pieces) a block.
    pub(super) fn channels(channels: usize, pieces: usize, times: usize) -> Self {
        Self { blocks: [channels.div_ceil(32), pieces, times], threads: [32, 8, 1] }
    }
}

/// Rows of a matrix product's tile: pixels.
pub(super) const ROWS: usize = 64;

/// Columns of a matrix product's tile: as few as hold them all, of 16, 32 and 64.
pub(super) fn tile(columns: usize) -> (usize, &'static str) {
    match columns {
        0..=16 => (16, "_16"),
        17..=32 => (32, "_32"),
        _ => (64, "_64"),
    }
}

/// The largest number of a kernel: from the last value, its loops take one more step of at most [`BLOCKS`] * [`THREADS`]
/// values, or of a piece's share, before they see that they are at the end.
const MOST: usize = i32::MAX as usize - (1 << 23);

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
        let step = Grid::values(MOST).blocks[0] * THREADS;
        assert!(MOST.checked_add(step).is_some_and(|end| i32::try_from(end).is_ok()));
        for (most, least) in [(256, 64), (512, 128), (1, 128), (171, 128)] {
            let pieces = super::super::pieces::Pieces::new(MOST, most, least);
            assert!(i32::try_from(pieces.count * pieces.share).is_ok(), "{pieces:?}");
        }
    }
}
