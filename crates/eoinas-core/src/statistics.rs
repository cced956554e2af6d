//! Mean and deviation over seeds, and the correlations of the field.
//!
//! ```
//! use eoinas_core::statistics::{kendall_tau, mean_and_deviation, spearman_rho};
//! assert_eq!(mean_and_deviation(&[1.0, 2.0, 3.0]), Some((2.0, 1.0)));
//! let (a, b) = ([1.0, 2.0, 3.0, 4.0], [10.0, 30.0, 20.0, 40.0]);
//! assert!((kendall_tau(&a, &b).unwrap() - 4.0 / 6.0).abs() < 1e-12);
//! assert!((spearman_rho(&a, &b).unwrap() - 0.8).abs() < 1e-12);
//! ```

/// Mean and sample standard deviation (n - 1); the deviation of one value is 0, and of none there is neither.
pub fn mean_and_deviation(values: &[f64]) -> Option<(f64, f64)> {
    if values.is_empty() {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((mean, (squares / (values.len().max(2) - 1) as f64).sqrt()))
}

/// Standard error of the difference of two accuracies (0 to 1), each with the number of samples that it is a share of. It
/// knows the chance of which samples were tested alone, not that of the trainings before.
pub fn accuracy_difference_error((one, samples): (f64, u64), (other, others): (f64, u64)) -> f64 {
    let variance = |accuracy: f64, samples: u64| accuracy * (1.0 - accuracy) / samples.max(1) as f64;
    (variance(one, samples) + variance(other, others)).sqrt()
}

/// The interval of E. B. Wilson (1927) that has a share of `trials` samples, `hits` of which have it, in 95 of 100 cases: 0 to
/// 1, wide for few samples and never empty. `None` without any.
///
/// ```
/// let (low, high) = eoinas_core::statistics::wilson_interval(9, 10).unwrap();
/// assert!((low - 0.5958).abs() < 1e-4 && (high - 0.9821).abs() < 1e-4);
/// ```
pub fn wilson_interval(hits: u64, trials: u64) -> Option<(f64, f64)> {
    /// The normal distribution has 95 % of its mass within so many deviations.
    const DEVIATIONS: f64 = 1.959_963_984_540_054;
    if trials == 0 {
        return None;
    }
    let (n, z2) = (trials as f64, DEVIATIONS * DEVIATIONS);
    let share = (hits as f64 / n).min(1.0);
    let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = DEVIATIONS * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
    Some(((middle - half).max(0.0), (middle + half).min(1.0)))
}

/// Kendall's tau-b, which corrects for ties: -1 to 1. `None` where it is not defined: values of different number, fewer
/// than two, all of one side equal, or one that is not a number.
///
/// In O(n log n): pairs are counted while the second values are merge-sorted in the order of the first (Knight, 1966).
pub fn kendall_tau(a: &[f64], b: &[f64]) -> Option<f64> {
    let mut pairs = paired(a, b)?;
    pairs.sort_by(|x, y| x.0.total_cmp(&y.0).then(x.1.total_cmp(&y.1)));
    let tied_a = tied_pairs(pairs.iter().map(|pair| pair.0));
    let tied_both = tied_pairs(pairs.iter().copied());
    let mut second: Vec<f64> = pairs.iter().map(|pair| pair.1).collect();
    let swaps = sort_counting_swaps(&mut second);
    let tied_b = tied_pairs(second.into_iter());
    let all = (pairs.len() * (pairs.len() - 1) / 2) as f64;
    let (tied_a, tied_b, tied_both) = (tied_a as f64, tied_b as f64, tied_both as f64);
    let concordant_less_discordant = all - tied_a - tied_b + tied_both - 2.0 * swaps as f64;
    defined(concordant_less_discordant / ((all - tied_a) * (all - tied_b)).sqrt())
}

/// Spearman's rho: Pearson's correlation of the ranks, ties at the mean of theirs; -1 to 1. `None` where it is not
/// defined, as [`kendall_tau`].
pub fn spearman_rho(a: &[f64], b: &[f64]) -> Option<f64> {
    paired(a, b)?;
    pearson(&ranks(a), &ranks(b))
}

fn paired(a: &[f64], b: &[f64]) -> Option<Vec<(f64, f64)>> {
    let numbers = a.iter().chain(b).all(|value| !value.is_nan());
    // 0 and -0 are equal, but not in the total order that sorting uses.
    let pairs = || a.iter().zip(b).map(|(a, b)| (a + 0.0, b + 0.0)).collect();
    (a.len() == b.len() && a.len() >= 2 && numbers).then(pairs)
}

/// How many pairs of equal values there are in a sorted sequence.
fn tied_pairs<T: PartialEq>(sorted: impl Iterator<Item = T>) -> u64 {
    let (mut pairs, mut run, mut last) = (0, 0, None);
    for value in sorted {
        run = if last.as_ref() == Some(&value) { run + 1 } else { 0 };
        pairs += run;
        last = Some(value);
    }
    pairs
}

/// Sorts and returns how many pairs were in the wrong order.
fn sort_counting_swaps(values: &mut [f64]) -> u64 {
    if values.len() < 2 {
        return 0;
    }
    let (left, right) = values.split_at_mut(values.len() / 2);
    let mut swaps = sort_counting_swaps(left) + sort_counting_swaps(right);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut from_left, mut from_right) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(a), Some(b)) = (from_left.peek(), from_right.peek()) {
        if a <= b {
            merged.extend(from_left.next());
        } else {
            swaps += from_left.len() as u64;
            merged.extend(from_right.next());
        }
    }
    merged.extend(from_left);
    merged.extend(from_right);
    values.copy_from_slice(&merged);
    swaps
}

/// The rank of each value, 1 for the smallest; equal values share the mean of theirs.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = values.iter().map(|value| value + 0.0).enumerate().collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut ranks = vec![0.0; values.len()];
    let mut before = 0;
    for tied in order.chunk_by(|a, b| a.1 == b.1) {
        let mean = before as f64 + (tied.len() + 1) as f64 / 2.0;
        for (index, _) in tied {
            if let Some(rank) = ranks.get_mut(*index) {
                *rank = mean;
            }
        }
        before += tied.len();
    }
    ranks
}

/// Pearson's correlation: -1 to 1. `None` where it is not defined, as [`kendall_tau`].
pub fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    paired(a, b)?;
    let (mean_a, mean_b) = (mean_and_deviation(a)?.0, mean_and_deviation(b)?.0);
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        let (a, b) = (a - mean_a, b - mean_b);
        ab += a * b;
        aa += a * a;
        bb += b * b;
    }
    defined(ab / (aa * bb).sqrt())
}

/// 0 / 0 where one side has no order at all.
fn defined(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracies_of_more_samples_differ_less_by_chance() {
        assert!((accuracy_difference_error((0.5, 100), (0.5, 100)) - 0.005f64.sqrt()).abs() < 1e-15);
        assert!((accuracy_difference_error((0.9, 900), (0.5, 100)) - 0.0026f64.sqrt()).abs() < 1e-15);
        assert_eq!(accuracy_difference_error((1.0, 0), (0.0, 0)), 0.0);
    }

    #[test]
    fn an_interval_is_that_of_its_formula_and_stays_within_0_and_1() {
        // Worked out apart, in Python.
        let (low, high) = wilson_interval(35, 40).unwrap();
        assert!((low - 0.738_878_8).abs() < 1e-6 && (high - 0.945_405_0).abs() < 1e-6, "{low} {high}");
        let (low, high) = wilson_interval(0, 10).unwrap();
        assert!(low == 0.0 && (high - 0.277_532_8).abs() < 1e-6, "{high}");
        let (low, high) = wilson_interval(10, 10).unwrap();
        assert!((low - 0.722_467_2).abs() < 1e-6 && (1.0 - 1e-12..=1.0).contains(&high), "{low} {high}");
        assert_eq!(wilson_interval(0, 0), None);
    }
    use proptest::prelude::*;

    /// By the definition: over all pairs.
    fn slow_kendall(a: &[f64], b: &[f64]) -> f64 {
        let (mut score, mut untied_a, mut untied_b) = (0.0, 0.0, 0.0);
        for i in 0..a.len() {
            for j in 0..i {
                let sign =
                    |values: &[f64]| f64::from(i8::from(values[i] > values[j]) - i8::from(values[i] < values[j]));
                score += sign(a) * sign(b);
                untied_a += sign(a).abs();
                untied_b += sign(b).abs();
            }
        }
        score / (untied_a * untied_b).sqrt()
    }

    proptest! {
        #[test]
        fn kendall_is_what_its_definition_says(pairs in prop::collection::vec((0u8..6, 0u8..6), 2..40)) {
            let (a, b): (Vec<f64>, Vec<f64>) = pairs.iter().map(|&(a, b)| (f64::from(a), f64::from(b))).unzip();
            let slow = slow_kendall(&a, &b);
            match kendall_tau(&a, &b) {
                Some(tau) => prop_assert!((tau - slow).abs() < 1e-12),
                None => prop_assert!(slow.is_nan()),
            }
        }

        #[test]
        fn spearman_sees_only_the_order(values in prop::collection::vec(-5.0f64..5.0, 2..40)) {
            let cubes: Vec<f64> = values.iter().map(|value| value.powi(3)).collect();
            let negative: Vec<f64> = values.iter().map(|value| -value).collect();
            if let Some(rho) = spearman_rho(&values, &cubes) {
                prop_assert!((rho - 1.0).abs() < 1e-12);
                prop_assert!((spearman_rho(&values, &negative).unwrap() + 1.0).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn ties_get_the_mean_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
        // Ranks less their mean: (1, -1.5, 1, -0.5) and (-1.5, -0.5, 0.5, 1.5), so -1 / sqrt(4.5 * 5).
        let (a, b) = ([3.0, 1.0, 3.0, 2.0], [1.0, 2.0, 3.0, 4.0]);
        assert!((spearman_rho(&a, &b).unwrap() + 1.0 / 22.5f64.sqrt()).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_order_has_no_correlation() {
        for (a, b) in [(vec![], vec![]), (vec![1.0], vec![1.0]), (vec![1.0, 1.0], vec![1.0, 2.0])] {
            assert_eq!((kendall_tau(&a, &b), spearman_rho(&a, &b)), (None, None), "{a:?} {b:?}");
        }
        assert_eq!(kendall_tau(&[1.0, f64::NAN], &[1.0, 2.0]), None);
        assert_eq!(kendall_tau(&[1.0, 2.0], &[1.0]), None);
        assert_eq!(mean_and_deviation(&[]), None);
        assert_eq!(mean_and_deviation(&[2.5]), Some((2.5, 0.0)));
    }
}
