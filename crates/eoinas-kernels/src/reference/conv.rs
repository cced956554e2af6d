//! Dense convolution.

use super::{Array, Real};

/// Where a dense convolution reads: output pixel `(y, x)` reads from `(y * stride + start, x * stride + start)` on.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Rows and columns of the filter.
    pub kernel: (usize, usize),
    /// Step between outputs.
    pub stride: usize,
    /// First row and column read for output (0, 0); outside of the image is 0.
    pub start: (isize, isize),
}

impl Window {
    /// Calls `f(out_y, out_x, in_y, in_x, tap)` for every output pixel of an image and every tap.
    fn for_each(&self, ho: usize, wo: usize, mut f: impl FnMut(usize, usize, isize, isize, usize)) {
        for (oy, ox) in (0..ho).flat_map(|oy| (0..wo).map(move |ox| (oy, ox))) {
            for ky in 0..self.kernel.0 {
                for kx in 0..self.kernel.1 {
                    let y = (oy * self.stride + ky) as isize + self.start.0;
                    let x = (ox * self.stride + kx) as isize + self.start.1;
                    f(oy, ox, y, x, ky * self.kernel.1 + kx);
                }
            }
        }
    }
}

/// The output, `[n, ceil(h / stride), ceil(w / stride), co]`; `weight` is `[kh, kw, ci, co]`.
pub fn conv<T: Real>(x: &Array<T>, weight: &[T], co: usize, window: Window) -> Array<T> {
    let [n, h, w, ci] = x.shape;
    let (ho, wo) = (h.div_ceil(window.stride), w.div_ceil(window.stride));
    let mut out = Array::zeros([n, ho, wo, co]);
    for image in 0..n {
        window.for_each(ho, wo, |oy, ox, y, x_, tap| {
            for i in 0..ci {
                let value = x.get(image, y, x_, i);
                for o in 0..co {
                    let w = weight[(tap * ci + i) * co + o];
                    out.add_at(image, oy as isize, ox as isize, o, value * w);
                }
            }
        });
    }
    out
}

/// Gradients of the input and of the weight.
pub fn conv_backward<T: Real>(x: &Array<T>, weight: &[T], window: Window, dz: &Array<T>) -> (Array<T>, Vec<T>) {
    let [n, _, _, ci] = x.shape;
    let [_, ho, wo, co] = dz.shape;
    let mut dx = Array::zeros(x.shape);
    let mut dw = vec![T::default(); weight.len()];
    for image in 0..n {
        window.for_each(ho, wo, |oy, ox, y, x_, tap| {
            for i in 0..ci {
                let mut sum = T::default();
                for o in 0..co {
                    let at = (tap * ci + i) * co + o;
                    let g = dz.get(image, oy as isize, ox as isize, o);
                    sum += g * weight[at];
                    dw[at] += g * x.get(image, y, x_, i);
                }
                dx.add_at(image, y, x_, i, sum);
            }
        });
    }
    (dx, dw)
}
