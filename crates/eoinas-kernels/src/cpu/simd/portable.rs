//! Vectors as small arrays, which the compiler turns into whatever the target has.

use super::vector::Simd;

/// Four f32. Fused multiply-add is a multiplication and an addition: without the instruction, `mul_add` calls libm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Portable;

#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub(super) struct F32x4([f32; 4]);

#[inline(always)]
fn zip(a: F32x4, b: F32x4, f: impl Fn(f32, f32) -> f32) -> F32x4 {
    F32x4([f(a.0[0], b.0[0]), f(a.0[1], b.0[1]), f(a.0[2], b.0[2]), f(a.0[3], b.0[3])])
}

impl Simd for Portable {
    type V = F32x4;
    const LANES: usize = 4;
    const REGISTERS: usize = 16;

    #[inline(always)]
    fn splat(self, x: f32) -> F32x4 {
        F32x4([x; 4])
    }

    #[inline(always)]
    fn add(self, a: F32x4, b: F32x4) -> F32x4 {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: F32x4, b: F32x4) -> F32x4 {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: F32x4, b: F32x4) -> F32x4 {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn fma(self, a: F32x4, b: F32x4, c: F32x4) -> F32x4 {
        self.add(self.mul(a, b), c)
    }

    #[inline(always)]
    fn max(self, a: F32x4, b: F32x4) -> F32x4 {
        // As maxps: the second where either is NaN.
        zip(a, b, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn where_positive(self, condition: F32x4, value: F32x4) -> F32x4 {
        zip(condition, value, |c, v| if c > 0.0 { v } else { 0.0 })
    }

    #[inline(always)]
    fn max_or_nan(self, a: F32x4, b: F32x4) -> F32x4 {
        zip(a, b, |a, b| if a > b || a.is_nan() { a } else { b })
    }

    #[inline(always)]
    fn split_equal(self, a: F32x4, b: F32x4, value: F32x4) -> (F32x4, F32x4) {
        let (mut equal, mut other) = (value, value);
        for i in 0..4 {
            *(if a.0[i] == b.0[i] { &mut other.0[i] } else { &mut equal.0[i] }) = 0.0;
        }
        (equal, other)
    }

    #[inline(always)]
    unsafe fn load_ptr(self, from: *const f32) -> F32x4 {
        // SAFETY: the caller vouches for four values.
        F32x4(unsafe { from.cast::<[f32; 4]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_partial_ptr(self, from: *const f32, len: usize) -> F32x4 {
        let mut v = [0.0; 4];
        for (i, lane) in v.iter_mut().enumerate().take(len) {
            // SAFETY: the caller vouches for `len` values.
            *lane = unsafe { from.add(i).read() };
        }
        F32x4(v)
    }

    #[inline(always)]
    unsafe fn store_ptr(self, to: *mut f32, v: F32x4) {
        // SAFETY: the caller vouches for four values.
        unsafe { to.cast::<[f32; 4]>().write_unaligned(v.0) }
    }

    #[inline(always)]
    unsafe fn store_partial_ptr(self, to: *mut f32, v: F32x4, len: usize) {
        for (i, lane) in v.0.iter().enumerate().take(len) {
            // SAFETY: the caller vouches for `len` values.
            unsafe { to.add(i).write(*lane) };
        }
    }
}
