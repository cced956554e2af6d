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

/// A number as a kernel's `int`.
pub(super) fn int(kernel: &'static str, number: usize) -> Result<i32> {
    i32::try_from(number).map_err(|_| KernelError::Argument {
        kernel,
        argument: "number of values",
        got: number.to_string(),
        expected: "less than 2^31 on a GPU; use a smaller batch".to_owned(),
    })
}
