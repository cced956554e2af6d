//! Depthwise convolution of one image: forward, and both gradients, as lists of taps.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use super::taps::{Apply, Correlate, Grid};
use crate::aligned::Aligned;
use crate::cpu::driver::{ImageOp, dx_layout};
use crate::cpu::ends::{ImageGradients, ImageInput};
use crate::cpu::image::Layout;
use crate::cpu::simd::Level;
use crate::geometry::Geometry;
use crate::workspace::Workspace;

/// The filter as taps, for images of one size.
pub(super) struct DepthwiseOp {
    geometry: Geometry,
    input: Layout,
    /// The output and its gradient, with the border that the way back needs.
    output: Layout,
    offsets: Vec<usize>,
    weights: Arc<Aligned>,
    /// Empty unless it was asked for.
    backward: Vec<Class>,
}

/// Input pixels whose gradient comes from the same taps: all of them for stride 1, and for stride 2 those of even or
/// odd row and column.
struct Class {
    /// First row and column.
    first: (usize, usize),
    offsets: Vec<usize>,
    weights: Aligned,
}

impl DepthwiseOp {
    /// For images of this shape.
    pub(super) fn new(
        ws: &Workspace,
        geometry: Geometry,
        (weight, values): (&Tensor, &[f32]),
        [_, height, width, channels]: [usize; 4],
    ) -> Self {
        let (kernel, stride, padding) = (geometry.kernel(), geometry.stride(), geometry.padding());
        let input = Layout::vectors(height, width, channels, (padding, padding));
        let border = padding.div_ceil(stride);
        let output = Layout::vectors(height.div_ceil(stride), width.div_ceil(stride), channels, (border, border));
        let step = geometry.dilation();
        let offsets = (0..kernel * kernel)
            .map(|tap| tap / kernel * step * input.row() + tap % kernel * step * input.pixel)
            .collect();
        let weights = ws.pack(weight, values, kernel * kernel, channels);
        Self { geometry, input, output, offsets, weights, backward: Vec::new() }
    }

    /// The same, ready for the way back, too. `weight` is `[k, k, channels]`.
    pub(super) fn with_backward(self, weight: &[f32]) -> Self {
        let (stride, Layout { height, width, .. }) = (self.geometry.stride(), self.input);
        let classes = (0..stride.min(height)).flat_map(|y| (0..stride.min(width)).map(move |x| (y, x)));
        let backward = classes.map(|first| Class::new(self.geometry, first, self.output, weight)).collect();
        Self { backward, ..self }
    }

    /// See [`ImageOp::reads`].
    pub(super) fn reads(&self, rows: Range<usize>) -> Range<usize> {
        let first = |row: usize| row * self.geometry.stride();
        first(rows.start)..first(rows.end.saturating_sub(1)) + 2 * self.geometry.padding() + 1
    }

    pub(super) fn input_layout(&self) -> Layout {
        self.input
    }

    pub(super) fn output_layout(&self) -> Layout {
        self.output
    }

    /// Length of the gradient of the weights: `[k * k, channels]`, channels filled up to whole vectors.
    pub(super) fn weights_len(&self) -> usize {
        self.weights.len()
    }

    /// The gradient of the weights without what fills it up.
    pub(super) fn unpack_weights(&self, packed: &[f32]) -> Vec<f32> {
        packed.chunks(self.input.pixel).flat_map(|tap| tap[..self.input.channels].iter().copied()).collect()
    }

    /// Output pixels, against the input pixels that their first tap reads.
    fn grid(&self, dst_row: usize, dst_pixel: usize) -> Grid {
        let stride = self.geometry.stride();
        Grid {
            rows: self.output.height,
            cols: self.output.width,
            channels: self.input.channels,
            src_row: stride * self.input.row(),
            src_pixel: stride * self.input.pixel,
            dst_row,
            dst_pixel,
        }
    }

    /// The input row before which all rows are needed for output rows before `row`.
    pub(super) fn needs(&self, row: usize) -> usize {
        (row * self.geometry.stride() + self.geometry.padding()).saturating_sub(self.geometry.stride() - 1)
    }

    /// Writes rows of the output side by side without border, `dst_pixel` values between pixels.
    pub(super) fn apply(&self, level: Level, x: &[f32], rows: Range<usize>, dst: &mut [f32], dst_pixel: usize) {
        let all = self.grid(self.output.width * dst_pixel, dst_pixel);
        let grid = Grid { rows: rows.len(), ..all };
        let (src, offsets, weights) = (&x[rows.start * grid.src_row..], &self.offsets, &self.weights);
        Apply { grid, src, offsets, weights, weight_row: self.input.pixel, dst }.run(level);
    }

    /// Adds to the gradient of the weights.
    pub(super) fn correlate(&self, level: Level, x: &[f32], dz: &[f32], sums: &mut [f32]) {
        let grid = self.grid(self.output.row(), self.output.pixel);
        let other = &dz[self.output.origin()..];
        Correlate { grid, src: x, offsets: &self.offsets, other, sums, weight_row: self.input.pixel }.run(level);
    }

    /// Writes rows of the gradient of the input side by side; the first one is even.
    pub(super) fn apply_transposed(&self, level: Level, dz: &[f32], rows: Range<usize>, dx: &mut [f32]) {
        let (stride, layout) = (self.geometry.stride(), dx_layout(self.input));
        for class in &self.backward {
            let (y, x) = class.first;
            let grid = Grid {
                rows: rows.len().saturating_sub(y).div_ceil(stride),
                cols: (layout.width - x).div_ceil(stride),
                channels: layout.channels,
                src_row: self.output.row(),
                src_pixel: self.output.pixel,
                dst_row: stride * layout.row(),
                dst_pixel: stride * layout.pixel,
            };
            let start = (y * layout.row() + x * layout.pixel).min(dx.len());
            let (src, dst) = (&dz[rows.start / stride * grid.src_row..], &mut dx[start..]);
            let (offsets, weights) = (&class.offsets, &class.weights);
            Apply { grid, src, offsets, weights, weight_row: layout.pixel, dst }.run(level);
        }
    }
}

impl Class {
    fn new(geometry: Geometry, first: (usize, usize), output: Layout, weight: &[f32]) -> Self {
        let kernel = geometry.kernel();
        // Position in the bordered output that tap `k` of input pixel `first` belongs to, if it belongs to any.
        let position = |first: usize, tap: usize, border: usize| {
            let at = first + geometry.padding() + border * geometry.stride() - tap * geometry.dilation();
            at.is_multiple_of(geometry.stride()).then(|| at / geometry.stride())
        };
        let mut offsets = Vec::new();
        let mut weights = Vec::new();
        // Backwards, so that offsets grow.
        for (ky, kx) in (0..kernel).rev().flat_map(|ky| (0..kernel).rev().map(move |kx| (ky, kx))) {
            let (y, x) = (position(first.0, ky, output.border_y), position(first.1, kx, output.border_x));
            if let (Some(y), Some(x)) = (y, x) {
                offsets.push(y * output.row() + x * output.pixel);
                weights.extend_from_slice(&weight[(ky * kernel + kx) * output.channels..][..output.channels]);
            }
        }
        Self { first, weights: Aligned::rows(&weights, offsets.len(), output.channels), offsets }
    }
}

impl ImageOp for DepthwiseOp {
    fn input(&self) -> Layout {
        self.input
    }

    fn gradient(&self) -> Layout {
        self.output
    }

    fn weights(&self) -> usize {
        self.weights_len()
    }

    fn unpack(&self, packed: &[f32]) -> Vec<Vec<f32>> {
        vec![self.unpack_weights(packed)]
    }

    fn reads(&self, rows: Range<usize>) -> Range<usize> {
        self.reads(rows)
    }

    fn forward(&self, level: Level, x: &mut ImageInput<'_, '_>, rows: Range<usize>, _: &mut [f32], z: &mut [f32]) {
        self.apply(level, x.whole(), rows, z, self.output.channels);
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
                self.apply_transposed(level, dz, 0..self.input.height, dx);
            }
            if let Some((x, dw)) = weights {
                self.correlate(level, x.whole(), dz, dw);
            }
        });
    }
}
