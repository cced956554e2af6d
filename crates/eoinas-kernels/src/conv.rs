//! Dense convolution, pointwise (1x1) included.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use crate::access::{GradientGuard, InputGuard, check_gradient, check_input_gradient, input_shape};
use crate::depthwise::{ConvGradients, check_odd, check_stride};
use crate::driver::{self, ImageOp, dx_layout};
use crate::ends::{ImageGradients, ImageInput};
use crate::error::Result;
use crate::gemm::Gemm;
use crate::gpu::{self, Gpu};
use crate::image::Layout;
use crate::norm::BatchStats;
use crate::scratch::Aligned;
use crate::simd::Level;
use crate::tensors::{read, shape_error};
use crate::view::{Gradient, Input, InputGradient};
use crate::workspace::Workspace;

/// A dense filter's size and step. The padding is half of the size, so that an output has `ceil(size / stride)` rows
/// and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Rows and columns of the filter; odd.
    pub kernel: (usize, usize),
    /// Step between outputs; 1 or 2.
    pub stride: usize,
}

impl ConvGeometry {
    /// A 1x1 convolution.
    pub const POINTWISE: Self = Self { kernel: (1, 1), stride: 1 };

    /// Height and width of the output for an input of this size.
    fn out(&self, h: usize, w: usize) -> (usize, usize) {
        (h.div_ceil(self.stride), w.div_ceil(self.stride))
    }

    fn check(&self, kernel: &'static str) -> Result<()> {
        check_odd(kernel, "kernel rows", self.kernel.0)?;
        check_odd(kernel, "kernel columns", self.kernel.1)?;
        check_stride(kernel, self.stride)
    }
}

/// Shapes of input and output.
fn shapes(
    kernel: &'static str,
    x: Input<'_>,
    weight: &Tensor,
    geometry: ConvGeometry,
) -> Result<([usize; 4], [usize; 4])> {
    geometry.check(kernel)?;
    let shape = input_shape(kernel, x)?;
    let ([n, h, w, ci], (kh, kw)) = (shape, geometry.kernel);
    let co = match *weight.dims() {
        [a, b, i, co] if (a, b, i) == (kh, kw, ci) && co > 0 => co,
        [i, co] if (kh, kw, i) == (1, 1, ci) && co > 0 => co,
        _ => {
            let expected = format!("[{kh}, {kw}, {ci}, co] (or [ci, co] for a 1x1 kernel)");
            return Err(shape_error(kernel, "weight", weight, expected));
        }
    };
    let (oh, ow) = geometry.out(h, w);
    Ok((shape, [n, oh, ow, co]))
}

/// Convolution of `x` `[n, h, w, ci]` with `weight` `[kh, kw, ci, co]` (or `[ci, co]` for 1x1). Returns the raw output
/// `[n, ceil(h / s), ceil(w / s), co]` and its statistics.
///
/// # Errors
/// A wrong shape, layout, device or geometry.
pub fn conv_forward(
    ws: &Workspace,
    x: Input<'_>,
    weight: &Tensor,
    geometry: ConvGeometry,
) -> Result<(Tensor, BatchStats)> {
    const NAME: &str = "conv_forward";
    let (shape, out) = shapes(NAME, x, weight, geometry)?;
    if let Some(gpu) = Gpu::of_input(x) {
        return gpu::norm::with_stats(&gpu, NAME, out, |moments| {
            gpu::conv::forward(&gpu, NAME, (x, shape), (weight, geometry), out, Some(moments))
        });
    }
    let x = InputGuard::new(NAME, x, shape)?;
    let values = read(NAME, "weight", weight)?;
    driver::forward_with_stats(ws, &x, &ConvOp::new(ws, geometry, shape, (weight, &values), out[3]))
}

/// The output of [`conv_forward`] alone, for a BatchNorm that has statistics of its own, or none.
///
/// # Errors
/// As [`conv_forward`].
pub fn conv_apply(ws: &Workspace, x: Input<'_>, weight: &Tensor, geometry: ConvGeometry) -> Result<Tensor> {
    const NAME: &str = "conv_apply";
    let (shape, out) = shapes(NAME, x, weight, geometry)?;
    if let Some(gpu) = Gpu::of_input(x) {
        return gpu::conv::forward(&gpu, NAME, (x, shape), (weight, geometry), out, None);
    }
    let x = InputGuard::new(NAME, x, shape)?;
    let values = read(NAME, "weight", weight)?;
    driver::forward(ws, &x, &ConvOp::new(ws, geometry, shape, (weight, &values), out[3]))
}

/// Gradients of [`conv_forward`], given the gradient of its raw output.
///
/// # Errors
/// A wrong shape, layout, device or geometry; [`InputGradient::AddTo`] for an input with a pending BatchNorm, or with
/// tensors that share memory with another tensor of the call.
pub fn conv_backward(
    ws: &Workspace,
    x: Input<'_>,
    weight: &Tensor,
    geometry: ConvGeometry,
    grad: Gradient<'_>,
    input: InputGradient<'_>,
    want_weights: bool,
) -> Result<ConvGradients> {
    const NAME: &str = "conv_backward";
    let (shape, out) = shapes(NAME, x, weight, geometry)?;
    check_input_gradient(NAME, input, x)?;
    check_gradient(NAME, grad, out)?;
    if let Some(gpu) = Gpu::of_input(x) {
        return gpu::conv::backward(&gpu, NAME, (x, shape), weight, geometry, (grad, out), input, want_weights);
    }
    let (x, grad) = (InputGuard::new(NAME, x, shape)?, GradientGuard::new(NAME, grad)?);
    let values = read(NAME, "weight", weight)?;
    let op = ConvOp::new(ws, geometry, shape, (weight, &values), out[3]).with_backward(&values);
    let gradients = driver::backward(NAME, ws, &x, &grad, &op, input, want_weights)?;
    let weight = match gradients.weights {
        Some(dw) => Some(ws.tensor(dw.to_vec(), weight.shape())?),
        None => None,
    };
    Ok(ConvGradients { input: gradients.input, weight })
}

/// A dense convolution of one image as matrix products with the bordered image itself.
struct ConvOp {
    geometry: ConvGeometry,
    input: Layout,
    /// The output and its gradient, with the border that the way back needs.
    output: Layout,
    /// `[kh * kw * ci, co]`.
    weights: Arc<Aligned>,
    /// Empty unless it was asked for.
    backward: Vec<Class>,
}

/// Input pixels whose gradient comes from the same taps: all of them for stride 1, and for stride 2 those of even or
/// odd row and column.
struct Class {
    /// First row and column.
    first: (usize, usize),
    /// Where each tap reads in the bordered gradient of the output.
    offsets: Vec<usize>,
    /// `[taps, co, ci]`.
    weights: Aligned,
}

impl ConvOp {
    fn new(
        ws: &Workspace,
        geometry: ConvGeometry,
        [_, h, w, ci]: [usize; 4],
        (weight, values): (&Tensor, &[f32]),
        co: usize,
    ) -> Self {
        let ((kh, kw), stride) = (geometry.kernel, geometry.stride);
        let input = Layout::dense(h, w, ci, (kh / 2, kw / 2));
        let border = ((kh / 2).div_ceil(stride), (kw / 2).div_ceil(stride));
        let (oh, ow) = geometry.out(h, w);
        let output = Layout::vectors(oh, ow, co, border);
        let weights = ws.pack(weight, values, kh * kw * ci, co);
        Self { geometry, input, output, weights, backward: Vec::new() }
    }

    /// The same, ready for the way back, too.
    fn with_backward(self, weight: &[f32]) -> Self {
        let (stride, Layout { height: h, width: w, channels: ci, .. }) = (self.geometry.stride, self.input);
        let classes = (0..stride.min(h)).flat_map(|y| (0..stride.min(w)).map(move |x| (y, x)));
        let backward = classes.map(|first| Class::new(self.geometry, first, self.output, weight, ci)).collect();
        Self { backward, ..self }
    }
}

impl Class {
    fn new(geometry: ConvGeometry, first: (usize, usize), output: Layout, weight: &[f32], ci: usize) -> Self {
        let ((kh, kw), stride, co) = (geometry.kernel, geometry.stride, output.channels);
        // Position in the bordered output that tap `k` of input pixel `first` belongs to, if it belongs to any.
        let position = |first: usize, size: usize, tap: usize, border: usize| {
            let at = first + size / 2 + border * stride - tap;
            at.is_multiple_of(stride).then(|| at / stride)
        };
        let (mut offsets, mut taps) = (Vec::new(), Vec::new());
        for (ky, kx) in (0..kh).flat_map(|ky| (0..kw).map(move |kx| (ky, kx))) {
            let (y, x) = (position(first.0, kh, ky, output.border_y), position(first.1, kw, kx, output.border_x));
            if let (Some(y), Some(x)) = (y, x) {
                offsets.push(y * output.row() + x * output.pixel);
                taps.push(&weight[(ky * kw + kx) * ci * co..][..ci * co]);
            }
        }
        Self { first, weights: Aligned::transposed(&taps, co, ci), offsets }
    }
}

impl ImageOp for ConvOp {
    fn input(&self) -> Layout {
        self.input
    }

    fn gradient(&self) -> Layout {
        self.output
    }

    fn weights(&self) -> usize {
        self.geometry.kernel.0 * self.geometry.kernel.1 * self.input.channels * self.output.channels
    }

    fn reads(&self, rows: Range<usize>) -> Range<usize> {
        let ConvGeometry { kernel, stride } = self.geometry;
        rows.start * stride..rows.end.saturating_sub(1) * stride + kernel.0
    }

    fn forward(&self, level: Level, x: &mut ImageInput<'_, '_>, out: Range<usize>, _: &mut [f32], z: &mut [f32]) {
        let ((kh, kw), stride, co) = (self.geometry.kernel, self.geometry.stride, self.output.channels);
        // Rows of the filter; the values that one of them reads lie side by side in the image.
        let segments: Vec<usize> = (0..kh).map(|ky| (out.start * stride + ky) * self.input.row()).collect();
        let (depth, b_row) = (kw * self.input.channels, co.next_multiple_of(16));
        let (mut rows, mut groups) = (self.output.width, out.len());
        if (kh, kw, stride) == (1, 1, 1) {
            (rows, groups) = (rows * groups, 1);
        }
        Gemm {
            a: x.whole(),
            segments: &segments,
            depth,
            a_row: stride * self.input.pixel,
            a_step: 1,
            b: &self.weights,
            b_row,
            b_segment: depth * b_row,
            c: z,
            c_row: co,
            rows,
            cols: co,
            groups,
            a_group: stride * self.input.row(),
            c_group: self.output.width * co,
            add: false,
        }
        .run(level);
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

impl ConvOp {
    fn input_backward(&self, level: Level, dz: &[f32], dx: &mut [f32]) {
        let (stride, layout, co) = (self.geometry.stride, dx_layout(self.input), self.output.channels);
        for class in &self.backward {
            let (y, x) = class.first;
            Gemm {
                a: dz,
                segments: &class.offsets,
                depth: co,
                a_row: self.output.pixel,
                a_step: 1,
                b: &class.weights,
                b_row: layout.pixel,
                b_segment: co * layout.pixel,
                c: &mut dx[y * layout.row() + x * layout.pixel..],
                c_row: stride * layout.pixel,
                rows: (layout.width - x).div_ceil(stride),
                cols: layout.channels,
                groups: (layout.height - y).div_ceil(stride),
                a_group: self.output.row(),
                c_group: stride * layout.row(),
                add: false,
            }
            .run(level);
        }
    }

    fn weight_backward(&self, level: Level, x: &[f32], dz: &[f32], dw: &mut [f32]) {
        let ((kh, kw), stride, co) = (self.geometry.kernel, self.geometry.stride, self.output.channels);
        let rows = kw * self.input.channels;
        let segments: Vec<usize> = (0..self.output.height).map(|y| y * stride * self.input.row()).collect();
        for ky in 0..kh {
            Gemm {
                a: &x[ky * self.input.row()..],
                segments: &segments,
                depth: self.output.width,
                a_row: 1,
                a_step: stride * self.input.pixel,
                b: &dz[self.output.origin()..],
                b_row: self.output.pixel,
                b_segment: self.output.row(),
                c: &mut dw[ky * rows * co..],
                c_row: co,
                rows,
                cols: co,
                groups: 1,
                a_group: 0,
                c_group: 0,
                add: true,
            }
            .run(level);
        }
    }
}
