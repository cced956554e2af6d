//! What all convolutions share: image by image, in parallel, from tensors to tensors.
//!
//! An image is read once, with everything pending applied, into scratch memory that stays in the core's cache; the op
//! works there; its output is written once, and BatchNorm's sums are taken while it is still in cache.

use std::iter;
use std::ops::Range;

use candle_core::Tensor;
use rayon::prelude::*;

use super::access::{GradientGuard, InputGuard};
use super::ends::{ImageGradients, ImageInput, Target};
use super::image::Layout;
use super::moments::Moments;
use super::norm::grad_sums;
use super::parallel::{add_all, for_pieces, for_pieces_with};
use super::scratch::{with_partial_sums, with_scratch};
use super::simd::Level;
use super::values::write;
use crate::aligned::Aligned;
use crate::error::Result;
use crate::results::{BatchStats, ReturnedGradient};
use crate::share::{self, Sums, pieces};
use crate::view::InputGradient;
use crate::workspace::Workspace;

/// A convolution of one image in scratch memory.
pub(crate) trait ImageOp: Sync {
    /// How the input lies in scratch memory.
    fn input(&self) -> Layout;
    /// How the gradient of the output lies in scratch memory; its size is that of the output.
    fn gradient(&self) -> Layout;
    /// Length of the gradient of the weights.
    fn weights(&self) -> usize;
    /// The gradient of each weight, in its own order, from that of all.
    fn unpack(&self, packed: &[f32]) -> Vec<Vec<f32>>;
    /// Length of further scratch memory, forward and backward.
    fn scratch(&self) -> [usize; 2] {
        [0, 0]
    }
    /// Readies the further scratch memory, before a number of images on their way back.
    fn clear(&self, _scratch: &mut [f32]) {}
    /// Length of the scratch memory for the gradients of the output and of the input; shorter than an image for an op
    /// that takes them in bands of rows.
    fn gradients_len(&self) -> [usize; 2] {
        [self.gradient().len(), dx_layout(self.input()).len()]
    }
    /// The rows of the input that these rows of the output are made of, counted from the top of the border.
    fn reads(&self, rows: Range<usize>) -> Range<usize>;
    /// Writes rows of the output, `[pixels, channels]`. What a pixel gets does not depend on the rows around it.
    fn forward(&self, level: Level, x: &mut ImageInput<'_, '_>, rows: Range<usize>, scratch: &mut [f32], z: &mut [f32]);
    /// From the gradient of the output: hands over that of the input, adds that of the weights where it is wanted.
    fn backward(
        &self,
        level: Level,
        ends: &mut ImageGradients<'_, '_, '_>,
        weights: Option<(&mut ImageInput<'_, '_>, &mut [f32])>,
        scratch: &mut [f32],
    );
}

/// How the gradient of an input lies in scratch memory: without border.
pub(crate) fn dx_layout(input: Layout) -> Layout {
    Layout::vectors(input.height, input.width, input.channels, (0, 0))
}

/// The raw output of an op, and its statistics if they are wanted. Where they are not, and there are fewer images than
/// threads, the threads share the rows of each image.
pub(crate) fn forward(
    ws: &Workspace,
    x: &InputGuard<'_>,
    op: &impl ImageOp,
    want_stats: bool,
) -> Result<(Tensor, Option<BatchStats>)> {
    let bands = rayon::current_num_threads().div_ceil(x.shape[0].max(1)).min(op.gradient().height);
    if want_stats || bands < 2 {
        forward_images(ws, x, op, want_stats)
    } else {
        Ok((forward_bands(ws, x, op, bands)?, None))
    }
}

fn forward_bands(ws: &Workspace, x: &InputGuard<'_>, op: &impl ImageOp, bands: usize) -> Result<Tensor> {
    let images = x.shape[0];
    let level = Level::current();
    let view = x.view();
    let (input, output) = (op.input(), op.gradient());
    let row = output.width * output.channels;
    let mut z = ws.take(images * output.height * row);
    let mut tasks = Vec::with_capacity(images * bands);
    let mut rest: &mut [f32] = &mut z;
    for (image, band) in (0..images).flat_map(|image| (0..bands).map(move |band| (image, band))) {
        let rows = band * output.height / bands..(band + 1) * output.height / bands;
        let (part, tail) = rest.split_at_mut(rows.len() * row);
        tasks.push((image, rows, part));
        rest = tail;
    }
    tasks.into_par_iter().for_each(|(image, rows, z)| {
        with_scratch([input.len(), op.scratch()[0]], |[padded, scratch]| {
            let reads = op.reads(rows.clone());
            input.clear_rows(padded, reads.clone());
            let mut x = ImageInput::new(level, &view, image, input, padded).limited(reads);
            op.forward(level, &mut x, rows, scratch, z);
        });
    });
    ws.tensor(z, vec![images, output.height, output.width, output.channels])
}

fn forward_images(
    ws: &Workspace,
    x: &InputGuard<'_>,
    op: &impl ImageOp,
    want_stats: bool,
) -> Result<(Tensor, Option<BatchStats>)> {
    let level = Level::current();
    let view = x.view();
    let (input, output) = (op.input(), op.gradient());
    let images = view.shape[0];
    let shape = [images, output.height, output.width, output.channels];
    let per_image: usize = shape[1..].iter().product();
    let mut z = ws.take(images * per_image);
    let moments = for_pieces(images, &mut [&mut z], |range, parts| {
        let mut moments = Moments::new(output.channels);
        with_scratch([input.len(), op.scratch()[0]], |[padded, scratch]| {
            input.clear(padded);
            for (image, z) in range.zip(parts[0].chunks_mut(per_image)) {
                let mut x = ImageInput::new(level, &view, image, input, padded);
                op.forward(level, &mut x, 0..output.height, scratch, z);
                if want_stats {
                    moments.add_image(level, z);
                }
            }
        });
        moments
    });
    let z = ws.tensor(z, shape.to_vec())?;
    let stats = want_stats.then(|| Moments::stats_of(output.channels, moments)).transpose()?;
    Ok((z, stats))
}

/// The gradient of an op's weights, all together and in the op's layout.
pub(crate) enum Packed {
    /// Summed over the batch.
    Sum(Aligned),
    /// As each piece of this process's share of the batch has summed it up.
    Pieces(Vec<Aligned>),
}

/// BatchNorm's sums, of the gradient and of the gradient times the normalised input.
struct NormSums(Vec<f64>);

impl Sums for NormSums {
    fn put(&self, to: &mut Vec<f64>) {
        to.extend(&self.0);
    }

    fn with(&self, values: &[f64]) -> Self {
        Self(values.to_vec())
    }
}

/// The gradients of an op: that of its input where it is to be returned, and those of its weights where they are wanted.
pub(crate) fn backward(
    kernel: &'static str,
    ws: &Workspace,
    x: &InputGuard<'_>,
    grad: &GradientGuard<'_>,
    op: &impl ImageOp,
    request: InputGradient<'_>,
    want_weights: bool,
) -> Result<(ReturnedGradient, Option<Packed>)> {
    let view = x.view();
    let split = view.shape[3];
    match request {
        InputGradient::Skip => {
            let (_, weights) = backward_into(x, grad, op, &mut [], Target::Nothing, want_weights);
            Ok((None, weights))
        }
        InputGradient::AddTo(targets) | InputGradient::WriteTo(targets) => {
            let target = if matches!(request, InputGradient::AddTo(_)) { Target::Add } else { Target::Write };
            let reads: Vec<_> = x.reads().chain(grad.reads()).collect();
            let weights = write(kernel, "input gradient", targets, &reads, |slices| {
                Ok(backward_into(x, grad, op, slices, target, want_weights).1)
            })?;
            Ok((None, weights))
        }
        InputGradient::Return => {
            let mut dx = ws.take(view.shape.iter().product());
            let (found, weights) = backward_into(x, grad, op, &mut [&mut dx], Target::Write, want_weights);
            let dx = ws.tensor(dx, view.shape.to_vec())?;
            let sums = match view.norm {
                None => None,
                Some(norm) => {
                    let [n, h, w, _] = view.shape;
                    let mut sums = vec![0.0f64; 2 * split];
                    for of_piece in share::of_all(found)? {
                        sums.iter_mut().zip(of_piece.0).for_each(|(sum, s)| *sum += s);
                    }
                    let count = share::whole(n) * h * w;
                    Some(grad_sums(norm, [sums[..split].to_vec(), sums[split..].to_vec()], count, 1.0)?)
                }
            };
            Ok((Some((dx, sums)), weights))
        }
    }
}

/// Returns BatchNorm's sums, piece by piece, and the gradient of the weights.
fn backward_into(
    x: &InputGuard<'_>,
    grad: &GradientGuard<'_>,
    op: &impl ImageOp,
    outputs: &mut [&mut [f32]],
    target: Target,
    want_weights: bool,
) -> (Vec<NormSums>, Option<Packed>) {
    if target == Target::Nothing && !want_weights {
        return (Vec::new(), None);
    }
    let level = Level::current();
    let (view, grad) = (x.view(), grad.view());
    let (input, gradient) = (op.input(), op.gradient());
    let dx_layout = dx_layout(input);
    let images = view.shape[0];
    let [dz_len, dx_len] = op.gradients_len();
    let dx_len = if target == Target::Nothing { 0 } else { dx_len };
    let x_len = if want_weights { input.len() } else { 0 };
    // Every piece begins at a cache line.
    let (count, stride) = (pieces(images).len(), op.weights().max(1).next_multiple_of(16));
    let piece = |range: Range<usize>, parts: &mut [&mut [f32]], mut dw: Option<&mut [f32]>| {
        let mut sums = vec![0.0f64; 2 * view.shape[3]];
        let mut image_sums = vec![0.0f32; 2 * view.shape[3]];
        dw.iter_mut().for_each(|dw| dw.fill(0.0));
        with_scratch([x_len, dz_len, dx_len, op.scratch()[1]], |[padded, dz, dx, scratch]| {
            if want_weights {
                input.clear(padded);
            }
            gradient.clear(dz);
            op.clear(scratch);
            for (index, image) in range.clone().enumerate() {
                let targets: Vec<&mut [f32]> = parts
                    .iter_mut()
                    .map(|part| {
                        let len = part.len() / range.len();
                        &mut part[index * len..][..len]
                    })
                    .collect();
                image_sums.fill(0.0);
                let mut ends = ImageGradients {
                    level,
                    view: &view,
                    grad: &grad,
                    image,
                    gradient,
                    dx_layout,
                    dz,
                    dx,
                    targets,
                    target,
                    sums: &mut image_sums,
                };
                let mut x = ImageInput::new(level, &view, image, input, padded);
                let dw = dw.as_deref_mut().map(|dw| (&mut x, &mut dw[..op.weights()]));
                op.backward(level, &mut ends, dw, scratch);
                sums.iter_mut().zip(&image_sums).for_each(|(sum, &s)| *sum += f64::from(s));
            }
        });
        NormSums(sums)
    };
    let (found, weights) = if want_weights {
        with_partial_sums(count * stride, |partial| {
            let found = for_pieces_with(images, outputs, partial.chunks_mut(stride).map(Some), piece);
            let copied = |part: &[f32]| {
                let mut weights = Aligned::zeros(stride);
                add_all(part, &mut weights);
                weights.truncate(op.weights());
                weights
            };
            let weights = match share::is_shared() {
                false => Packed::Sum(copied(partial)),
                true => Packed::Pieces(partial.chunks_exact(stride).map(copied).collect()),
            };
            (found, Some(weights))
        })
    } else {
        (for_pieces_with(images, outputs, iter::repeat_with(|| None), piece), None)
    };
    (found, weights)
}
