//! Vectors of f32 behind one trait.

/// A kind of vector. A value of such a type is proof that the CPU has its instructions.
pub trait Simd: Copy + Send + Sync + 'static {
    /// The vector.
    type V: Copy;
    /// Number of f32 in a vector.
    const LANES: usize;
    /// Number of vector registers.
    const REGISTERS: usize;

    /// All lanes the same.
    fn splat(self, x: f32) -> Self::V;
    /// `a + b`.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b`.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b`.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b + c`, fused where the CPU can.
    fn fma(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// The larger of each pair of lanes.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// `value` where `condition > 0`, else 0.
    fn where_positive(self, condition: Self::V, value: Self::V) -> Self::V;
    /// The larger of each pair of lanes; NaN where either is NaN.
    fn max_or_nan(self, a: Self::V, b: Self::V) -> Self::V;
    /// `value` split by lanes: where `a == b`, and elsewhere; the other lanes of each are 0.
    fn split_equal(self, a: Self::V, b: Self::V, value: Self::V) -> (Self::V, Self::V);

    /// Reads `LANES` values.
    ///
    /// # Safety
    /// `from` must be valid for reading `LANES` values; no alignment is needed.
    unsafe fn load_ptr(self, from: *const f32) -> Self::V;
    /// Reads `len` values into the first lanes; the others are 0.
    ///
    /// # Safety
    /// `from` must be valid for reading `len <= LANES` values.
    unsafe fn load_partial_ptr(self, from: *const f32, len: usize) -> Self::V;
    /// Writes `LANES` values.
    ///
    /// # Safety
    /// `to` must be valid for writing `LANES` values; no alignment is needed.
    unsafe fn store_ptr(self, to: *mut f32, v: Self::V);
    /// Writes the first `len` lanes.
    ///
    /// # Safety
    /// `to` must be valid for writing `len <= LANES` values.
    unsafe fn store_partial_ptr(self, to: *mut f32, v: Self::V, len: usize);

    /// Asks for the cache line at `at`, which will be read in a while. Any address may be given.
    #[inline(always)]
    fn prefetch(self, at: *const f32) {
        let _ = at;
    }

    /// All lanes 0.
    #[inline(always)]
    fn zero(self) -> Self::V {
        self.splat(0.0)
    }

    /// The first `LANES` values of a slice; what a shorter slice lacks is 0.
    #[inline(always)]
    fn load(self, from: &[f32]) -> Self::V {
        // SAFETY: no more values are read than the slice has.
        unsafe {
            if from.len() >= Self::LANES {
                self.load_ptr(from.as_ptr())
            } else {
                self.load_partial_ptr(from.as_ptr(), from.len())
            }
        }
    }

    /// Writes the first `LANES` values of a slice, or as many as it has.
    #[inline(always)]
    fn store(self, to: &mut [f32], v: Self::V) {
        // SAFETY: no more values are written than the slice has.
        unsafe {
            if to.len() >= Self::LANES {
                self.store_ptr(to.as_mut_ptr(), v);
            } else {
                self.store_partial_ptr(to.as_mut_ptr(), v, to.len());
            }
        }
    }
}

/// A computation that is compiled for each kind of vector.
pub trait Kernel {
    /// What it returns.
    type Output;
    /// Runs it. Mark it, and everything generic that it calls, `#[inline(always)]`: code that is not inlined into
    /// [`super::Level::run`] is compiled without the vector instructions, and many times slower. Closures cannot be marked:
    /// let none of them touch a vector.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}
