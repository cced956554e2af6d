//! Sums over all pixels: blocks sum over pieces of them, and the pieces are added up in order.

use candle_core::Tensor;

use super::arguments::Argument;
use super::device::Gpu;
use super::grid::{Grid, tile};
use super::operands::Operands;
use crate::error::Result;

/// Pixels cut into pieces that blocks sum over; depends on the number of pixels alone.
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

    /// For kernels whose blocks take 32 channels of a piece.
    pub(super) fn of_channels(pixels: usize) -> Self {
        Self::new(pixels, 256, 64)
    }
}

/// The sum of `values` numbers over all pixels, by a kernel that takes `arguments`, the pixels of a piece, and where to
/// write the numbers of each piece.
///
/// # Safety
/// As for `Gpu::launch`, of all arguments but the last two.
pub(super) unsafe fn sum_over_pixels(
    gpu: &Gpu,
    kernel: &'static str,
    (name, grid): (&str, Grid),
    (pieces, values): (Pieces, usize),
    mut arguments: Vec<Argument<'_>>,
) -> Result<Tensor> {
    let parts = gpu.unwritten((pieces.count, values))?;
    let out = gpu.unwritten(values)?;
    let mut operands = Operands::new(gpu, kernel);
    let parts = Argument::Address(operands.write("parts", &parts)?);
    let [share, count, size] = operands.numbers([pieces.share, pieces.count, values])?;
    arguments.extend([share, parts]);
    let sum = [parts, count, size, Argument::Address(operands.write("sum", &out)?)];
    // SAFETY: as the caller says; `parts` has room for the numbers of each piece, `out` for their sums.
    unsafe {
        gpu.launch(name, grid, &arguments)?;
        gpu.launch("sum_pieces", Grid::each(values, 1), &sum)?;
    }
    Ok(out)
}

/// The gradient of `rows` x `columns` weights, by a kernel that multiplies tiles of them.
///
/// # Safety
/// As for [`sum_over_pixels`].
pub(super) unsafe fn weight_gradient(
    gpu: &Gpu,
    kernel: &'static str,
    name: &str,
    pixels: usize,
    [rows, columns]: [usize; 2],
    arguments: Vec<Argument<'_>>,
) -> Result<Tensor> {
    let (size, suffix) = tile(columns);
    let tiles = [rows.div_ceil(size), columns.div_ceil(size)];
    let pieces = Pieces::new(pixels, 512usize.div_ceil(tiles[0] * tiles[1]), 128);
    let grid = Grid::tiles([tiles[0], tiles[1], pieces.count]);
    // SAFETY: as the caller says.
    unsafe { sum_over_pixels(gpu, kernel, (&format!("{name}{suffix}"), grid), (pieces, rows * columns), arguments) }
}
