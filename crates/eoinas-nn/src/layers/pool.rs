//! Pooling by windows of any size: the kernel for 3x3 maxima with padding 1, plain loops on the CPU for all others.

use candle_core::{Device, Tensor};
use eoinas_core::models::{PoolKind, PoolSpec};
use eoinas_kernels::pool::{pool_backward, pool_forward};
use eoinas_kernels::{Gradient, PoolKind as KernelKind, Workspace};
use rayon::prelude::*;

use crate::buffers::unwritten_like;
use crate::error::Result;

/// Whether the backward pass reads the input.
pub(super) fn reads_input(spec: &PoolSpec) -> bool {
    spec.kind == PoolKind::Max
}

/// The stride of a pooling that the kernel knows, to an output of `size` of an input of `from`.
fn of_kernel(spec: &PoolSpec, from: [usize; 2], size: [usize; 2]) -> Option<usize> {
    let PoolSpec { kind, kernel, stride, padding, .. } = *spec;
    let fits = kind == PoolKind::Max && (kernel, padding) == (3, 1) && (stride == 1 || stride == 2);
    (fits && from.map(|size| size.div_ceil(stride)) == size).then_some(stride)
}

/// Pools `x` to `[n, height, width, c]`.
pub(super) fn forward(workspace: &Workspace, spec: &PoolSpec, x: &Tensor, size: [usize; 2]) -> Result<Tensor> {
    let (n, h, w, c) = x.dims4()?;
    if let Some(stride) = of_kernel(spec, [h, w], size) {
        return Ok(pool_forward(workspace, x, KernelKind::Max, stride, false)?.0);
    }
    let windows = Windows { spec: *spec, from: [h, w], size, channels: c };
    let values = on_host(x)?;
    let mut out = vec![0.0; n * size[0] * size[1] * c];
    let images = out.par_chunks_mut((size[0] * size[1] * c).max(1)).zip(values.par_chunks((h * w * c).max(1)));
    images.for_each(|(out, image)| windows.pool(image, out));
    Ok(Tensor::from_vec(out, (n, size[0], size[1], c), &Device::Cpu)?.to_device(x.device())?)
}

/// The gradient of the input, an image of `from`; `x` is the input where [`reads_input`].
pub(super) fn backward(
    workspace: &Workspace,
    spec: &PoolSpec,
    x: Option<&Tensor>,
    dy: &Tensor,
    from: [usize; 2],
) -> Result<Tensor> {
    let (n, height, width, c) = dy.dims4()?;
    let size = [height, width];
    if let (Some(x), Some(stride)) = (x, of_kernel(spec, from, size)) {
        let dx = unwritten_like(workspace, x)?;
        let gradient = Gradient { dy, norm: None, gate: 1.0, sample: None };
        pool_backward(x, KernelKind::Max, stride, gradient, &dx, false)?;
        return Ok(dx);
    }
    let windows = Windows { spec: *spec, from, size, channels: c };
    let (gradient, of_image) = (on_host(dy)?, from[0] * from[1] * c);
    let values = x.map(on_host).transpose()?.unwrap_or_default();
    let mut dx = vec![0.0; n * of_image];
    let images = dx.par_chunks_mut(of_image.max(1)).zip(gradient.par_chunks((height * width * c).max(1)));
    images.enumerate().for_each(|(index, (dx, dy))| {
        let image = values.get(index * of_image..(index + 1) * of_image).unwrap_or_default();
        windows.back(image, dy, dx);
    });
    Ok(Tensor::from_vec(dx, (n, from[0], from[1], c), &Device::Cpu)?.to_device(dy.device())?)
}

fn on_host(x: &Tensor) -> Result<Vec<f32>> {
    Ok(x.flatten_all()?.to_vec1()?)
}

/// The windows of an image.
struct Windows {
    spec: PoolSpec,
    from: [usize; 2],
    size: [usize; 2],
    channels: usize,
}

impl Windows {
    fn pool(&self, image: &[f32], out: &mut [f32]) {
        let mean = self.spec.kind == PoolKind::Average;
        self.each(|output, pixels, count| {
            let Some(out) = out.get_mut(output..output + self.channels) else { return };
            out.fill(if mean { 0.0 } else { f32::NEG_INFINITY });
            for pixel in pixels {
                let Some(pixel) = image.get(*pixel..*pixel + self.channels) else { continue };
                for (out, value) in out.iter_mut().zip(pixel) {
                    match mean {
                        true => *out += value / count,
                        // The first of equal values, and NaN where there is one.
                        false if *value > *out || value.is_nan() => *out = *value,
                        false => {}
                    }
                }
            }
        });
    }

    fn back(&self, image: &[f32], dy: &[f32], dx: &mut [f32]) {
        let mean = self.spec.kind == PoolKind::Average;
        self.each(|output, pixels, count| {
            let Some(dy) = dy.get(output..output + self.channels) else { return };
            for (channel, dy) in dy.iter().enumerate() {
                let mut best: Option<(usize, f32)> = None;
                for at in pixels.iter().map(|pixel| pixel + channel) {
                    if mean {
                        dx.get_mut(at).into_iter().for_each(|dx| *dx += dy / count);
                    } else if let Some(&value) = image.get(at)
                        && best.is_none_or(|(_, highest)| value > highest)
                    {
                        best = Some((at, value));
                    }
                }
                if let Some(dx) = best.and_then(|(at, _)| dx.get_mut(at)) {
                    *dx += dy;
                }
            }
        });
    }

    /// Calls `f` for each window with the place of its output, the places of its pixels inside the image, row by row, and what
    /// its mean is divided by: all pixels of it that the padding reaches.
    fn each(&self, mut f: impl FnMut(usize, &[usize], f32)) {
        let PoolSpec { kernel, stride, padding, .. } = self.spec;
        let ([height, width], [rows, columns]) = (self.from, self.size);
        // From the first to behind the last pixel, in padded numbers.
        let span = |place: usize, size: usize| place * stride..(place * stride + kernel).min(size + 2 * padding);
        let inside = |at: usize, size: usize| at.checked_sub(padding).filter(|&at| at < size);
        let mut pixels = Vec::with_capacity(kernel * kernel);
        for (row, column) in (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column))) {
            let (down, across) = (span(row, height), span(column, width));
            let count = down.len() * across.len();
            pixels.clear();
            for y in down.filter_map(|at| inside(at, height)) {
                let of_row = across.clone().filter_map(|at| inside(at, width));
                pixels.extend(of_row.map(|x| (y * width + x) * self.channels));
            }
            f((row * columns + column) * self.channels, &pixels, count as f32);
        }
    }
}
