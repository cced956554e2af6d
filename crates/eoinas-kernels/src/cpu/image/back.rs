//! An image's gradient on its way from an op to the tensors that it is added to.

use std::ops::Range;

use super::layout::Layout;
use super::strip::{Strip, Strips, at, load, store};
use crate::cpu::access::InputView;
use crate::cpu::simd::{Kernel, Simd};

/// Takes rows of an image's gradient behind the ReLU, which `dx` holds alone, back through it, and adds it to (`add`) or
/// writes it into the parts of `targets` that belong to this image: one for each source, or one for all joined. `sums`
/// (two times the channels: of `dy`, of `dy * xhat`) are added to where the input has a pending BatchNorm.
pub(crate) struct StoreInputGradient<'a, 'v, 't> {
    pub(crate) view: &'a InputView<'v>,
    pub(crate) image: usize,
    pub(crate) rows: Range<usize>,
    pub(crate) layout: Layout,
    pub(crate) dx: &'a [f32],
    pub(crate) targets: &'a mut [&'t mut [f32]],
    pub(crate) add: bool,
    pub(crate) sums: &'a mut [f32],
}

impl Kernel for StoreInputGradient<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { view, image, rows, layout, dx, targets, add, sums } = self;
        let [_, h, w, total] = view.shape;
        let (sum_dy, sum_xhat) = sums.split_at_mut(total);
        let split = targets.len() == view.sources.len();
        let (first_row, count) = (rows.start, rows.len());
        for y in rows {
            let dx_row = &dx[layout.origin() + (y - first_row) * layout.row()..][..(w - 1) * layout.pixel + total];
            let mut offset = 0;
            for (index, &(data, c)) in view.sources.iter().enumerate() {
                let row = &data[((image * h + y) * w) * c..][..w * c];
                // Where the target's row starts, its distance between pixels, and the source's first channel in it.
                let (target, width, first) = if split { (index, c, 0) } else { (0, total, offset) };
                let to_row = &mut targets[target][y * w * width..][..w * width];
                let flat = view.norm.is_none() && width == c;
                for (channel, strip) in Strips::new(s, w, c, (layout.pixel, width, count * w * c), flat) {
                    let joined = offset + channel;
                    // Without a BatchNorm in between, `z` of a flat strip goes along with `dx`.
                    let z_step = if strip.from == layout.pixel { c } else { strip.from };
                    let back = Back { z: &row[channel..], z_step, dx: &dx_row[joined..], relu: view.relu, add };
                    let to = &mut to_row[first + channel..];
                    let full = strip.lanes == S::LANES;
                    match view.norm {
                        None if full => back.plain::<S, true>(s, strip, to),
                        None => back.plain::<S, false>(s, strip, to),
                        Some(n) => {
                            let lanes = strip.lanes;
                            let scale_shift = [at(s, n.scale, joined, lanes), at(s, n.shift, joined, lanes)];
                            let mean_rstd = [at(s, n.mean, joined, lanes), at(s, n.rstd, joined, lanes)];
                            let norm = (scale_shift, mean_rstd);
                            let (dy, xhat) = if full {
                                back.norm::<S, true>(s, strip, to, norm)
                            } else {
                                back.norm::<S, false>(s, strip, to, norm)
                            };
                            let dy = s.add(dy, at(s, sum_dy, joined, lanes));
                            let xhat = s.add(xhat, at(s, sum_xhat, joined, lanes));
                            s.store(&mut sum_dy[joined..joined + lanes], dy);
                            s.store(&mut sum_xhat[joined..joined + lanes], xhat);
                        }
                    }
                }
                offset += c;
            }
        }
    }
}

/// What the way back through a ReLU reads.
#[derive(Clone, Copy)]
struct Back<'a> {
    z: &'a [f32],
    z_step: usize,
    dx: &'a [f32],
    relu: bool,
    add: bool,
}

impl Back<'_> {
    #[inline(always)]
    fn check(&self, strip: Strip, to: usize) {
        strip.check(self.dx.len(), to);
        Strip { from: self.z_step, ..strip }.check(self.z.len(), to);
    }

    #[inline(always)]
    fn plain<S: Simd, const FULL: bool>(self, s: S, strip: Strip, to: &mut [f32]) {
        let lanes = strip.lanes;
        self.check(strip, to.len());
        let to = to.as_mut_ptr();
        for i in 0..strip.count {
            // SAFETY: checked above.
            unsafe {
                let to = to.add(i * strip.to);
                let mut g = load::<S, FULL>(s, self.dx.as_ptr().add(i * strip.from), lanes);
                if self.relu {
                    let z = self.z.as_ptr().add(i * self.z_step);
                    s.prefetch(z.wrapping_add(strip.ahead));
                    g = s.where_positive(load::<S, FULL>(s, z, lanes), g);
                }
                if self.add {
                    s.prefetch(to.wrapping_add(strip.ahead));
                    g = s.add(g, load::<S, FULL>(s, to, lanes));
                }
                store::<S, FULL>(s, to, g, lanes);
            }
        }
    }

    /// `norm` is scale, shift and mean, rstd. Returns the sums of `dy` and of `dy * xhat`.
    #[inline(always)]
    fn norm<S: Simd, const FULL: bool>(
        self,
        s: S,
        strip: Strip,
        to: &mut [f32],
        norm: ([S::V; 2], [S::V; 2]),
    ) -> (S::V, S::V) {
        let lanes = strip.lanes;
        self.check(strip, to.len());
        let ([scale, shift], [mean, rstd]) = norm;
        let to = to.as_mut_ptr();
        let (mut dy, mut dy_xhat) = (s.zero(), s.zero());
        for i in 0..strip.count {
            // SAFETY: checked above.
            unsafe {
                let mut g = load::<S, FULL>(s, self.dx.as_ptr().add(i * strip.from), lanes);
                let z = self.z.as_ptr().add(i * self.z_step);
                s.prefetch(z.wrapping_add(strip.ahead));
                let z = load::<S, FULL>(s, z, lanes);
                if self.relu {
                    g = s.where_positive(s.fma(z, scale, shift), g);
                }
                dy = s.add(dy, g);
                dy_xhat = s.fma(g, s.mul(s.sub(z, mean), rstd), dy_xhat);
                store::<S, FULL>(s, to.add(i * strip.to), g, lanes);
            }
        }
        (dy, dy_xhat)
    }
}
