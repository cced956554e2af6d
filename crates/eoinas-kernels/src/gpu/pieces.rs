//! Sums over all pixels: blocks sum over pieces of them, and the pieces are added up in order, later.

use candle_core::Shape;

use super::arguments::Argument;
use super::device::Gpu;
use super::grid::{Grid, tile};
use super::operands::Operands;
use crate::error::Result;
use crate::results::WeightGradient;

/// Pixels cut into pieces that blocks sum over; depends on the sizes of the launch alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces {
    /// How many there are.
    pub(super) count: usize,
    /// Pixels of each, fewer in the last.
    pub(super) share: usize,
}

impl Pieces {
    /// At most `most` pieces of at least `least` pixels.
    pub(super) fn new(pixels: usize, most: usize, least: usize) -> Self {
        let share = pixels.div_ceil(most.max(1)).max(least).next_multiple_of(16);
        Self { count: pixels.div_ceil(share).max(1), share }
    }

    /// For a launch of [`Grid::channels`]: enough blocks for the largest GPUs to be full, and no more, since each adds to
    /// what is left to add up.
    pub(super) fn of_channels(pixels: usize, channels: usize, times: usize) -> Self {
        let [blocks, ..] = Grid::channels(channels, 1, 1).blocks;
        Self::new(pixels, 528usize.div_ceil(blocks * times.max(1)), 128)
    }
}

/// A gradient of this shape as what pieces of the pixels add to it, by a kernel that takes `arguments`, the pixels of a
/// piece, and where to write.
///
/// # Safety
/// As for `Gpu::launch`, of all arguments but the last two.
pub(super) unsafe fn parts_over_pixels(
    gpu: &Gpu,
    kernel: &'static str,
    (name, grid): (&str, Grid),
    pieces: Pieces,
    shape: &Shape,
    mut arguments: Vec<Argument<'_>>,
) -> Result<WeightGradient> {
    let parts = gpu.unwritten((pieces.count, shape.elem_count()))?;
    let mut operands = Operands::new(gpu, kernel);
    arguments.push(Argument::Int(operands.int(pieces.share)?));
    arguments.push(Argument::Address(operands.output(&parts)?));
    // SAFETY: as the caller says; `parts` has room for the numbers of each piece.
    unsafe { gpu.launch(name, grid, &arguments)? };
    Ok(WeightGradient::Pending { parts, shape: shape.clone() })
}

/// The gradient of `rows` x `columns` weights, by a kernel that multiplies tiles of them.
///
/// # Safety
/// As for [`parts_over_pixels`].
pub(super) unsafe fn weight_gradient(
    gpu: &Gpu,
    kernel: &'static str,
    name: &str,
    pixels: usize,
    [rows, columns]: [usize; 2],
    arguments: Vec<Argument<'_>>,
    shape: &Shape,
) -> Result<WeightGradient> {
    let (size, suffix) = tile(columns);
    let tiles = [rows.div_ceil(size), columns.div_ceil(size)];
    // Enough blocks for the largest GPUs, of at least the pixels that one takes at a time: `CHUNK` in `gemm.cuh`.
    let pieces = Pieces::new(pixels, 264usize.div_ceil(tiles[0] * tiles[1]), 2048 / size);
    let grid = Grid::tiles([tiles[0], tiles[1], pieces.count]);
    // SAFETY: as the caller says.
    unsafe { parts_over_pixels(gpu, kernel, (&format!("{name}{suffix}"), grid), pieces, shape, arguments) }
}
