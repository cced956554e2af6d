//! Factorised reduce of one image: two pointwise convolutions of stride 2, the second one pixel further down and right
//! where there is one, joined.

use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;

use crate::aligned::Aligned;
use crate::cpu::driver::{ImageOp, dx_layout};
use crate::cpu::ends::{ImageGradients, ImageInput};
use crate::cpu::gemm::Gemm;
use crate::cpu::image::Layout;
use crate::cpu::simd::Level;
use crate::geometry::reduce_offset;
use crate::workspace::Workspace;

/// Both branches.
pub(super) struct FactorizedReduceOp {
    /// With a border: the second branch reads one row and column further.
    input: Layout,
    output: Layout,
    branches: [Branch; 2],
}

/// One pointwise convolution of stride 2.
struct Branch {
    /// Row and column of the first pixel that it reads.
    offset: (usize, usize),
    /// First output channel, and their number.
    first: usize,
    channels: usize,
    /// `[ci, channels]`.
    weights: Arc<Aligned>,
    /// `[channels, ci]`; empty unless it was asked for.
    transposed: Aligned,
}

impl FactorizedReduceOp {
    /// For images of the shape `x`, which give images of the shape `z`. Each weight comes with its values.
    pub(super) fn new(
        ws: &Workspace,
        weights: [(&Tensor, &[f32]); 2],
        [_, h, w, ci]: [usize; 4],
        [_, oh, ow, co]: [usize; 4],
    ) -> Self {
        let (mut first, mut offset) = (0, (0, 0));
        let branches = weights.map(|(weight, values)| {
            let channels = values.len() / ci;
            let weights = ws.pack(weight, values, ci, channels);
            let branch = Branch { offset, first, channels, weights, transposed: Aligned::new() };
            first += channels;
            offset = reduce_offset(h, w);
            branch
        });
        let mut output = Layout::vectors(oh, ow, co, (0, 0));
        // Whole vectors are read from the first channel of the second branch on.
        output.pixel += 16;
        Self { input: Layout::dense(h, w, ci, (1, 1)), output, branches }
    }

    /// The same, ready for the way back, too.
    pub(super) fn with_backward(mut self, weights: [&[f32]; 2]) -> Self {
        for (branch, weight) in self.branches.iter_mut().zip(weights) {
            branch.transposed = Aligned::transposed(&[weight], branch.channels, self.input.channels);
        }
        self
    }

    /// Where a branch starts to read.
    fn start(&self, branch: &Branch) -> usize {
        self.input.origin() + branch.offset.0 * self.input.row() + branch.offset.1 * self.input.pixel
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

    fn unpack(&self, packed: &[f32]) -> Vec<Vec<f32>> {
        let (first, second) = packed.split_at(self.input.channels * self.branches[0].channels);
        vec![first.to_vec(), second.to_vec()]
    }

    fn reads(&self, rows: Range<usize>) -> Range<usize> {
        2 * rows.start + 1..2 * rows.end + 1
    }

    fn forward(&self, level: Level, x: &mut ImageInput<'_, '_>, rows: Range<usize>, _: &mut [f32], z: &mut [f32]) {
        let x = x.whole();
        for branch in &self.branches {
            Gemm {
                a: x,
                segments: &[self.start(branch) + 2 * rows.start * self.input.row()],
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
        // Of one pixel they read the same.
        let joined = self.branches[0].offset == self.branches[1].offset;
        for branch in &self.branches {
            let (row, column) = branch.offset;
            let start = (row * layout.row() + column * layout.pixel).min(dx.len());
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
                rows: (layout.width - column).div_ceil(2),
                cols: layout.channels,
                groups: (layout.height - row).div_ceil(2),
                a_group: self.output.row(),
                c_group: 2 * layout.row(),
                add: joined,
            }
            .run(level);
        }
    }

    fn weight_backward(&self, level: Level, x: &[f32], dz: &[f32], dw: &mut [f32]) {
        let ci = self.input.channels;
        for branch in &self.branches {
            let start = self.start(branch);
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
