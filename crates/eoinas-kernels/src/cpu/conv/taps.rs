//! The inner loops of depthwise convolution: a list of taps, each an offset and a weight per channel. Stride, dilation,
//! flipped filters and the interleaved pixels of a stride-2 backward pass are all just other offsets and steps.

use crate::cpu::simd::{Kernel, Level, Simd};

/// Steps through pixels of two images in the same pattern.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    pub(crate) channels: usize,
    /// Distances in the image that the taps are applied to.
    pub(crate) src_row: usize,
    pub(crate) src_pixel: usize,
    /// Distances in the other image.
    pub(crate) dst_row: usize,
    pub(crate) dst_pixel: usize,
}

impl Grid {
    /// Panics unless all reads and writes are inside. `weight_row` is the distance of two taps' weights.
    fn check(&self, src: usize, offsets: &[usize], dst: usize, weights: usize, weight_row: usize) {
        // Saturating: a sum that leaves the numbers is no small one.
        let last = |row: usize, pixel: usize| {
            (self.rows - 1).saturating_mul(row).saturating_add((self.cols - 1).saturating_mul(pixel))
        };
        let whole = self.channels.next_multiple_of(16);
        let read = last(self.src_row, self.src_pixel).saturating_add(offsets.iter().copied().max().unwrap_or(0));
        assert!(read.saturating_add(whole) <= src, "taps: source is too short");
        let written = last(self.dst_row, self.dst_pixel).saturating_add(self.channels);
        assert!(written <= dst, "taps: destination is too short");
        let enough = offsets.len().saturating_mul(weight_row) <= weights && whole <= weight_row;
        assert!(enough, "taps: weights are too short");
    }

    fn is_empty(&self) -> bool {
        self.rows * self.cols * self.channels == 0
    }
}

/// `dst[pixel] = sum of weight[tap] * src[pixel + offset[tap]]`.
pub(crate) struct Apply<'a> {
    pub(crate) grid: Grid,
    pub(crate) src: &'a [f32],
    pub(crate) offsets: &'a [usize],
    /// `[taps, weight_row]`, channels filled up with zeros to a multiple of 16.
    pub(crate) weights: &'a [f32],
    pub(crate) weight_row: usize,
    pub(crate) dst: &'a mut [f32],
}

impl Apply<'_> {
    pub(crate) fn run(self, level: Level) {
        if !self.grid.is_empty() {
            self.grid.check(self.src.len(), self.offsets, self.dst.len(), self.weights.len(), self.weight_row);
            level.run(self);
        }
    }

    /// Adds up `U` pixels of a row from `col` on, one vector of channels.
    ///
    /// # Safety
    /// As checked by [`Grid::check`].
    #[inline(always)]
    unsafe fn any_taps<S: Simd, const U: usize>(
        &self,
        s: S,
        row: usize,
        col: usize,
        channel: usize,
        acc: &mut [S::V; U],
    ) {
        let grid = self.grid;
        let (step, step3) = (grid.src_pixel, 3 * grid.src_pixel);
        let start = row * grid.src_row + col * step + channel;
        // SAFETY: inside, as the caller vouches.
        unsafe {
            let mut weight = self.weights.as_ptr().add(channel);
            for &offset in self.offsets {
                let w = s.load_ptr(weight);
                weight = weight.wrapping_add(self.weight_row);
                let mut quads = [self.src.as_ptr().wrapping_add(start + offset); 4];
                for (q, quad) in quads.iter_mut().enumerate() {
                    *quad = quad.wrapping_add(4 * q * step);
                }
                for (u, acc) in acc.iter_mut().enumerate() {
                    let quad = quads[u / 4];
                    let from = match u % 4 {
                        0 => quad,
                        1 => quad.add(step),
                        2 => quad.add(2 * step),
                        _ => quad.add(step3),
                    };
                    *acc = s.fma(s.load_ptr(from), w, *acc);
                }
            }
        }
    }
}

/// How far the taps of a filter's row are apart, in pixels, where they are `K` rows of `K` such taps.
fn spacing(offsets: &[usize], kernel: usize, pixel: usize) -> Option<usize> {
    let first = *offsets.first()?;
    let step = offsets.get(1)?.checked_sub(first)?;
    let regular = offsets.len() == kernel * kernel
        && offsets.chunks(kernel).all(|row| row.windows(2).all(|pair| pair[0] + step == pair[1]));
    (regular && step.is_multiple_of(pixel)).then(|| step / pixel)
}

impl Kernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let pixel = self.grid.src_pixel;
        // Two pixels apart, five taps make a loop that the compiler no longer unrolls, and sums that leave registers.
        // SAFETY: `Apply::run` has checked the bounds.
        unsafe {
            match (spacing(self.offsets, 3, pixel), spacing(self.offsets, 5, pixel)) {
                (Some(1), _) => self.rows::<S, 3, 1>(s),
                (Some(2), _) => self.rows::<S, 3, 2>(s),
                (_, Some(1)) => self.rows::<S, 5, 1>(s),
                _ => self.rows::<S, 0, 0>(s),
            }
        }
    }
}

impl Apply<'_> {
    /// All pixels. The filter is `K` rows of `K` taps that are `M` pixels apart; `K` = 0: any taps.
    ///
    /// # Safety
    /// As checked by [`Grid::check`].
    #[inline(always)]
    unsafe fn rows<S: Simd, const K: usize, const M: usize>(&mut self, s: S) {
        let grid = self.grid;
        for row in 0..grid.rows {
            for channel in (0..grid.channels).step_by(S::LANES) {
                let mut col = 0;
                while col < grid.cols {
                    let left = grid.cols - col;
                    // SAFETY: as the caller vouches.
                    col += unsafe {
                        if K == 0 && S::REGISTERS >= 32 && left >= 16 {
                            self.some::<S, 0, 0, 16>(s, row, col, channel)
                        } else if left >= 8 {
                            self.some::<S, K, M, 8>(s, row, col, channel)
                        } else if left >= 4 {
                            self.some::<S, K, M, 4>(s, row, col, channel)
                        } else {
                            self.some::<S, 0, 0, 1>(s, row, col, channel)
                        }
                    };
                }
            }
        }
    }

    /// `U` pixels of a row from `col` on, one vector of channels. Returns `U`.
    ///
    /// # Safety
    /// As checked by [`Grid::check`].
    #[inline(always)]
    unsafe fn some<S: Simd, const K: usize, const M: usize, const U: usize>(
        &mut self,
        s: S,
        row: usize,
        col: usize,
        channel: usize,
    ) -> usize {
        let mut acc = [s.zero(); U];
        // SAFETY: as the caller vouches.
        unsafe {
            if K == 0 {
                self.any_taps::<S, U>(s, row, col, channel, &mut acc);
            } else {
                self.regular_taps::<S, K, M, U>(s, row, col, channel, &mut acc);
            }
            let grid = self.grid;
            let lanes = grid.channels - channel;
            let mut to = self.dst.as_mut_ptr().add(row * grid.dst_row + col * grid.dst_pixel + channel);
            for acc in acc {
                if lanes >= S::LANES {
                    s.store_ptr(to, acc);
                } else {
                    s.store_partial_ptr(to, acc, lanes);
                }
                to = to.wrapping_add(grid.dst_pixel);
            }
        }
        U
    }

    /// Every input pixel is read once for a row of the filter, and used for all taps that it meets.
    ///
    /// # Safety
    /// As checked by [`Grid::check`].
    #[inline(always)]
    unsafe fn regular_taps<S: Simd, const K: usize, const M: usize, const U: usize>(
        &self,
        s: S,
        row: usize,
        col: usize,
        channel: usize,
        acc: &mut [S::V; U],
    ) {
        let grid = self.grid;
        let start = row * grid.src_row + col * grid.src_pixel + channel;
        for ky in 0..K {
            // SAFETY: as the caller vouches; the last pixel read is that of the last tap of the last of the U pixels.
            unsafe {
                let mut weights = [s.zero(); K];
                for (kx, weight) in weights.iter_mut().enumerate() {
                    *weight = s.load_ptr(self.weights.as_ptr().add((ky * K + kx) * self.weight_row + channel));
                }
                let mut from = self.src.as_ptr().add(start + *self.offsets.get_unchecked(ky * K));
                for i in 0..U + (K - 1) * M {
                    let x = s.load_ptr(from);
                    from = from.wrapping_add(grid.src_pixel);
                    for (kx, &weight) in weights.iter().enumerate() {
                        if i >= kx * M && i - kx * M < U {
                            acc[i - kx * M] = s.fma(x, weight, acc[i - kx * M]);
                        }
                    }
                }
            }
        }
    }
}

/// `sum[tap] += sum over pixels of other[pixel] * src[pixel + offset[tap]]`: the gradient of the weights.
pub(crate) struct Correlate<'a> {
    pub(crate) grid: Grid,
    pub(crate) src: &'a [f32],
    pub(crate) offsets: &'a [usize],
    /// The image that goes by `dst_row` and `dst_pixel`; whole vectors of 16 are read.
    pub(crate) other: &'a [f32],
    /// `[taps, weight_row]`.
    pub(crate) sums: &'a mut [f32],
    pub(crate) weight_row: usize,
}

impl Correlate<'_> {
    pub(crate) fn run(self, level: Level) {
        if !self.grid.is_empty() {
            let whole = Grid { channels: self.grid.channels.next_multiple_of(16), ..self.grid };
            whole.check(self.src.len(), self.offsets, self.other.len(), self.sums.len(), self.weight_row);
            level.run(self);
        }
    }

    /// `T` taps from `tap` on, one vector of channels, all pixels. Returns `T`.
    ///
    /// # Safety
    /// As checked by [`Grid::check`].
    #[inline(always)]
    unsafe fn taps<S: Simd, const T: usize>(&mut self, s: S, tap: usize, channel: usize) -> usize {
        let grid = self.grid;
        let mut offsets = [0; T];
        offsets.copy_from_slice(&self.offsets[tap..tap + T]);
        let mut acc = [s.zero(); T];
        // SAFETY: inside, as the caller vouches.
        unsafe {
            for row in 0..grid.rows {
                let mut src = self.src.as_ptr().add(row * grid.src_row + channel);
                let mut other = self.other.as_ptr().add(row * grid.dst_row + channel);
                for _ in 0..grid.cols {
                    let g = s.load_ptr(other);
                    for (acc, &offset) in acc.iter_mut().zip(&offsets) {
                        *acc = s.fma(s.load_ptr(src.wrapping_add(offset)), g, *acc);
                    }
                    src = src.wrapping_add(grid.src_pixel);
                    other = other.wrapping_add(grid.dst_pixel);
                }
            }
            for (t, acc) in acc.into_iter().enumerate() {
                let to = self.sums.as_mut_ptr().add((tap + t) * self.weight_row + channel);
                s.store_ptr(to, s.add(s.load_ptr(to), acc));
            }
        }
        T
    }
}

impl Kernel for Correlate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        for channel in (0..self.grid.channels).step_by(S::LANES) {
            let mut tap = 0;
            while tap < self.offsets.len() {
                let left = self.offsets.len() - tap;
                // SAFETY: `Correlate::run` has checked the bounds.
                tap += unsafe {
                    if S::REGISTERS >= 32 && left >= 25 {
                        self.taps::<S, 25>(s, tap, channel)
                    } else if left >= 13 {
                        self.taps::<S, 13>(s, tap, channel)
                    } else if left >= 12 {
                        self.taps::<S, 12>(s, tap, channel)
                    } else if left >= 9 {
                        self.taps::<S, 9>(s, tap, channel)
                    } else if left >= 4 {
                        self.taps::<S, 4>(s, tap, channel)
                    } else {
                        self.taps::<S, 1>(s, tap, channel)
                    }
                };
            }
        }
    }
}
