//! The statistics of an output, on a GPU: blocks leave the moments of pieces of its pixels, and the last one merges them.

use candle_core::{DType, Tensor};

use super::arguments::{Argument, StatisticsArgument};
use super::device::Gpu;
use super::grid::{Grid, rows, tile};
use super::operands::Operands;
use super::pieces::Pieces;
use super::scratch::Use;
use crate::error::Result;
use crate::results::BatchStats;
use crate::view::{EPSILON, Norm};

/// Where a launch leaves the statistics of an output.
pub(super) struct Statistics {
    /// `[pieces, 2, channels]`.
    moments: Tensor,
    counters: Tensor,
    /// `[5, channels]`: mean, variance, and the BatchNorm without scale and shift: rstd, scale, shift.
    out: Tensor,
    pixels: usize,
    channels: usize,
}

impl Statistics {
    fn new(gpu: &Gpu, pixels: usize, pieces: Pieces, channels: usize) -> Result<Self> {
        let moments = gpu.scratch(Use::Parts, pieces.count * 2 * channels)?;
        // One for each tile of channels, of which the smallest has 16.
        let counters = gpu.scratch(Use::Counters, channels.div_ceil(16))?;
        Ok(Self { moments, counters, out: gpu.unwritten(5 * channels)?, pixels, channels })
    }

    /// As a kernel takes it, which leaves them nowhere if nobody wants them.
    pub(super) fn optional(statistics: Option<&Self>, operands: &mut Operands<'_>) -> Result<StatisticsArgument> {
        statistics.map_or(Ok(StatisticsArgument::default()), |statistics| statistics.argument(operands))
    }

    fn argument(&self, operands: &mut Operands<'_>) -> Result<StatisticsArgument> {
        Ok(StatisticsArgument {
            moments: operands.write("moments", &self.moments)?,
            out: operands.write("statistics", &self.out)?,
            counters: operands.write_as("counters", &self.counters, DType::U32)?,
            eps: EPSILON,
        })
    }

    /// What the launch has left.
    fn stats(&self) -> Result<BatchStats> {
        let of = |row: usize| self.out.narrow(0, row * self.channels, self.channels);
        let (mean, variance) = (of(0)?, of(1)?);
        let plain = Norm { mean: mean.clone(), rstd: of(2)?, scale: of(3)?, shift: of(4)? };
        let plain = Some((plain, [mean.id(), variance.id()]));
        Ok(BatchStats { mean, variance, count: self.pixels, plain })
    }
}

/// The output of `run`, `[n, h, w, c]`, with its statistics if they are wanted: `run` multiplies matrices, whose blocks take
/// the moments of their tiles.
pub(super) fn with_stats(
    gpu: &Gpu,
    [n, h, w, c]: [usize; 4],
    want_stats: bool,
    run: impl FnOnce(Option<&Statistics>) -> Result<Tensor>,
) -> Result<(Tensor, Option<BatchStats>)> {
    if !want_stats {
        return Ok((run(None)?, None));
    }
    let (pixels, share) = (n * h * w, rows(tile(c).0));
    let statistics = Statistics::new(gpu, pixels, Pieces { count: pixels.div_ceil(share), share }, c)?;
    Ok((run(Some(&statistics))?, Some(statistics.stats()?)))
}

/// Statistics of a tensor `[n, h, w, c]`.
pub(crate) fn batch_stats(gpu: &Gpu, kernel: &'static str, z: &Tensor, [n, h, w, c]: [usize; 4]) -> Result<BatchStats> {
    let pixels = n * h * w;
    let pieces = Pieces::of_channels(pixels, c, 1);
    let statistics = Statistics::new(gpu, pixels, pieces, c)?;
    let mut operands = Operands::new(gpu, kernel);
    operands.int(z.elem_count())?;
    let mut arguments = vec![Argument::Address(operands.read("x", z)?)];
    arguments.extend(operands.numbers([pixels, c, pieces.share])?);
    let to = statistics.argument(&mut operands)?;
    arguments.push(Argument::Statistics(&to));
    // SAFETY: the arguments of the kernel; `z` has `pixels` times `c` values, and there is room for the moments.
    unsafe { gpu.launch("batch_stats", Grid::channels(c, pieces.count, 1), &arguments)? };
    statistics.stats()
}
