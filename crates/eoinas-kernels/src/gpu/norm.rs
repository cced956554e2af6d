//! BatchNorm as numbers per channel, on a GPU.

use candle_core::Tensor;

use super::Gpu;
use super::arguments::Argument;
use super::launch::{Grid, ROWS};
use super::operands::Operands;
use super::pieces::Pieces;
use crate::error::Result;
use crate::norm::{BatchStats, GradCoefficients, GradSums, Norm};

/// Moments of pieces of an output on their way to its statistics.
pub(crate) struct Moments {
    /// `[pieces, 2, channels]`.
    pub(super) parts: Tensor,
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

/// The output of `run`, `[n, h, w, c]`, with its statistics: `run` multiplies matrices, which take the moments of each tile
/// while they write it.
pub(crate) fn with_stats(
    gpu: &Gpu,
    kernel: &'static str,
    [n, h, w, c]: [usize; 4],
    run: impl FnOnce(&Moments) -> Result<Tensor>,
) -> Result<(Tensor, BatchStats)> {
    let pixels = n * h * w;
    let pieces = Pieces { count: pixels.div_ceil(ROWS), share: ROWS };
    let moments = Moments::new(gpu, pixels, pieces, c)?;
    Ok((run(&moments)?, moments.stats(gpu, kernel)?))
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

/// The map of these statistics; all tensors are `[c]`.
pub(crate) fn map(
    gpu: &Gpu,
    kernel: &'static str,
    mean: &Tensor,
    variance: &Tensor,
    affine: Option<(&Tensor, &Tensor)>,
    eps: f64,
) -> Result<Norm> {
    let c = mean.elem_count();
    let out = [gpu.unwritten(c)?, gpu.unwritten(c)?, gpu.unwritten(c)?];
    let mut operands = Operands::new(gpu, kernel);
    let mut arguments = vec![
        Argument::Address(operands.read("mean", mean)?),
        Argument::Address(operands.read("variance", variance)?),
        Argument::Address(operands.optional("gamma", affine.map(|affine| affine.0))?),
        Argument::Address(operands.optional("beta", affine.map(|affine| affine.1))?),
        Argument::Double(eps),
        Argument::Int(operands.int(c)?),
    ];
    for tensor in &out {
        arguments.push(Argument::Address(operands.write("norm", tensor)?));
    }
    // SAFETY: the arguments of the kernel; every tensor has `c` values.
    unsafe { gpu.launch("norm_map", Grid::each(c, 1), &arguments)? };
    let [rstd, scale, shift] = out;
    Ok(Norm { mean: mean.clone(), rstd, scale, shift })
}

/// Moves running statistics, in place; both `[c]`.
pub(crate) fn update_running(
    gpu: &Gpu,
    kernel: &'static str,
    running: &Tensor,
    batch: &Tensor,
    momentum: f64,
    factor: f64,
) -> Result<()> {
    let c = batch.elem_count();
    let mut operands = Operands::new(gpu, kernel);
    let batch = operands.read("stats", batch)?;
    let arguments = [
        Argument::Address(operands.write("running", running)?),
        Argument::Address(batch),
        Argument::Double(momentum),
        Argument::Double(factor),
        Argument::Int(operands.int(c)?),
    ];
    // SAFETY: the arguments of the kernel; both tensors have `c` values.
    unsafe { gpu.launch("update_running", Grid::each(c, 1), &arguments) }
}

/// The gradient's map: in training mode with the sums over `count` values, in evaluation mode without.
pub(crate) fn gradient_map(
    gpu: &Gpu,
    kernel: &'static str,
    norm: &Norm,
    sums: Option<(&GradSums, usize)>,
    gate: f32,
) -> Result<GradCoefficients> {
    let c = norm.scale.elem_count();
    let out = [gpu.unwritten(c)?, gpu.unwritten(c)?, gpu.unwritten(c)?];
    let mut operands = Operands::new(gpu, kernel);
    let mut arguments = vec![
        Argument::Address(operands.read("mean", &norm.mean)?),
        Argument::Address(operands.read("rstd", &norm.rstd)?),
        Argument::Address(operands.read("scale", &norm.scale)?),
        Argument::Address(operands.optional("dy", sums.map(|(sums, _)| &sums.dy))?),
        Argument::Address(operands.optional("dy_xhat", sums.map(|(sums, _)| &sums.dy_xhat))?),
        Argument::Double(sums.map_or(1.0, |(_, count)| count as f64)),
        Argument::Float(gate),
        Argument::Int(operands.int(c)?),
    ];
    for tensor in &out {
        arguments.push(Argument::Address(operands.write("coefficients", tensor)?));
    }
    // SAFETY: the arguments of the kernel; every tensor has `c` values.
    unsafe { gpu.launch("gradient_map", Grid::each(c, 1), &arguments)? };
    let [a, b, d] = out;
    Ok(GradCoefficients { a, b, d })
}
