//! AVX2 with FMA, and AVX-512.

use std::arch::x86_64::*;

use super::vector::{Kernel, Simd};

/// Eight f32.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx2(());

/// Sixteen f32.
#[derive(Clone, Copy, Debug)]
pub(super) struct Avx512(());

/// # Safety
/// The CPU must have AVX2 and FMA.
#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run_avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx2(()))
}

/// # Safety
/// The CPU must have AVX2, FMA and AVX-512F.
#[target_feature(enable = "avx2,fma,avx512f")]
pub(super) unsafe fn run_avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run(Avx512(()))
}

/// Masks for the first `len` of eight lanes: eight values from `MASK[8 - len]` on.
static MASK: [i32; 16] = [-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0];

#[inline(always)]
fn first_lanes(len: usize) -> __m256i {
    let start = 8 - len.min(8);
    // SAFETY: start <= 8, so eight values are inside `MASK`; the callers have AVX2.
    unsafe { _mm256_loadu_si256(MASK.as_ptr().add(start).cast()) }
}

#[inline(always)]
fn first_lanes_16(len: usize) -> __mmask16 {
    ((1u32 << len.min(16)) - 1) as __mmask16
}

/// The methods that differ only in the intrinsic's name.
macro_rules! arithmetic {
    ($v:ty, $lanes:literal, $registers:literal, $splat:ident, $add:ident, $sub:ident, $mul:ident, $fma:ident,
     $max:ident, $load:ident, $store:ident) => {
        type V = $v;
        const LANES: usize = $lanes;
        const REGISTERS: usize = $registers;

        #[inline(always)]
        fn splat(self, x: f32) -> $v {
            // SAFETY: `self` is only made where the CPU has the instructions.
            unsafe { $splat(x) }
        }

        #[inline(always)]
        fn add(self, a: $v, b: $v) -> $v {
            // SAFETY: as in `splat`.
            unsafe { $add(a, b) }
        }

        #[inline(always)]
        fn sub(self, a: $v, b: $v) -> $v {
            // SAFETY: as in `splat`.
            unsafe { $sub(a, b) }
        }

        #[inline(always)]
        fn mul(self, a: $v, b: $v) -> $v {
            // SAFETY: as in `splat`.
            unsafe { $mul(a, b) }
        }

        #[inline(always)]
        fn fma(self, a: $v, b: $v, c: $v) -> $v {
            // SAFETY: as in `splat`.
            unsafe { $fma(a, b, c) }
        }

        #[inline(always)]
        fn max(self, a: $v, b: $v) -> $v {
            // SAFETY: as in `splat`.
            unsafe { $max(a, b) }
        }

        #[inline(always)]
        fn prefetch(self, at: *const f32) {
            // SAFETY: a prefetch touches no memory that a program could notice, whatever the address. SSE has it.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(at.cast()) }
        }

        #[inline(always)]
        unsafe fn load_ptr(self, from: *const f32) -> $v {
            // SAFETY: the caller vouches for the memory, `self` for the instructions.
            unsafe { $load(from) }
        }

        #[inline(always)]
        unsafe fn store_ptr(self, to: *mut f32, v: $v) {
            // SAFETY: the caller vouches for the memory, `self` for the instructions.
            unsafe { $store(to, v) }
        }
    };
}

impl Simd for Avx2 {
    arithmetic!(
        __m256,
        8,
        16,
        _mm256_set1_ps,
        _mm256_add_ps,
        _mm256_sub_ps,
        _mm256_mul_ps,
        _mm256_fmadd_ps,
        _mm256_max_ps,
        _mm256_loadu_ps,
        _mm256_storeu_ps
    );

    #[inline(always)]
    fn where_positive(self, condition: __m256, value: __m256) -> __m256 {
        // SAFETY: `self` is only made where the CPU has the instructions.
        unsafe { _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(condition, _mm256_setzero_ps()), value) }
    }

    #[inline(always)]
    fn max_or_nan(self, a: __m256, b: __m256) -> __m256 {
        // SAFETY: as in `where_positive`. `max` gives `b` where either is NaN.
        unsafe { _mm256_blendv_ps(_mm256_max_ps(a, b), a, _mm256_cmp_ps::<_CMP_UNORD_Q>(a, a)) }
    }

    #[inline(always)]
    fn split_equal(self, a: __m256, b: __m256, value: __m256) -> (__m256, __m256) {
        // SAFETY: as in `where_positive`.
        unsafe {
            let equal = _mm256_cmp_ps::<_CMP_EQ_OQ>(a, b);
            (_mm256_and_ps(equal, value), _mm256_andnot_ps(equal, value))
        }
    }

    #[inline(always)]
    unsafe fn load_partial_ptr(self, from: *const f32, len: usize) -> __m256 {
        // SAFETY: masked lanes are not touched; the caller vouches for the others.
        unsafe { _mm256_maskload_ps(from, first_lanes(len)) }
    }

    #[inline(always)]
    unsafe fn store_partial_ptr(self, mut to: *mut f32, v: __m256, len: usize) {
        // By halves, as masked stores take some forty micro-operations each on AMD's processors.
        // SAFETY: four, two and one values are written one after the other, `len` in all; the caller vouches for them.
        unsafe {
            if len >= 8 {
                return _mm256_storeu_ps(to, v);
            }
            let mut half = _mm256_castps256_ps128(v);
            if len & 4 != 0 {
                _mm_storeu_ps(to, half);
                to = to.add(4);
                half = _mm256_extractf128_ps::<1>(v);
            }
            if len & 2 != 0 {
                _mm_storel_pd(to.cast(), _mm_castps_pd(half));
                to = to.add(2);
                half = _mm_movehl_ps(half, half);
            }
            if len & 1 != 0 {
                _mm_store_ss(to, half);
            }
        }
    }
}

impl Simd for Avx512 {
    arithmetic!(
        __m512,
        16,
        32,
        _mm512_set1_ps,
        _mm512_add_ps,
        _mm512_sub_ps,
        _mm512_mul_ps,
        _mm512_fmadd_ps,
        _mm512_max_ps,
        _mm512_loadu_ps,
        _mm512_storeu_ps
    );

    #[inline(always)]
    fn where_positive(self, condition: __m512, value: __m512) -> __m512 {
        // SAFETY: `self` is only made where the CPU has the instructions.
        unsafe {
            let positive = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(condition, _mm512_setzero_ps());
            _mm512_maskz_mov_ps(positive, value)
        }
    }

    #[inline(always)]
    fn max_or_nan(self, a: __m512, b: __m512) -> __m512 {
        // SAFETY: as in `where_positive`. `max` gives `b` where either is NaN, so lanes where `a` is keep it.
        unsafe { _mm512_mask_max_ps(a, _mm512_cmp_ps_mask::<_CMP_ORD_Q>(a, a), a, b) }
    }

    #[inline(always)]
    fn split_equal(self, a: __m512, b: __m512, value: __m512) -> (__m512, __m512) {
        // SAFETY: as in `where_positive`.
        unsafe {
            let equal = _mm512_cmp_ps_mask::<_CMP_EQ_OQ>(a, b);
            (_mm512_maskz_mov_ps(equal, value), _mm512_maskz_mov_ps(!equal, value))
        }
    }

    #[inline(always)]
    unsafe fn load_partial_ptr(self, from: *const f32, len: usize) -> __m512 {
        // SAFETY: masked lanes are not touched; the caller vouches for the others.
        unsafe { _mm512_maskz_loadu_ps(first_lanes_16(len), from) }
    }

    #[inline(always)]
    unsafe fn store_partial_ptr(self, to: *mut f32, v: __m512, len: usize) {
        // SAFETY: masked lanes are not touched; the caller vouches for the others.
        unsafe { _mm512_mask_storeu_ps(to, first_lanes_16(len), v) }
    }
}
