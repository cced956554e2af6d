//! Draws from a generator, spelled out here: the values must not change when a random-number library changes its way
//! of turning bits into ranges.

use rand::Rng;

/// A whole number in `0..n` (0 when `n` is 0). The bias of the multiply-shift is below n / 2^64.
pub(crate) fn below(rng: &mut impl Rng, n: usize) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// A number in [0, 1) with 24 random bits: exact in `f32`.
pub(crate) fn unit(rng: &mut impl Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / 16_777_216.0
}

/// A number in [low, high).
pub(crate) fn between(rng: &mut impl Rng, low: f32, high: f32) -> f32 {
    low + (high - low) * unit(rng)
}

/// Fisher and Yates' shuffle.
pub(crate) fn shuffle<T>(rng: &mut impl Rng, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        let other = below(rng, last + 1);
        items.swap(last, other);
    }
}
