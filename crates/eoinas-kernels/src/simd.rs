//! Vectors of f32 behind one trait, and the choice of the widest kind that the CPU has, made at run time.
//!
//! A kernel is a struct that implements [`Kernel`]: generic over [`Simd`], marked `#[inline(always)]` all the way down.
//! [`Level::run`] compiles it once per kind of vector, inside a function that has the instructions enabled.

use std::cell::Cell;
use std::sync::OnceLock;

mod portable;
#[cfg(target_arch = "x86_64")]
mod x86;

use portable::Portable;

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
    /// [`Level::run`] is compiled without the vector instructions, and many times slower. Closures cannot be marked:
    /// let none of them touch a vector.
    fn run<S: Simd>(self, simd: S) -> Self::Output;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// A kind of vector that this CPU has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(Kind);

thread_local! {
    static OVERRIDE: Cell<Option<Level>> = const { Cell::new(None) };
}

impl Level {
    /// All kinds that this CPU has, narrowest first. Never empty.
    pub fn available() -> &'static [Self] {
        static LEVELS: OnceLock<Vec<Level>> = OnceLock::new();
        LEVELS.get_or_init(|| {
            #[allow(unused_mut)]
            let mut levels = vec![Self(Kind::Portable)];
            #[cfg(target_arch = "x86_64")]
            {
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    levels.push(Self(Kind::Avx2));
                    if is_x86_feature_detected!("avx512f") {
                        levels.push(Self(Kind::Avx512));
                    }
                }
            }
            levels
        })
    }

    /// The kind that kernels called from this thread use: the widest, or the one given to [`Level::scope`]. Other
    /// threads do not see that one: ask before going parallel.
    pub fn current() -> Self {
        OVERRIDE.get().or_else(|| Self::available().last().copied()).unwrap_or(Self(Kind::Portable))
    }

    /// Runs `f` with this kind in use for the kernels that it calls from this thread. For tests and comparisons.
    pub fn scope<T>(self, f: impl FnOnce() -> T) -> T {
        struct Restore(Option<Level>);
        impl Drop for Restore {
            fn drop(&mut self) {
                OVERRIDE.set(self.0);
            }
        }
        let _restore = Restore(OVERRIDE.replace(Some(self)));
        f()
    }

    /// Runs a kernel with this kind of vector.
    #[inline]
    pub fn run<K: Kernel>(self, kernel: K) -> K::Output {
        match self.0 {
            Kind::Portable => kernel.run(Portable),
            // SAFETY: a `Level` other than `Portable` is only made by `available`, which has asked the CPU.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => unsafe { x86::run_avx2(kernel) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => unsafe { x86::run_avx512(kernel) },
        }
    }
}

#[cfg(test)]
mod tests;
