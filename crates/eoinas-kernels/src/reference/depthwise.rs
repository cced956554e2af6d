//! Depthwise convolution: each channel has its own k x k filter.

use super::{Array, Real};

/// Kernel size, stride and dilation; the padding keeps stride-1 sizes.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// Rows and columns of the filter.
    pub kernel: usize,
    /// Step between outputs.
    pub stride: usize,
    /// Step between taps.
    pub dilation: usize,
}

impl Filter {
    fn source(&self, out: usize, tap: usize) -> isize {
        let padding = self.dilation * (self.kernel - 1) / 2;
        (out * self.stride + tap * self.dilation) as isize - padding as isize
    }

    /// Calls `f(out_y, out_x, in_y, in_x, tap)` for every output pixel of an image and every tap.
    fn for_each(&self, ho: usize, wo: usize, mut f: impl FnMut(usize, usize, isize, isize, usize)) {
        for (oy, ox) in (0..ho).flat_map(|oy| (0..wo).map(move |ox| (oy, ox))) {
            for ky in 0..self.kernel {
                for kx in 0..self.kernel {
                    f(oy, ox, self.source(oy, ky), self.source(ox, kx), ky * self.kernel + kx);
                }
            }
        }
    }
}

/// The output, `[n, ceil(h / stride), ceil(w / stride), c]`; `weight` is `[k, k, c]`.
pub fn depthwise<T: Real>(x: &Array<T>, weight: &[T], filter: Filter) -> Array<T> {
    let [n, h, w, c] = x.shape;
    let (ho, wo) = (h.div_ceil(filter.stride), w.div_ceil(filter.stride));
    let mut out = Array::zeros([n, ho, wo, c]);
    for (image, channel) in (0..n).flat_map(|i| (0..c).map(move |ch| (i, ch))) {
        filter.for_each(ho, wo, |oy, ox, y, x_, tap| {
            let value = x.get(image, y, x_, channel) * weight[tap * c + channel];
            out.add_at(image, oy as isize, ox as isize, channel, value);
        });
    }
    out
}

/// Gradients of the input and of the weight.
pub fn depthwise_backward<T: Real>(x: &Array<T>, weight: &[T], filter: Filter, dz: &Array<T>) -> (Array<T>, Vec<T>) {
    let [n, _, _, c] = x.shape;
    let [_, ho, wo, _] = dz.shape;
    let mut dx = Array::zeros(x.shape);
    let mut dw = vec![T::default(); weight.len()];
    for (image, channel) in (0..n).flat_map(|i| (0..c).map(move |ch| (i, ch))) {
        filter.for_each(ho, wo, |oy, ox, y, x_, tap| {
            let g = dz.get(image, oy as isize, ox as isize, channel);
            dx.add_at(image, y, x_, channel, g * weight[tap * c + channel]);
            dw[tap * c + channel] += g * x.get(image, y, x_, channel);
        });
    }
    (dx, dw)
}
