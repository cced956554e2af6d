//! BatchNorm as numbers per channel, on a GPU.

use candle_core::Tensor;

use super::Gpu;
use super::arguments::{Address, Argument};
use super::launch::{Grid, Pieces};
use super::operands::Operands;
use crate::error::Result;
use crate::norm::{BatchStats, GradCoefficients, GradSums, Norm};

/// Moments of pieces of an output on their way to its statistics.
pub(super) struct Moments {
    /// `[pieces, 2, channels]`.
    pub(super) parts: Tensor,
    pub(super) pieces: Pieces,
    pub(super) pixels: usize,
    pub(super) channels: usize,
}

impl Moments {
    /// Room for the moments of pieces of `share` pixels.
    pub(super) fn of_tiles(gpu: &Gpu, pixels: usize, share: usize, channels: usize) -> Result<Self> {
        let pieces = Pieces { count: pixels.div_ceil(share), share };
        Ok(Self { parts: gpu.unwritten((pieces.count, 2, channels))?, pieces, pixels, channels })
    }

    /// Writes mean and variance, of `channels` values each.
    pub(super) fn merge(&self, gpu: &Gpu, kernel: &'static str, mean: Address, variance: Address) -> Result<()> {
        let mut operands = Operands::new(gpu, kernel);
        let arguments = [
            Argument::Address(operands.read("moments", &self.parts)?),
            Argument::Int(operands.int(self.pieces.count)?),
            Argument::Int(operands.int(self.pieces.share)?),
            Argument::Int(operands.int(self.pixels)?),
            Argument::Int(operands.int(self.channels)?),
            Argument::Address(mean),
            Argument::Address(variance),
        ];
        // SAFETY: the arguments of the kernel; the caller's addresses have `channels` values.
        unsafe { gpu.launch("merge_moments", Grid::channels(self.channels, 1, 1), &arguments) }
    }

    /// The statistics.
    pub(super) fn stats(&self, gpu: &Gpu, kernel: &'static str) -> Result<BatchStats> {
        let (mean, variance) = (gpu.unwritten(self.channels)?, gpu.unwritten(self.channels)?);
        let mut operands = Operands::new(gpu, kernel);
        self.merge(gpu, kernel, operands.write("mean", &mean)?, operands.write("variance", &variance)?)?;
        Ok(BatchStats { mean, variance, count: self.pixels })
    }
}

/// Statistics of a tensor `[n, h, w, c]`.
pub(crate) fn batch_stats(gpu: &Gpu, kernel: &'static str, z: &Tensor, [n, h, w, c]: [usize; 4]) -> Result<BatchStats> {
    let pixels = n * h * w;
    let pieces = Pieces::new(pixels, 256, 64);
    let moments = Moments { parts: gpu.unwritten((pieces.count, 2, c))?, pieces, pixels, channels: c };
    let mut operands = Operands::new(gpu, kernel);
    let arguments = [
        Argument::Address(operands.read("x", z)?),
        Argument::Int(operands.int(pixels)?),
        Argument::Int(operands.int(c)?),
        Argument::Int(operands.int(pieces.share)?),
        Argument::Address(operands.write("moments", &moments.parts)?),
    ];
    operands.int(pixels * c)?;
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

/// The sum of `pieces` times `values` numbers over the pieces.
pub(super) fn sum_pieces(
    gpu: &Gpu,
    kernel: &'static str,
    parts: &Tensor,
    pieces: usize,
    values: usize,
) -> Result<Tensor> {
    let out = gpu.unwritten(values)?;
    let mut operands = Operands::new(gpu, kernel);
    let arguments = [
        Argument::Address(operands.read("parts", parts)?),
        Argument::Int(operands.int(pieces)?),
        Argument::Int(operands.int(values)?),
        Argument::Address(operands.write("sum", &out)?),
    ];
    // SAFETY: the arguments of the kernel; `parts` has `pieces` times `values` numbers.
    unsafe { gpu.launch("sum_pieces", Grid::each(values, 1), &arguments)? };
    Ok(out)
}
