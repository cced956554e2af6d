//! Depthwise, then pointwise convolution, as one kernel.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use crate::access::{GradientGuard, InputGuard, check_gradient, check_input_gradient, input_shape};
use crate::depthwise::{DepthwiseOp, Geometry};
use crate::driver::{self, ImageOp, dx_layout};
use crate::ends::{ImageGradients, ImageInput};
use crate::error::Result;
use crate::gemm::Gemm;
use crate::gpu::{self, Gpu};
use crate::image::Layout;
use crate::norm::{BatchStats, GradSums};
use crate::scratch::Aligned;
use crate::simd::Level;
use crate::tensors::{Values, expect_dims, read, shape_error};
use crate::view::{Gradient, Input, InputGradient};
use crate::workspace::Workspace;

/// Gradients of [`separable_forward`]; each is there when it was asked for.
#[derive(Clone, Debug)]
pub struct SeparableGradients {
    /// With [`InputGradient::Return`]: gradient of the (joined) input `[n, h, w, ci]`, and the sums of its pending
    /// BatchNorm if it has one.
    pub input: Option<(Tensor, Option<GradSums>)>,
    /// Gradient of the depthwise weight, `[k, k, ci]`.
    pub depthwise: Option<Tensor>,
    /// Gradient of the pointwise weight, `[ci, co]`.
    pub pointwise: Option<Tensor>,
}

/// Shapes of input and output.
fn shapes(
    kernel: &'static str,
    x: Input<'_>,
    [depthwise, pointwise]: [&Tensor; 2],
    geometry: Geometry,
) -> Result<([usize; 4], [usize; 4])> {
    geometry.check(kernel)?;
    let shape = input_shape(kernel, x)?;
    let [n, h, w, ci] = shape;
    expect_dims(kernel, "depthwise", depthwise, &[geometry.kernel, geometry.kernel, ci])?;
    let co = match *pointwise.dims() {
        [i, co] if i == ci && co > 0 => co,
        _ => return Err(shape_error(kernel, "pointwise", pointwise, format!("[{ci}, co]"))),
    };
    let (oh, ow) = geometry.out(h, w);
    Ok((shape, [n, oh, ow, co]))
}

/// Depthwise convolution with `depthwise` `[k, k, ci]`, then pointwise convolution with `pointwise` `[ci, co]`, of
/// `x` `[n, h, w, ci]`. Returns the raw output `[n, ceil(h / s), ceil(w / s), co]` and its statistics.
///
/// # Errors
/// A wrong shape, layout, device or geometry.
pub fn separable_forward(
    ws: &Workspace,
    x: Input<'_>,
    depthwise: &Tensor,
    pointwise: &Tensor,
    geometry: Geometry,
) -> Result<(Tensor, BatchStats)> {
    const NAME: &str = "separable_forward";
    let weights = [depthwise, pointwise];
    let (shape, out) = shapes(NAME, x, weights, geometry)?;
    if let Some(gpu) = Gpu::of_input(x) {
        return gpu::norm::with_stats(&gpu, NAME, out, |moments| {
            gpu::separable::forward(&gpu, NAME, (x, shape), (weights, geometry), out, Some(moments))
        });
    }
    let x = InputGuard::new(NAME, x, shape)?;
    let op = SeparableOp::read(NAME, ws, shape, weights, geometry, out[3])?.0;
    driver::forward_with_stats(ws, &x, &op)
}

/// The output of [`separable_forward`] alone, for a BatchNorm that has statistics of its own, or none.
///
/// # Errors
/// As [`separable_forward`].
pub fn separable_apply(
    ws: &Workspace,
    x: Input<'_>,
    depthwise: &Tensor,
    pointwise: &Tensor,
    geometry: Geometry,
) -> Result<Tensor> {
    const NAME: &str = "separable_apply";
    let weights = [depthwise, pointwise];
    let (shape, out) = shapes(NAME, x, weights, geometry)?;
    if let Some(gpu) = Gpu::of_input(x) {
        return gpu::separable::forward(&gpu, NAME, (x, shape), (weights, geometry), out, None);
    }
    let x = InputGuard::new(NAME, x, shape)?;
    let op = SeparableOp::read(NAME, ws, shape, weights, geometry, out[3])?.0;
    driver::forward(ws, &x, &op)
}

/// Gradients of [`separable_forward`], given the gradient of its raw output.
///
/// # Errors
/// A wrong shape, layout, device or geometry; [`InputGradient::AddTo`] for an input with a pending BatchNorm, or with
/// tensors that share memory with another tensor of the call.
#[allow(clippy::too_many_arguments)]
pub fn separable_backward(
    ws: &Workspace,
    x: Input<'_>,
    depthwise: &Tensor,
    pointwise: &Tensor,
    geometry: Geometry,
    grad: Gradient<'_>,
    input: InputGradient<'_>,
    want_weights: bool,
) -> Result<SeparableGradients> {
    const NAME: &str = "separable_backward";
    let weights = [depthwise, pointwise];
    let (shape, out) = shapes(NAME, x, weights, geometry)?;
    check_input_gradient(NAME, input, x)?;
    check_gradient(NAME, grad, out)?;
    if let Some(gpu) = Gpu::of_input(x) {
        let grad = (grad, out);
        return gpu::separable::backward(&gpu, NAME, (x, shape), weights, geometry, grad, input, want_weights);
    }
    let (x, grad) = (InputGuard::new(NAME, x, shape)?, GradientGuard::new(NAME, grad)?);
    let (op, values) = SeparableOp::read(NAME, ws, shape, weights, geometry, out[3])?;
    let op = op.with_backward(&values);
    let gradients = driver::backward(NAME, ws, &x, &grad, &op, input, want_weights)?;
    let (depthwise, pointwise) = match gradients.weights {
        None => (None, None),
        Some(packed) => {
            let (dw, pw) = packed.split_at(op.depthwise.weights_len());
            let dw = ws.tensor(op.depthwise.unpack_weights(dw), depthwise.shape())?;
            (Some(dw), Some(ws.tensor(pw.to_vec(), pointwise.shape())?))
        }
    };
    Ok(SeparableGradients { input: gradients.input, depthwise, pointwise })
}

/// Both convolutions of one image; what lies between them never leaves the cache.
struct SeparableOp {
    depthwise: DepthwiseOp,
    /// `[ci, co]`.
    pointwise: Arc<Aligned>,
    /// `[co, ci]`; empty unless it was asked for.
    transposed: Aligned,
    co: usize,
}

impl SeparableOp {
    /// The op, ready for the way forward, and the values of both weights.
    fn read<'a>(
        kernel: &'static str,
        ws: &Workspace,
        [_, h, w, ci]: [usize; 4],
        [depthwise, pointwise]: [&'a Tensor; 2],
        geometry: Geometry,
        co: usize,
    ) -> Result<(Self, [Values<'a>; 2])> {
        let size = geometry.kernel;
        let depthwise_values = read(kernel, "depthwise", depthwise)?;
        let pointwise_values = read(kernel, "pointwise", pointwise)?;
        let packed = ws.pack(depthwise, &depthwise_values, size * size, ci);
        let op = Self {
            depthwise: DepthwiseOp::new(geometry, h, w, ci, packed),
            pointwise: ws.pack(pointwise, &pointwise_values, ci, co),
            transposed: Aligned::default(),
            co,
        };
        Ok((op, [depthwise_values, pointwise_values]))
    }

    /// The same, ready for the way back, too.
    fn with_backward(self, [depthwise, pointwise]: &[Values<'_>; 2]) -> Self {
        let (ci, co) = (self.depthwise.input_layout().channels, self.co);
        let weight: &[f32] = pointwise;
        let transposed = Aligned::transposed(&[weight], co, ci);
        Self { depthwise: self.depthwise.with_backward(depthwise), transposed, ..self }
    }

    /// Output rows that are worked on at a time, an even number: what lies between the convolutions, and what comes
    /// in, then stays in the nearest cache.
    fn band(&self) -> usize {
        const VALUES: usize = 4096;
        let between = self.depthwise.output_layout();
        let row = between.width * (between.pixel + self.co.next_multiple_of(16));
        (VALUES / row.max(1)).max(2).next_multiple_of(2).min(between.height)
    }

    /// Length of a band of the depthwise output.
    fn between_len(&self) -> usize {
        let between = self.depthwise.output_layout();
        self.band() * between.width * between.pixel
    }
}

/// A range in bands.
fn bands(range: Range<usize>, band: usize) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(band.max(1)).map(move |start| start..(start + band).min(end))
}

impl ImageOp for SeparableOp {
    fn input(&self) -> Layout {
        self.depthwise.input_layout()
    }

    fn gradient(&self) -> Layout {
        let between = self.depthwise.output_layout();
        Layout::vectors(between.height, between.width, self.co, (0, 0))
    }

    fn weights(&self) -> usize {
        self.depthwise.weights_len() + self.depthwise.output_layout().channels * self.co
    }

    /// A band of the depthwise output; and backward, all of its gradient with a border.
    fn scratch(&self) -> [usize; 2] {
        [self.between_len(), self.between_len() + self.depthwise.output_layout().len()]
    }

    fn clear(&self, scratch: &mut [f32]) {
        self.depthwise.output_layout().clear(&mut scratch[self.between_len()..]);
    }

    fn gradients_len(&self) -> [usize; 2] {
        let (dz, dx) = (self.gradient(), dx_layout(self.input()));
        [self.band() * dz.row() + 16, 2 * self.band() * dx.row() + 16]
    }

    fn reads(&self, rows: Range<usize>) -> Range<usize> {
        self.depthwise.reads(rows)
    }

    fn forward(&self, level: Level, x: &mut ImageInput<'_, '_>, out: Range<usize>, scratch: &mut [f32], z: &mut [f32]) {
        let Layout { width, channels: ci, pixel, .. } = self.depthwise.output_layout();
        for rows in bands(out.clone(), self.band()) {
            let x = x.until(self.depthwise.needs(rows.end));
            self.depthwise.apply(level, x, rows.clone(), scratch, pixel);
            Gemm {
                a: scratch,
                segments: &[0],
                depth: ci,
                a_row: pixel,
                a_step: 1,
                b: &self.pointwise,
                b_row: self.co.next_multiple_of(16),
                b_segment: 0,
                c: &mut z[(rows.start - out.start) * width * self.co..],
                c_row: self.co,
                rows: rows.len() * width,
                cols: self.co,
                groups: 1,
                a_group: 0,
                c_group: 0,
                add: false,
            }
            .run(level);
        }
    }

    fn backward(
        &self,
        level: Level,
        ends: &mut ImageGradients<'_, '_, '_>,
        mut weights: Option<(&mut ImageInput<'_, '_>, &mut [f32])>,
        scratch: &mut [f32],
    ) {
        let (t, dt) = scratch.split_at_mut(self.between_len());
        for rows in bands(0..self.gradient().height, self.band()) {
            let dz = ends.dz_rows(rows.clone());
            self.pointwise_backward(level, dz, rows.clone(), dt);
            if let Some((x, dw)) = &mut weights {
                let x = x.until(self.depthwise.needs(rows.end));
                self.pointwise_weights(level, x, dz, rows, t, &mut dw[self.depthwise.weights_len()..]);
            }
        }
        if let Some((x, dw)) = weights {
            let dw = &mut dw[..self.depthwise.weights_len()];
            self.depthwise.correlate(level, x.until(usize::MAX), dt, dw);
        }
        if ends.wants_input() {
            // As many rows as the scratch memory for them has, which is an even number.
            let stride = self.input().height.div_ceil(self.gradient().height);
            for rows in bands(0..self.input().height, self.band() * stride.min(2)) {
                ends.dx_rows(rows.clone(), |dx| self.depthwise.apply_transposed(level, dt, rows, dx));
            }
        }
    }
}

impl SeparableOp {
    /// Writes rows of the gradient between the convolutions.
    fn pointwise_backward(&self, level: Level, dz: &[f32], rows: Range<usize>, dt: &mut [f32]) {
        let (between, dz_layout) = (self.depthwise.output_layout(), self.gradient());
        Gemm {
            a: dz,
            segments: &[0],
            depth: self.co,
            a_row: dz_layout.pixel,
            a_step: 1,
            b: &self.transposed,
            b_row: between.pixel,
            b_segment: 0,
            c: &mut dt[between.origin() + rows.start * between.row()..],
            c_row: between.pixel,
            rows: between.width,
            cols: between.channels,
            groups: rows.len(),
            a_group: dz_layout.row(),
            c_group: between.row(),
            add: false,
        }
        .run(level);
    }

    /// Adds what rows of the image contribute to the gradient of the pointwise weight; the depthwise output is computed
    /// again, which costs less than storing it.
    fn pointwise_weights(
        &self,
        level: Level,
        x: &[f32],
        dz: &[f32],
        rows: Range<usize>,
        t: &mut [f32],
        dw: &mut [f32],
    ) {
        let Layout { width, channels: ci, pixel, .. } = self.depthwise.output_layout();
        let pixels = rows.len() * width;
        self.depthwise.apply(level, x, rows, t, pixel);
        Gemm {
            a: t,
            segments: &[0],
            depth: pixels,
            a_row: 1,
            a_step: pixel,
            b: dz,
            b_row: self.gradient().pixel,
            b_segment: 0,
            c: dw,
            c_row: self.co,
            rows: ci,
            cols: self.co,
            groups: 1,
            a_group: 0,
            c_group: 0,
            add: true,
        }
        .run(level);
    }
}
