//! Depthwise, then pointwise convolution, as one kernel.

use candle_core::Tensor;

use crate::access::{GradientGuard, InputGuard, check_input_gradient, read_shaped};
use crate::depthwise::{DepthwiseOp, Geometry};
use crate::driver::{self, ImageOp};
use crate::error::{KernelError, Result};
use crate::gemm::Gemm;
use crate::image::Layout;
use crate::norm::{BatchStats, GradSums};
use crate::scratch::Aligned;
use crate::simd::Level;
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

fn output_channels(kernel: &'static str, pointwise: &Tensor, ci: usize) -> Result<usize> {
    match *pointwise.dims() {
        [i, co] if i == ci && co > 0 => Ok(co),
        _ => Err(KernelError::Shape {
            kernel,
            tensor: "pointwise",
            got: pointwise.dims().to_vec(),
            expected: format!("[{ci}, co]"),
        }),
    }
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
    geometry.check(NAME)?;
    let x = InputGuard::new(NAME, x)?;
    let [_, h, w, ci] = x.shape;
    let co = output_channels(NAME, pointwise, ci)?;
    let depthwise = read_shaped(NAME, "depthwise", depthwise, &[geometry.kernel, geometry.kernel, ci])?;
    let pointwise = read_shaped(NAME, "pointwise", pointwise, &[ci, co])?;
    let op = SeparableOp::new(DepthwiseOp::new(geometry, h, w, ci, &depthwise), &pointwise, co);
    driver::forward_with_stats(ws, &x, &op)
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
    geometry.check(NAME)?;
    check_input_gradient(NAME, input, x)?;
    let x = InputGuard::new(NAME, x)?;
    let [n, h, w, ci] = x.shape;
    let co = output_channels(NAME, pointwise, ci)?;
    let out = [n, h.div_ceil(geometry.stride), w.div_ceil(geometry.stride), co];
    let depthwise_shape = [geometry.kernel, geometry.kernel, ci];
    let depthwise = read_shaped(NAME, "depthwise", depthwise, &depthwise_shape)?;
    let pointwise = read_shaped(NAME, "pointwise", pointwise, &[ci, co])?;
    let grad = GradientGuard::new(NAME, grad, out)?;
    let op = SeparableOp::new(DepthwiseOp::new(geometry, h, w, ci, &depthwise), &pointwise, co);
    let gradients = driver::backward(NAME, ws, &x, &grad, &op, input, want_weights)?;
    let (depthwise, pointwise) = match gradients.weights {
        None => (None, None),
        Some(packed) => {
            let (dw, pw) = packed.split_at(op.depthwise.weights_len());
            let dw = ws.tensor(op.depthwise.unpack_weights(dw), &depthwise_shape)?;
            (Some(dw), Some(ws.tensor(pw.to_vec(), &[ci, co])?))
        }
    };
    Ok(SeparableGradients { input: gradients.input, depthwise, pointwise })
}

/// Both convolutions of one image; what lies between them never leaves the cache.
struct SeparableOp {
    depthwise: DepthwiseOp,
    /// `[ci, co]`.
    pointwise: Aligned,
    /// `[co, ci]`.
    transposed: Aligned,
    co: usize,
}

impl SeparableOp {
    fn new(depthwise: DepthwiseOp, weight: &[f32], co: usize) -> Self {
        let ci = depthwise.input_layout().channels;
        let transposed = (0..co).flat_map(|o| (0..ci).map(move |i| weight[i * co + o]));
        let transposed = Aligned::rows(transposed, co, ci);
        Self { depthwise, pointwise: Aligned::rows(weight.iter().copied(), ci, co), transposed, co }
    }

    /// The depthwise convolution's output: its size, its channels and its distance between pixels.
    fn between(&self) -> (usize, usize, usize) {
        let layout = self.depthwise.output_layout();
        (layout.height * layout.width, layout.channels, layout.pixel)
    }
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
        self.depthwise.weights_len() + self.between().1 * self.co
    }

    /// The depthwise output, then its gradient with a border.
    fn scratch(&self) -> usize {
        let (pixels, _, pixel) = self.between();
        pixels * pixel + self.depthwise.output_layout().len()
    }

    fn clear(&self, scratch: &mut [f32]) {
        let (pixels, _, pixel) = self.between();
        self.depthwise.output_layout().clear(&mut scratch[pixels * pixel..]);
    }

    fn forward(&self, level: Level, x: &[f32], scratch: &mut [f32], z: &mut [f32]) {
        let (pixels, ci, pixel) = self.between();
        self.depthwise.apply(level, x, scratch, pixel);
        Gemm {
            a: scratch,
            segments: &[0],
            depth: ci,
            a_row: pixel,
            a_step: 1,
            b: &self.pointwise,
            b_row: self.co.next_multiple_of(16),
            b_segment: 0,
            c: z,
            c_row: self.co,
            rows: pixels,
            cols: self.co,
            groups: 1,
            a_group: 0,
            c_group: 0,
            add: false,
        }
        .run(level);
    }

    fn backward(
        &self,
        level: Level,
        dz: &[f32],
        dx: Option<&mut [f32]>,
        dw: Option<(&[f32], &mut [f32])>,
        scratch: &mut [f32],
    ) {
        let (pixels, ci, pixel) = self.between();
        let (between, dz_pixel) = (self.depthwise.output_layout(), self.gradient().pixel);
        let (t, dt) = scratch.split_at_mut(pixels * pixel);
        Gemm {
            a: dz,
            segments: &[0],
            depth: self.co,
            a_row: dz_pixel,
            a_step: 1,
            b: &self.transposed,
            b_row: pixel,
            b_segment: 0,
            c: &mut dt[between.origin()..],
            c_row: pixel,
            rows: between.width,
            cols: ci,
            groups: between.height,
            a_group: between.width * dz_pixel,
            c_group: between.row(),
            add: false,
        }
        .run(level);
        if let Some(dx) = dx {
            self.depthwise.apply_transposed(level, dt, dx);
        }
        if let Some((x, dw)) = dw {
            let (depthwise, pointwise) = dw.split_at_mut(self.depthwise.weights_len());
            self.depthwise.correlate(level, x, dt, depthwise);
            self.depthwise.apply(level, x, t, pixel);
            Gemm {
                a: t,
                segments: &[0],
                depth: pixels,
                a_row: 1,
                a_step: pixel,
                b: dz,
                b_row: dz_pixel,
                b_segment: 0,
                c: pointwise,
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
}
