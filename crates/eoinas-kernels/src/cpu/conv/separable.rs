//! Depthwise, then pointwise convolution of one image, band by band.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use super::depthwise::DepthwiseOp;
use crate::aligned::Aligned;
use crate::cpu::driver::{ImageOp, dx_layout};
use crate::cpu::ends::{ImageGradients, ImageInput};
use crate::cpu::gemm::Gemm;
use crate::cpu::image::Layout;
use crate::cpu::simd::Level;
use crate::geometry::Geometry;
use crate::workspace::Workspace;

/// Both convolutions of one image; what lies between them never leaves the cache.
pub(super) struct SeparableOp {
    depthwise: DepthwiseOp,
    /// `[ci, co]`.
    pointwise: Arc<Aligned>,
    /// `[co, ci]`; empty unless it was asked for.
    transposed: Aligned,
    co: usize,
}

impl SeparableOp {
    /// For images of the shape `x`, which give images of `co` channels. Each weight comes with its values.
    pub(super) fn new(
        ws: &Workspace,
        geometry: Geometry,
        depthwise: (&Tensor, &[f32]),
        (pointwise, values): (&Tensor, &[f32]),
        x: [usize; 4],
        co: usize,
    ) -> Self {
        let pointwise = ws.pack(pointwise, values, x[3], co);
        Self { depthwise: DepthwiseOp::new(ws, geometry, depthwise, x), pointwise, transposed: Aligned::new(), co }
    }

    /// The same, ready for the way back, too.
    pub(super) fn with_backward(self, depthwise: &[f32], pointwise: &[f32]) -> Self {
        let (ci, co) = (self.depthwise.input_layout().channels, self.co);
        let transposed = Aligned::transposed(&[pointwise], co, ci);
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

    fn unpack(&self, packed: &[f32]) -> Vec<Vec<f32>> {
        let (depthwise, pointwise) = packed.split_at(self.depthwise.weights_len());
        vec![self.depthwise.unpack_weights(depthwise), pointwise.to_vec()]
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
