//! One image in scratch memory, and the passes between it and the tensors: reading an input through its BatchNorm and
//! ReLU, reading a gradient through its affine map, and handing an input's gradient back.

use crate::access::{GradientView, InputView};
use crate::simd::{Kernel, Level, Simd};

/// How an image lies in scratch memory: with a border of zeros, and a fixed distance between pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
    /// Zeros above and below.
    pub(crate) border_y: usize,
    /// Zeros left and right.
    pub(crate) border_x: usize,
    /// Distance between pixels.
    pub(crate) pixel: usize,
}

impl Layout {
    /// With channels filled up to whole vectors.
    pub(crate) fn vectors(height: usize, width: usize, channels: usize, border: (usize, usize)) -> Self {
        let pixel = channels.next_multiple_of(16);
        Self { height, width, channels, border_y: border.0, border_x: border.1, pixel }
    }

    /// With pixels close together.
    pub(crate) fn dense(height: usize, width: usize, channels: usize, border: (usize, usize)) -> Self {
        Self { pixel: channels, ..Self::vectors(height, width, channels, border) }
    }

    /// Distance between rows.
    pub(crate) fn row(&self) -> usize {
        (self.width + 2 * self.border_x) * self.pixel
    }

    /// Length of the memory, with room for a whole vector read at the last channel.
    pub(crate) fn len(&self) -> usize {
        (self.height + 2 * self.border_y) * self.row() + 16
    }

    /// Where pixel (0, 0) starts.
    pub(crate) fn origin(&self) -> usize {
        self.border_y * self.row() + self.border_x * self.pixel
    }

    /// Zeros everything that the passes below do not write.
    pub(crate) fn clear(&self, memory: &mut [f32]) {
        if self.pixel != self.channels {
            memory.fill(0.0);
            return;
        }
        let side = self.border_x * self.pixel;
        for (y, row) in memory.chunks_mut(self.row()).enumerate() {
            if y < self.border_y || y >= self.border_y + self.height {
                row.fill(0.0);
            } else {
                row[..side].fill(0.0);
                let right = row.len() - side;
                row[right..].fill(0.0);
            }
        }
    }
}

/// Runs `f(channel, lanes)` for the vectors of `channels`.
#[inline(always)]
fn vectors<S: Simd>(_: S, channels: usize, mut f: impl FnMut(usize, usize)) {
    let mut channel = 0;
    while channel < channels {
        f(channel, (channels - channel).min(S::LANES));
        channel += S::LANES;
    }
}

/// Reads an image of the input into scratch memory.
pub(crate) fn load_input(level: Level, view: &InputView<'_>, image: usize, layout: Layout, to: &mut [f32]) {
    level.run(LoadInput { view, image, layout, to });
}

struct LoadInput<'a, 'v> {
    view: &'a InputView<'v>,
    image: usize,
    layout: Layout,
    to: &'a mut [f32],
}

impl Kernel for LoadInput<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { view, image, layout, to } = self;
        let [_, h, w, _] = view.shape;
        let floor = if view.relu { s.zero() } else { s.splat(f32::NEG_INFINITY) };
        for y in 0..h {
            let to_row = &mut to[layout.origin() + y * layout.row()..][..(w - 1) * layout.pixel + layout.channels];
            let mut offset = 0;
            for &(data, c) in &view.sources {
                let row = &data[((image * h + y) * w) * c..][..w * c];
                vectors(s, c, |channel, lanes| {
                    let joined = offset + channel;
                    let (scale, shift) = match view.norm {
                        Some(n) => (s.load(&n.scale[joined..joined + lanes]), s.load(&n.shift[joined..joined + lanes])),
                        None => (s.splat(1.0), s.splat(0.0)),
                    };
                    for x in 0..w {
                        let value = s.load(&row[x * c + channel..][..lanes]);
                        let value = if view.norm.is_some() { s.fma(value, scale, shift) } else { value };
                        // The constant first: a NaN in the second place comes through.
                        let value = s.max(floor, value);
                        s.store(&mut to_row[x * layout.pixel + joined..][..lanes], value);
                    }
                });
                offset += c;
            }
        }
    }
}

/// Reads an image of the gradient at the kernel's output into scratch memory.
pub(crate) fn load_gradient(level: Level, view: &GradientView<'_>, image: usize, layout: Layout, to: &mut [f32]) {
    level.run(LoadGradient { view, image, layout, to });
}

struct LoadGradient<'a, 'v> {
    view: &'a GradientView<'v>,
    image: usize,
    layout: Layout,
    to: &'a mut [f32],
}

impl Kernel for LoadGradient<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { view, image, layout, to } = self;
        let Layout { height: h, width: w, channels: c, .. } = layout;
        let sample = view.sample.map_or(1.0, |sample| sample[image]);
        for y in 0..h {
            let to_row = &mut to[layout.origin() + y * layout.row()..][..(w - 1) * layout.pixel + c];
            let from = (image * h + y) * w * c..(image * h + y + 1) * w * c;
            let dy = &view.dy[from.clone()];
            vectors(s, c, |channel, lanes| match view.norm {
                None => {
                    let a = s.splat(view.gate * sample);
                    for x in 0..w {
                        let value = s.mul(a, s.load(&dy[x * c + channel..][..lanes]));
                        s.store(&mut to_row[x * layout.pixel + channel..][..lanes], value);
                    }
                }
                Some((z, [a, b, d])) => {
                    let z = &z[from.clone()];
                    let a = s.mul(s.splat(sample), s.load(&a[channel..channel + lanes]));
                    let (b, d) = (s.load(&b[channel..channel + lanes]), s.load(&d[channel..channel + lanes]));
                    for x in 0..w {
                        let dy = s.load(&dy[x * c + channel..][..lanes]);
                        let z = s.load(&z[x * c + channel..][..lanes]);
                        s.store(&mut to_row[x * layout.pixel + channel..][..lanes], s.fma(a, dy, s.fma(b, z, d)));
                    }
                }
            });
        }
    }
}

/// Takes the gradient of an image behind the ReLU back through it, and adds it to (`add`) or writes it into the parts of
/// `targets` that belong to this image: one for each source when adding, else one for all joined. `sums` (two times the
/// channels: of `dy`, of `dy * xhat`) are added to where the input has a pending BatchNorm.
#[allow(clippy::too_many_arguments)]
pub(crate) fn store_input_gradient(
    level: Level,
    view: &InputView<'_>,
    image: usize,
    layout: Layout,
    dx: &[f32],
    targets: &mut [&mut [f32]],
    add: bool,
    sums: &mut [f32],
) {
    level.run(StoreInputGradient { view, image, layout, dx, targets, add, sums });
}

struct StoreInputGradient<'a, 'v, 't> {
    view: &'a InputView<'v>,
    image: usize,
    layout: Layout,
    dx: &'a [f32],
    targets: &'a mut [&'t mut [f32]],
    add: bool,
    sums: &'a mut [f32],
}

impl Kernel for StoreInputGradient<'_, '_, '_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Self { view, image, layout, dx, targets, add, sums } = self;
        let [_, h, w, total] = view.shape;
        let (sum_dy, sum_xhat) = sums.split_at_mut(total);
        for y in 0..h {
            let dx_row = &dx[layout.origin() + y * layout.row()..][..(w - 1) * layout.pixel + total];
            let mut offset = 0;
            for (index, &(data, c)) in view.sources.iter().enumerate() {
                let row = &data[((image * h + y) * w) * c..][..w * c];
                // Where the target's row starts, its distance between pixels, and the source's first channel in it.
                let (target, width, first) = if add { (index, c, 0) } else { (0, total, offset) };
                let to_row = &mut targets[target][y * w * width..][..w * width];
                vectors(s, c, |channel, lanes| {
                    let joined = offset + channel..offset + channel + lanes;
                    let at = first + channel;
                    match view.norm {
                        None => {
                            for x in 0..w {
                                let mut g = s.load(&dx_row[x * layout.pixel + joined.start..][..lanes]);
                                if view.relu {
                                    g = s.where_positive(s.load(&row[x * c + channel..][..lanes]), g);
                                }
                                let to = &mut to_row[x * width + at..][..lanes];
                                let g = if add { s.add(g, s.load(to)) } else { g };
                                s.store(to, g);
                            }
                        }
                        Some(n) => {
                            let (scale, shift) = (s.load(&n.scale[joined.clone()]), s.load(&n.shift[joined.clone()]));
                            let (mean, rstd) = (s.load(&n.mean[joined.clone()]), s.load(&n.rstd[joined.clone()]));
                            let (mut dy, mut dy_xhat) = (s.zero(), s.zero());
                            for x in 0..w {
                                let mut g = s.load(&dx_row[x * layout.pixel + joined.start..][..lanes]);
                                let z = s.load(&row[x * c + channel..][..lanes]);
                                if view.relu {
                                    g = s.where_positive(s.fma(z, scale, shift), g);
                                }
                                dy = s.add(dy, g);
                                dy_xhat = s.fma(g, s.mul(s.sub(z, mean), rstd), dy_xhat);
                                s.store(&mut to_row[x * width + at..][..lanes], g);
                            }
                            let dy_to = &mut sum_dy[joined.clone()];
                            let dy_sum = s.add(dy, s.load(dy_to));
                            s.store(dy_to, dy_sum);
                            let xhat_to = &mut sum_xhat[joined];
                            let xhat_sum = s.add(dy_xhat, s.load(xhat_to));
                            s.store(xhat_to, xhat_sum);
                        }
                    }
                });
                offset += c;
            }
        }
    }
}
