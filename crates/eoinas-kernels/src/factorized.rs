//! Factorised reduce: two pointwise convolutions of stride 2, the second one pixel further down and right, joined.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use crate::access::{GradientGuard, InputGuard, check_gradient, check_input_gradient, input_shape};
use crate::driver::{self, ImageOp, dx_layout};
use crate::ends::{ImageGradients, ImageInput};
use crate::error::Result;
use crate::gemm::Gemm;
use crate::gpu::{self, Gpu};
use crate::image::Layout;
use crate::norm::{BatchStats, GradSums};
use crate::scratch::Aligned;
use crate::simd::Level;
use crate::tensors::{Values, read, shape_error};
use crate::view::{Gradient, Input, InputGradient};
use crate::workspace::Workspace;

/// Gradients of [`factorized_reduce_forward`]; each is there when it was asked for.
#[derive(Clone, Debug)]
pub struct FactorizedReduceGradients {
    /// With [`InputGradient::Return`]: gradient of the (joined) input `[n, h, w, ci]`, and the sums of its pending
    /// BatchNorm if it has one.
    pub input: Option<(Tensor, Option<GradSums>)>,
    /// Gradient of the first weight.
    pub weight_1: Option<Tensor>,
    /// Gradient of the second weight.
    pub weight_2: Option<Tensor>,
}

/// Shapes of input and output, and the number of channels that each weight makes.
fn shapes(
    kernel: &'static str,
    x: Input<'_>,
    [weight_1, weight_2]: [&Tensor; 2],
) -> Result<([usize; 4], [usize; 4], [usize; 2])> {
    let shape = input_shape(kernel, x)?;
    let [n, h, w, ci] = shape;
    let width = |name, weight: &Tensor| match *weight.dims() {
        [i, co] if i == ci && co > 0 => Ok(co),
        _ => Err(shape_error(kernel, name, weight, format!("[{ci}, co]"))),
    };
    let [c1, c2] = [width("weight_1", weight_1)?, width("weight_2", weight_2)?];
    Ok((shape, [n, h.div_ceil(2), w.div_ceil(2), c1 + c2], [c1, c2]))
}

/// Halves height and width of `x` `[n, h, w, ci]`: channels `..c1` are pixels `(2i, 2j)` times `weight_1` `[ci, c1]`,
/// the others pixels `(2i + 1, 2j + 1)` (0 beyond the border) times `weight_2` `[ci, c2]`. Returns the raw output
/// `[n, ceil(h / 2), ceil(w / 2), c1 + c2]` and its statistics.
///
/// # Errors
/// A wrong shape, layout or device.
pub fn factorized_reduce_forward(
    ws: &Workspace,
    x: Input<'_>,
    weight_1: &Tensor,
    weight_2: &Tensor,
) -> Result<(Tensor, BatchStats)> {
    const NAME: &str = "factorized_reduce_forward";
    let weights = [weight_1, weight_2];
    let (shape, out, widths) = shapes(NAME, x, weights)?;
    if let Some(gpu) = Gpu::of_input(x) {
        return gpu::norm::with_stats(&gpu, NAME, out, |moments| {
            gpu::factorized::forward(&gpu, NAME, (x, shape), weights, out, Some(moments))
        });
    }
    let x = InputGuard::new(NAME, x, shape)?;
    let op = FactorizedReduceOp::read(NAME, ws, shape, weights, widths)?.0;
    driver::forward_with_stats(ws, &x, &op)
}

/// The output of [`factorized_reduce_forward`] alone, for a BatchNorm that has statistics of its own, or none.
///
/// # Errors
/// As [`factorized_reduce_forward`].
pub fn factorized_reduce_apply(ws: &Workspace, x: Input<'_>, weight_1: &Tensor, weight_2: &Tensor) -> Result<Tensor> {
    const NAME: &str = "factorized_reduce_apply";
    let weights = [weight_1, weight_2];
    let (shape, out, widths) = shapes(NAME, x, weights)?;
    if let Some(gpu) = Gpu::of_input(x) {
        return gpu::factorized::forward(&gpu, NAME, (x, shape), weights, out, None);
    }
    let x = InputGuard::new(NAME, x, shape)?;
    let op = FactorizedReduceOp::read(NAME, ws, shape, weights, widths)?.0;
    driver::forward(ws, &x, &op)
}

/// Gradients of [`factorized_reduce_forward`], given the gradient of its raw output.
///
/// # Errors
/// A wrong shape, layout or device; [`InputGradient::AddTo`] for an input with a pending BatchNorm, or with tensors
/// that share memory with another tensor of the call.
pub fn factorized_reduce_backward(
    ws: &Workspace,
    x: Input<'_>,
    weight_1: &Tensor,
    weight_2: &Tensor,
    grad: Gradient<'_>,
    input: InputGradient<'_>,
    want_weights: bool,
) -> Result<FactorizedReduceGradients> {
    const NAME: &str = "factorized_reduce_backward";
    let weights = [weight_1, weight_2];
    let (shape, out, [c1, c2]) = shapes(NAME, x, weights)?;
    let ci = shape[3];
    check_input_gradient(NAME, input, x)?;
    check_gradient(NAME, grad, out)?;
    if let Some(gpu) = Gpu::of_input(x) {
        return gpu::factorized::backward(&gpu, NAME, (x, shape), weights, (grad, out), input, want_weights);
    }
    let (x, grad) = (InputGuard::new(NAME, x, shape)?, GradientGuard::new(NAME, grad)?);
    let (mut op, [values_1, values_2]) = FactorizedReduceOp::read(NAME, ws, shape, weights, [c1, c2])?;
    op.branches[0].prepare_backward(&values_1, ci);
    op.branches[1].prepare_backward(&values_2, ci);
    let gradients = driver::backward(NAME, ws, &x, &grad, &op, input, want_weights)?;
    let (weight_1, weight_2) = match gradients.weights {
        None => (None, None),
        Some(dw) => {
            let (dw1, dw2) = dw.split_at(ci * c1);
            (Some(ws.tensor(dw1.to_vec(), &[ci, c1])?), Some(ws.tensor(dw2.to_vec(), &[ci, c2])?))
        }
    };
    Ok(FactorizedReduceGradients { input: gradients.input, weight_1, weight_2 })
}

/// Both branches of one image.
struct FactorizedReduceOp {
    /// With a border: the second branch reads one row and column further.
    input: Layout,
    output: Layout,
    branches: [Branch; 2],
}

/// One pointwise convolution of stride 2.
struct Branch {
    /// First output channel, and their number.
    first: usize,
    channels: usize,
    /// `[ci, channels]`.
    weights: Arc<Aligned>,
    /// `[channels, ci]`; empty unless it was asked for.
    transposed: Aligned,
}

impl Branch {
    /// Readies it for the way back.
    fn prepare_backward(&mut self, weight: &[f32], ci: usize) {
        self.transposed = Aligned::transposed(&[weight], self.channels, ci);
    }
}

impl FactorizedReduceOp {
    /// The op, ready for the way forward, and the values of its weights.
    fn read<'a>(
        kernel: &'static str,
        ws: &Workspace,
        [_, h, w, ci]: [usize; 4],
        [weight_1, weight_2]: [&'a Tensor; 2],
        [c1, c2]: [usize; 2],
    ) -> Result<(Self, [Values<'a>; 2])> {
        let (values_1, values_2) = (read(kernel, "weight_1", weight_1)?, read(kernel, "weight_2", weight_2)?);
        let branch = |first, channels, weight, values: &[f32]| {
            let weights = ws.pack(weight, values, ci, channels);
            Branch { first, channels, weights, transposed: Aligned::default() }
        };
        let mut output = Layout::vectors(h.div_ceil(2), w.div_ceil(2), c1 + c2, (0, 0));
        // Whole vectors are read from the first channel of the second branch on.
        output.pixel += 16;
        let branches = [branch(0, c1, weight_1, &values_1), branch(c1, c2, weight_2, &values_2)];
        Ok((Self { input: Layout::dense(h, w, ci, (1, 1)), output, branches }, [values_1, values_2]))
    }

    /// Where a branch starts to read.
    fn start(&self, branch: usize) -> usize {
        self.input.origin() + branch * (self.input.row() + self.input.pixel)
    }
}

impl ImageOp for FactorizedReduceOp {
    fn input(&self) -> Layout {
        self.input
    }

    fn gradient(&self) -> Layout {
        self.output
    }

    fn weights(&self) -> usize {
        self.input.channels * self.output.channels
    }

    fn reads(&self, rows: Range<usize>) -> Range<usize> {
        2 * rows.start + 1..2 * rows.end + 1
    }

    fn forward(&self, level: Level, x: &mut ImageInput<'_, '_>, rows: Range<usize>, _: &mut [f32], z: &mut [f32]) {
        let x = x.whole();
        for (index, branch) in self.branches.iter().enumerate() {
            Gemm {
                a: x,
                segments: &[self.start(index) + 2 * rows.start * self.input.row()],
                depth: self.input.channels,
                a_row: 2 * self.input.pixel,
                a_step: 1,
                b: &branch.weights,
                b_row: branch.channels.next_multiple_of(16),
                b_segment: 0,
                c: &mut z[branch.first..],
                c_row: self.output.channels,
                rows: self.output.width,
                cols: branch.channels,
                groups: rows.len(),
                a_group: 2 * self.input.row(),
                c_group: self.output.width * self.output.channels,
                add: false,
            }
            .run(level);
        }
    }

    fn backward(
        &self,
        level: Level,
        ends: &mut ImageGradients<'_, '_, '_>,
        weights: Option<(&mut ImageInput<'_, '_>, &mut [f32])>,
        _: &mut [f32],
    ) {
        ends.whole(|dz, dx| {
            if let Some(dx) = dx {
                self.input_backward(level, dz, dx);
            }
            if let Some((x, dw)) = weights {
                self.weight_backward(level, x.whole(), dz, dw);
            }
        });
    }
}

impl FactorizedReduceOp {
    fn input_backward(&self, level: Level, dz: &[f32], dx: &mut [f32]) {
        // No branch reads pixels of even row and odd column, or the other way round.
        dx.fill(0.0);
        let layout = dx_layout(self.input);
        for (index, branch) in self.branches.iter().enumerate() {
            let start = (index * (layout.row() + layout.pixel)).min(dx.len());
            Gemm {
                a: dz,
                segments: &[branch.first],
                depth: branch.channels,
                a_row: self.output.pixel,
                a_step: 1,
                b: &branch.transposed,
                b_row: layout.pixel,
                b_segment: 0,
                c: &mut dx[start..],
                c_row: 2 * layout.pixel,
                rows: (layout.width - index).div_ceil(2),
                cols: layout.channels,
                groups: (layout.height - index).div_ceil(2),
                a_group: self.output.row(),
                c_group: 2 * layout.row(),
                add: false,
            }
            .run(level);
        }
    }

    fn weight_backward(&self, level: Level, x: &[f32], dz: &[f32], dw: &mut [f32]) {
        let ci = self.input.channels;
        for (index, branch) in self.branches.iter().enumerate() {
            let start = self.start(index);
            let segments: Vec<usize> = (0..self.output.height).map(|y| start + 2 * y * self.input.row()).collect();
            Gemm {
                a: x,
                segments: &segments,
                depth: self.output.width,
                a_row: 1,
                a_step: 2 * self.input.pixel,
                b: &dz[branch.first..],
                b_row: self.output.pixel,
                b_segment: self.output.row(),
                c: &mut dw[branch.first * ci..],
                c_row: branch.channels,
                rows: ci,
                cols: branch.channels,
                groups: 1,
                a_group: 0,
                c_group: 0,
                add: true,
            }
            .run(level);
        }
    }
}
