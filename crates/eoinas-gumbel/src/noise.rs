//! Gumbel(0, 1) noise.

use rand::Rng;

/// One draw of Gumbel(0, 1): `-ln(-ln(u))`, `u` uniform in the open interval (0, 1).
///
/// Computed in f64 and rounded to f32 last, so that the draw is finite always and the last bit of a platform's `ln`
/// hardly ever shows. Takes one `next_u64` of the generator. Between -3.61 and 36.74.
pub fn gumbel<R: Rng + ?Sized>(rng: &mut R) -> f32 {
    gumbel_of_bits(rng.next_u64())
}

/// One draw for each entry of `out`, in order.
pub fn fill_gumbel<R: Rng + ?Sized>(rng: &mut R, out: &mut [f32]) {
    out.iter_mut().for_each(|noise| *noise = gumbel(rng));
}

#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 is the last step by design")]
fn gumbel_of_bits(bits: u64) -> f32 {
    // 52 bits and a half: with 53, the largest value would round up to 1 and give an infinite draw.
    let uniform = ((bits >> 12) as f64 + 0.5) / (1u64 << 52) as f64;
    -(-uniform.ln()).ln() as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams};

    #[test]
    fn finite_at_both_ends_of_the_generator() {
        assert_eq!(gumbel_of_bits(0), -3.603_779);
        assert_eq!(gumbel_of_bits(u64::MAX), 36.736_8);
    }

    #[test]
    fn draws_are_pinned_by_value() {
        let mut noise = [0f32; 6];
        fill_gumbel(&mut Streams::new(0).rng(SeedStream::ArchPath, 0, 0), &mut noise[..3]);
        fill_gumbel(&mut Streams::new(7).rng(SeedStream::WeightPath, 20, 11), &mut noise[3..]);
        assert_eq!(noise, GOLDEN);
    }

    /// Computed apart from this code: ChaCha8 as published, the key as `Streams::rng` documents it, `-ln(-ln(u))`.
    const GOLDEN: [f32; 6] = [1.662_157_8, -0.024_871_83, -1.031_624, -0.977_618_4, -1.390_635_7, 0.905_036_33];

    #[test]
    fn mean_and_variance() {
        let mut rng = Streams::new(1).rng(SeedStream::Named("moments"), 0, 0);
        let draws: Vec<f64> = (0..200_000).map(|_| f64::from(gumbel(&mut rng))).collect();
        let n = draws.len() as f64;
        let mean = draws.iter().sum::<f64>() / n;
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n;
        // Euler's constant and pi^2 / 6; four standard errors.
        assert!((mean - 0.577_215_66).abs() < 4.0 * (1.645 / n).sqrt(), "{mean}");
        assert!((variance - 1.644_934).abs() < 0.04, "{variance}");
    }

    #[test]
    fn distribution_function() {
        let mut rng = Streams::new(2).rng(SeedStream::Named("cdf"), 0, 0);
        let draws: Vec<f32> = (0..100_000).map(|_| gumbel(&mut rng)).collect();
        for x in [-1.5f64, -0.5, 0.0, 0.5, 1.0, 2.0, 4.0] {
            let share = draws.iter().filter(|d| f64::from(**d) <= x).count() as f64 / draws.len() as f64;
            let expected = (-(-x).exp()).exp();
            assert!((share - expected).abs() < 0.007, "P(G <= {x}): {share}, expected {expected}");
        }
    }
}
