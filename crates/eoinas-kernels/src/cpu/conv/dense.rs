//! Dense convolution of one image, pointwise (1x1) included, as matrix products with the image itself.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use crate::aligned::Aligned;
use crate::cpu::driver::{ImageOp, dx_layout};
use crate::cpu::ends::{ImageGradients, ImageInput};
use crate::cpu::gemm::Gemm;
use crate::cpu::image::Layout;
use crate::cpu::simd::Level;
use crate::geometry::ConvGeometry;
use crate::workspace::Workspace;

/// The filter as matrices, for images of one size.
pub(super) struct DenseOp {
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

impl DenseOp {
    /// For images of the shape `x`, which give images of the shape `z`.
    pub(super) fn new(
        ws: &Workspace,
        geometry: ConvGeometry,
        (weight, values): (&Tensor, &[f32]),
        [_, h, w, ci]: [usize; 4],
        [_, oh, ow, co]: [usize; 4],
    ) -> Self {
        let ((kh, kw), stride, padding) = (geometry.kernel(), geometry.stride(), geometry.padding());
        let input = Layout::dense(h, w, ci, padding);
        let output = Layout::vectors(oh, ow, co, (padding.0.div_ceil(stride), padding.1.div_ceil(stride)));
        let weights = ws.pack(weight, values, kh * kw * ci, co);
        Self { geometry, input, output, weights, backward: Vec::new() }
    }

    /// The same, ready for the way back, too.
    pub(super) fn with_backward(self, weight: &[f32]) -> Self {
        let (stride, Layout { height: h, width: w, channels: ci, .. }) = (self.geometry.stride(), self.input);
        let classes = (0..stride.min(h)).flat_map(|y| (0..stride.min(w)).map(move |x| (y, x)));
        let backward = classes.map(|first| Class::new(self.geometry, first, self.output, weight, ci)).collect();
        Self { backward, ..self }
    }
}

impl Class {
    fn new(geometry: ConvGeometry, first: (usize, usize), output: Layout, weight: &[f32], ci: usize) -> Self {
        let ((kh, kw), stride, co) = (geometry.kernel(), geometry.stride(), output.channels);
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

impl ImageOp for DenseOp {
    fn input(&self) -> Layout {
        self.input
    }

    fn gradient(&self) -> Layout {
        self.output
    }

    fn weights(&self) -> usize {
        let (kh, kw) = self.geometry.kernel();
        kh * kw * self.input.channels * self.output.channels
    }

    fn unpack(&self, packed: &[f32]) -> Vec<Vec<f32>> {
        vec![packed.to_vec()]
    }

    fn reads(&self, rows: Range<usize>) -> Range<usize> {
        let stride = self.geometry.stride();
        rows.start * stride..rows.end.saturating_sub(1) * stride + self.geometry.kernel().0
    }

    fn forward(&self, level: Level, x: &mut ImageInput<'_, '_>, out: Range<usize>, _: &mut [f32], z: &mut [f32]) {
        let ((kh, kw), stride, co) = (self.geometry.kernel(), self.geometry.stride(), self.output.channels);
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

impl DenseOp {
    fn input_backward(&self, level: Level, dz: &[f32], dx: &mut [f32]) {
        let (stride, layout, co) = (self.geometry.stride(), dx_layout(self.input), self.output.channels);
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
        let ((kh, kw), stride, co) = (self.geometry.kernel(), self.geometry.stride(), self.output.channels);
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
