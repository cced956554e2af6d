//! Small matrix products with the result's tile in registers.
//!
//! One loop serves all: `c[i, j] (+)= sum over segments s and steps k of a[segment_s + i * a_row + k * a_step] *
//! b[s, k, j]`. With `a_step = 1` that is the usual product; with `a_row = 1` it is the product with `a` transposed,
//! as weight gradients need it. Rows of `a` may overlap, so that a dense convolution is the product with the image
//! itself (one segment for each row of the filter), with no im2col copy.

use super::simd::{Kernel, Level, Simd};

/// One product. See the module's text for what it computes.
pub(crate) struct Gemm<'a> {
    pub(crate) a: &'a [f32],
    /// Where each segment starts in `a`.
    pub(crate) segments: &'a [usize],
    /// Steps of the sum in each segment.
    pub(crate) depth: usize,
    pub(crate) a_row: usize,
    pub(crate) a_step: usize,
    pub(crate) b: &'a [f32],
    /// Distance between the rows of `b`; whole vectors of columns are read, up to the next multiple of 16.
    pub(crate) b_row: usize,
    /// Distance between the segments of `b`.
    pub(crate) b_segment: usize,
    pub(crate) c: &'a mut [f32],
    pub(crate) c_row: usize,
    /// Rows of a group, and columns.
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// Number of groups of rows, and their distances in `a` and `c`.
    pub(crate) groups: usize,
    pub(crate) a_group: usize,
    pub(crate) c_group: usize,
    /// Whether the product is added to `c` instead of written.
    pub(crate) add: bool,
}

impl Gemm<'_> {
    /// Computes it.
    pub(crate) fn run(self, level: Level) {
        if self.rows * self.cols * self.groups == 0 {
            return;
        }
        // Saturating: a sum that leaves the numbers is no small one.
        let last = |count: usize, step: usize| count.saturating_sub(1).saturating_mul(step);
        let sum = |terms: &[usize]| terms.iter().fold(0usize, |sum, &term| sum.saturating_add(term));
        let segment = self.segments.iter().copied().max().unwrap_or(0);
        let groups = self.groups;
        let a = sum(&[segment, last(groups, self.a_group), last(self.rows, self.a_row), last(self.depth, self.a_step)]);
        let b = sum(&[last(self.segments.len(), self.b_segment), last(self.depth, self.b_row)]);
        let c = sum(&[last(groups, self.c_group), last(self.rows, self.c_row)]);
        let read = self.depth * self.segments.len() > 0;
        assert!(!read || a < self.a.len(), "gemm: a is too short");
        assert!(!read || b.saturating_add(self.cols.next_multiple_of(16)) <= self.b.len(), "gemm: b is too short");
        assert!(c.saturating_add(self.cols) <= self.c.len(), "gemm: c is too short");
        level.run(self);
    }
}

impl Kernel for Gemm<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let mut col = 0;
        while col < self.cols {
            let vectors = (self.cols - col).div_ceil(S::LANES);
            // SAFETY: `Gemm::run` has checked the bounds.
            col += S::LANES
                * unsafe {
                    if S::REGISTERS >= 32 {
                        match vectors {
                            1 => self.columns::<S, 1, 16>(s, col),
                            2 => self.columns::<S, 2, 12>(s, col),
                            3 => self.columns::<S, 3, 8>(s, col),
                            _ => self.columns::<S, 4, 5>(s, col),
                        }
                    } else {
                        match vectors {
                            1 => self.columns::<S, 1, 8>(s, col),
                            _ => self.columns::<S, 2, 6>(s, col),
                        }
                    }
                };
        }
    }
}

impl Gemm<'_> {
    /// `NV` vectors of columns from `col` on, for all rows, up to `MR` at a time. Returns `NV`.
    ///
    /// Rows are shared out evenly: 8 rows are two tiles of 4, not one of 6 and one of 2 that would wait for its sums.
    ///
    /// # Safety
    /// As checked by [`Gemm::run`].
    #[inline(always)]
    unsafe fn columns<S: Simd, const NV: usize, const MR: usize>(&mut self, s: S, col: usize) -> usize {
        for group in 0..self.groups {
            let mut row = 0;
            while row < self.rows {
                let left = self.rows - row;
                // Whether a fair share of the rows that are left is more than so many; without a division.
                let tiles = left.div_ceil(MR);
                let more = |rows: usize| left > rows * tiles;
                // SAFETY: the tiles stay inside the rows and columns whose bounds the caller has checked.
                row += unsafe {
                    if left >= MR && (if MR < 8 { more(4) } else { more(8) }) {
                        self.tile::<S, NV, MR>(s, group, row, col)
                    } else if MR >= 8 && more(4) && left >= 8 {
                        self.tile::<S, NV, 8>(s, group, row, col)
                    } else if left >= 4 {
                        self.tile::<S, NV, 4>(s, group, row, col)
                    } else if left >= 2 {
                        self.tile::<S, NV, 2>(s, group, row, col)
                    } else {
                        self.tile::<S, NV, 1>(s, group, row, col)
                    }
                };
            }
        }
        NV
    }

    /// Returns `MR`.
    ///
    /// # Safety
    /// Rows `row..row + MR` and the vectors of columns that start in `col..cols` must be inside.
    #[inline(always)]
    unsafe fn tile<S: Simd, const NV: usize, const MR: usize>(
        &mut self,
        s: S,
        group: usize,
        row: usize,
        col: usize,
    ) -> usize {
        let mut acc = [[s.zero(); NV]; MR];
        let (a_row, a_row3) = (self.a_row, self.a_row * 3);
        for (index, &segment) in self.segments.iter().enumerate() {
            let start = segment + group * self.a_group + row * a_row;
            // SAFETY: inside `a` and `b`, as the caller vouches. Every fourth row has its own pointer, so that the
            // three after it can be reached with scaled addressing.
            unsafe {
                let mut quads = [self.a.as_ptr().wrapping_add(start); 4];
                for (q, quad) in quads.iter_mut().enumerate() {
                    *quad = quad.wrapping_add(4 * q * a_row);
                }
                let mut b = self.b.as_ptr().add(index * self.b_segment + col);
                for _ in 0..self.depth {
                    let mut bv = [s.zero(); NV];
                    for (v, bv) in bv.iter_mut().enumerate() {
                        *bv = s.load_ptr(b.wrapping_add(v * S::LANES));
                    }
                    for r in 0..MR {
                        let quad = quads[r / 4];
                        let x = match r % 4 {
                            0 => *quad,
                            1 => *quad.add(a_row),
                            2 => *quad.add(2 * a_row),
                            _ => *quad.add(a_row3),
                        };
                        let x = s.splat(x);
                        for v in 0..NV {
                            acc[r][v] = s.fma(x, bv[v], acc[r][v]);
                        }
                    }
                    for quad in &mut quads {
                        *quad = quad.wrapping_add(self.a_step);
                    }
                    b = b.wrapping_add(self.b_row);
                }
            }
        }
        let at = group * self.c_group + row * self.c_row + col;
        let (whole, add, c_row) = (self.cols - col >= NV * S::LANES, self.add, self.c_row);
        // SAFETY: the rows are inside; of the columns, no lane beyond the last one is touched.
        let mut c = unsafe { self.c.as_mut_ptr().add(at) };
        let last = self.cols - col - (NV - 1) * S::LANES;
        for acc in acc {
            for (v, value) in acc.into_iter().enumerate() {
                // SAFETY: as above.
                unsafe {
                    let to = c.wrapping_add(v * S::LANES);
                    if whole || v + 1 < NV {
                        s.store_ptr(to, if add { s.add(value, s.load_ptr(to)) } else { value });
                    } else {
                        let value = if add { s.add(value, s.load_partial_ptr(to, last)) } else { value };
                        s.store_partial_ptr(to, value, last);
                    }
                }
            }
            c = c.wrapping_add(c_row);
        }
        MR
    }
}
