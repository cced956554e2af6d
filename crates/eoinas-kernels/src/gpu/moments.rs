//! Moments of an output on their way to its statistics, on a GPU.

use candle_core::Tensor;

use super::arguments::Argument;
use super::device::Gpu;
use super::grid::{Grid, ROWS};
use super::operands::Operands;
use super::pieces::Pieces;
use crate::error::Result;
use crate::results::BatchStats;

/// Moments of pieces of an output on their way to its statistics.
struct Moments {
    /// `[pieces, 2, channels]`.
    parts: Tensor,
    pieces: Pieces,
    pixels: usize,
    channels: usize,
}

impl Moments {
    fn new(gpu: &Gpu, pixels: usize, pieces: Pieces, channels: usize) -> Result<Self> {
        Ok(Self { parts: gpu.unwritten((pieces.count, 2, channels))?, pieces, pixels, channels })
    }

    /// The statistics.
    fn stats(&self, gpu: &Gpu, kernel: &'static str) -> Result<BatchStats> {
        let (mean, variance) = (gpu.unwritten(self.channels)?, gpu.unwritten(self.channels)?);
        let mut operands = Operands::new(gpu, kernel);
        let mut arguments = vec![Argument::Address(operands.read("moments", &self.parts)?)];
        arguments.extend(operands.numbers([self.pieces.count, self.pieces.share, self.pixels, self.channels])?);
        arguments.push(Argument::Address(operands.write("mean", &mean)?));
        arguments.push(Argument::Address(operands.write("variance", &variance)?));
        // SAFETY: the arguments of the kernel; mean and variance have a value a channel.
        unsafe { gpu.launch("merge_moments", Grid::channels(self.channels, 1, 1), &arguments)? };
        Ok(BatchStats { mean, variance, count: self.pixels })
    }
}

/// The output of `run`, `[n, h, w, c]`, with its statistics if they are wanted: `run` multiplies matrices, which take the
/// moments of each tile while they write it to where it is told.
pub(super) fn with_stats(
    gpu: &Gpu,
    kernel: &'static str,
    [n, h, w, c]: [usize; 4],
    want_stats: bool,
    run: impl FnOnce(Option<&Tensor>) -> Result<Tensor>,
) -> Result<(Tensor, Option<BatchStats>)> {
    if !want_stats {
        return Ok((run(None)?, None));
    }
    let pixels = n * h * w;
    let pieces = Pieces { count: pixels.div_ceil(ROWS), share: ROWS };
    let moments = Moments::new(gpu, pixels, pieces, c)?;
    Ok((run(Some(&moments.parts))?, Some(moments.stats(gpu, kernel)?)))
}

/// Statistics of a tensor `[n, h, w, c]`.
pub(crate) fn batch_stats(gpu: &Gpu, kernel: &'static str, z: &Tensor, [n, h, w, c]: [usize; 4]) -> Result<BatchStats> {
    let pixels = n * h * w;
    let pieces = Pieces::of_channels(pixels);
    let moments = Moments::new(gpu, pixels, pieces, c)?;
    let mut operands = Operands::new(gpu, kernel);
    operands.int(z.elem_count())?;
    let mut arguments = vec![Argument::Address(operands.read("x", z)?)];
    arguments.extend(operands.numbers([pixels, c, pieces.share])?);
    arguments.push(Argument::Address(operands.write("moments", &moments.parts)?));
    // SAFETY: the arguments of the kernel; `z` has `pixels` times `c` values.
    unsafe { gpu.launch("moments", Grid::channels(c, pieces.count, 1), &arguments)? };
    moments.stats(gpu, kernel)
}
