//! Dense convolution on a GPU, and what the factorised reduce shares with it.

use candle_core::Tensor;

use super::Gpu;
use super::arguments::{Address, Argument, GradientArgument, InputArgument};
use super::input::input_gradient;
use super::launch::{Grid, Pieces, tile};
use super::norm::{Moments, sum_pieces};
use super::operands::Operands;
use crate::conv::ConvGeometry;
use crate::depthwise::ConvGradients;
use crate::error::Result;
use crate::norm::BatchStats;
use crate::view::{Gradient, Input, InputGradient};

/// Pixels of a matrix product's tile.
pub(super) const ROWS: usize = 64;

/// Taps of a filter and where they lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taps {
    pub(super) columns: usize,
    pub(super) count: usize,
    pub(super) stride: usize,
    /// Row and column of tap (0, 0) of output (0, 0).
    pub(super) first: (i32, i32),
}

impl From<ConvGeometry> for Taps {
    fn from(ConvGeometry { kernel: (rows, columns), stride }: ConvGeometry) -> Self {
        Self { columns, count: rows * columns, stride, first: (-((rows / 2) as i32), -((columns / 2) as i32)) }
    }
}

impl Taps {
    pub(super) fn arguments(self, operands: &Operands<'_>) -> Result<[Argument<'static>; 5]> {
        Ok([
            Argument::Int(operands.int(self.columns)?),
            Argument::Int(operands.int(self.count)?),
            Argument::Int(operands.int(self.stride)?),
            Argument::Int(self.first.0),
            Argument::Int(self.first.1),
        ])
    }

    /// Size of the output.
    pub(super) fn out(self, h: usize, w: usize) -> (usize, usize) {
        (h.div_ceil(self.stride), w.div_ceil(self.stride))
    }
}

/// Writes channels `first..first + channels` of an output with `stride` channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Channels {
    pub(super) first: usize,
    pub(super) channels: usize,
    pub(super) stride: usize,
}

/// Launches the way forward; `moments` are of this launch's channels.
#[expect(clippy::too_many_arguments, reason = "those of one kernel")]
pub(super) fn launch_forward(
    gpu: &Gpu,
    operands: &Operands<'_>,
    (x, [n, h, w, _]): (&InputArgument, [usize; 4]),
    weight: Address,
    taps: Taps,
    z: Address,
    to: Channels,
    moments: Address,
) -> Result<()> {
    let (oh, ow) = taps.out(h, w);
    let (columns, suffix) = tile(to.channels);
    let mut arguments = vec![Argument::Input(x), Argument::Address(weight)];
    arguments.extend(taps.arguments(operands)?);
    for number in [oh, ow, to.channels] {
        arguments.push(Argument::Int(operands.int(number)?));
    }
    arguments.push(Argument::Address(z));
    arguments.extend([Argument::Int(operands.int(to.stride)?), Argument::Int(operands.int(to.first)?)]);
    arguments.push(Argument::Address(moments));
    let blocks = [(n * oh * ow).div_ceil(ROWS), to.channels.div_ceil(columns), 1];
    // SAFETY: the arguments of the kernel; the callers pass a weight, an output and moments of these sizes.
    unsafe { gpu.launch(&format!("conv_forward{suffix}"), Grid::tiles(blocks), &arguments) }
}

/// The raw output and its statistics.
pub(crate) fn forward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    weight: &Tensor,
    geometry: ConvGeometry,
) -> Result<(Tensor, BatchStats)> {
    let [n, oh, ow, co] = output(shape, weight, geometry);
    let moments = Moments::of_tiles(gpu, n * oh * ow, ROWS, co)?;
    let z = run(gpu, kernel, (x, shape), weight, geometry, Some(&moments))?;
    Ok((z, moments.stats(gpu, kernel)?))
}

/// The raw output.
pub(crate) fn apply(
    gpu: &Gpu,
    kernel: &'static str,
    x: (Input<'_>, [usize; 4]),
    weight: &Tensor,
    geometry: ConvGeometry,
) -> Result<Tensor> {
    run(gpu, kernel, x, weight, geometry, None)
}

fn output([n, h, w, ci]: [usize; 4], weight: &Tensor, geometry: ConvGeometry) -> [usize; 4] {
    let taps = Taps::from(geometry);
    let (oh, ow) = taps.out(h, w);
    [n, oh, ow, weight.elem_count() / (taps.count * ci)]
}

fn run(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    weight: &Tensor,
    geometry: ConvGeometry,
    moments: Option<&Moments>,
) -> Result<Tensor> {
    let out = output(shape, weight, geometry);
    let z = gpu.unwritten(out.to_vec())?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let weight = operands.read("weight", weight)?;
    let to = Channels { first: 0, channels: out[3], stride: out[3] };
    let address = operands.output(&z)?;
    let parts = moments.map_or(Ok(0), |moments| operands.write("moments", &moments.parts))?;
    launch_forward(gpu, &operands, (&x, shape), weight, geometry.into(), address, to, parts)?;
    Ok(z)
}

/// Pieces of pixels that the gradient of `rows` x `columns` weights is summed over, and the blocks of that kernel.
pub(super) fn weight_pieces(pixels: usize, rows: usize, columns: usize) -> (Pieces, [usize; 3], &'static str) {
    let (size, suffix) = tile(columns);
    let tiles = rows.div_ceil(size) * columns.div_ceil(size);
    let pieces = Pieces::new(pixels, 512usize.div_ceil(tiles), 128);
    (pieces, [rows.div_ceil(size), columns.div_ceil(size), pieces.count], suffix)
}

/// The gradient of a weight `[taps * ci, channels]` that made channels `first..` of the output.
pub(super) fn weight_gradient(
    gpu: &Gpu,
    kernel: &'static str,
    (x, [_, _, _, ci]): (&InputArgument, [usize; 4]),
    (grad, [n, oh, ow, _]): (&GradientArgument, [usize; 4]),
    taps: Taps,
    of: Channels,
) -> Result<Tensor> {
    let (pixels, rows) = (n * oh * ow, taps.count * ci);
    let (pieces, blocks, suffix) = weight_pieces(pixels, rows, of.channels);
    let parts = gpu.unwritten((pieces.count, rows * of.channels))?;
    let mut operands = Operands::new(gpu, kernel);
    let mut arguments = vec![Argument::Input(x), Argument::Gradient(grad)];
    arguments.extend(taps.arguments(&operands)?);
    for number in [of.first, of.channels, pieces.share] {
        arguments.push(Argument::Int(operands.int(number)?));
    }
    arguments.push(Argument::Address(operands.write("parts", &parts)?));
    // SAFETY: the arguments of the kernel; `parts` holds a weight's gradient for each piece.
    unsafe { gpu.launch(&format!("conv_backward_weight{suffix}"), Grid::tiles(blocks), &arguments)? };
    sum_pieces(gpu, kernel, &parts, pieces.count, rows * of.channels)
}

/// Gradients of [`forward`]; `out` is the shape of its output.
#[expect(clippy::too_many_arguments, reason = "those of the function that this is for a GPU")]
pub(crate) fn backward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    weight: &Tensor,
    geometry: ConvGeometry,
    (grad, out): (Gradient<'_>, [usize; 4]),
    request: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    let taps = Taps::from(geometry);
    let [n, h, w, ci] = shape;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let grad = operands.gradient(grad, out)?;
    let address = operands.read("weight", weight)?;
    let taps_arguments = taps.arguments(&operands)?;
    let input = input_gradient(gpu, kernel, &mut operands, (&x, shape), request, |target| {
        let (columns, suffix) = tile(ci);
        let mut arguments = vec![Argument::Input(&x), Argument::Gradient(&grad), Argument::Address(address)];
        arguments.extend(taps_arguments);
        arguments.push(Argument::Target(target));
        let blocks = [(n * h * w).div_ceil(ROWS), ci.div_ceil(columns), 1];
        // SAFETY: the arguments of the kernel; the target has the input's shape.
        unsafe { gpu.launch(&format!("conv_backward_input{suffix}"), Grid::tiles(blocks), &arguments) }
    })?;
    let weight = if want_weights {
        let of = Channels { first: 0, channels: out[3], stride: out[3] };
        let gradient = weight_gradient(gpu, kernel, (&x, shape), (&grad, out), taps, of)?;
        Some(gradient.reshape(weight.shape())?)
    } else {
        None
    };
    Ok(ConvGradients { input, weight })
}
