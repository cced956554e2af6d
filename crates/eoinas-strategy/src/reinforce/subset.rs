//! A softmax over subsets: which `keep` of a node's edges are kept.
//!
//! A subset S of `keep` edges has the probability exp(sum of its logits) / Z, Z being the sum over all subsets of that
//! size. With `keep` = 1 it is the softmax. Z is an elementary symmetric polynomial, here in logarithms, in
//! O(edges x keep).

use rand::{Rng, RngExt};

/// ln(e^a + e^b).
fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = (a.max(b), a.min(b));
    if high == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// ln of the sum of e^x.
pub(super) fn log_sum_exp(logits: &[f64]) -> f64 {
    logits.iter().copied().fold(f64::NEG_INFINITY, log_add)
}

/// For each number j from 0 to `keep`: ln Z of the subsets of j elements of `logits`.
fn log_totals(logits: impl IntoIterator<Item = f64>, keep: usize) -> Vec<f64> {
    let mut totals = vec![f64::NEG_INFINITY; keep + 1];
    if let Some(empty) = totals.first_mut() {
        *empty = 0.0;
    }
    for logit in logits {
        // With this element a subset of j comes from one of j - 1: from the largest j, so that none is used twice.
        for j in (1..=keep).rev() {
            let smaller = totals.get(j - 1).copied().unwrap_or(f64::NEG_INFINITY);
            if let Some(total) = totals.get_mut(j) {
                *total = log_add(*total, logit + smaller);
            }
        }
    }
    totals
}

fn log_total(logits: impl IntoIterator<Item = f64>, keep: usize) -> f64 {
    log_totals(logits, keep).last().copied().unwrap_or(0.0)
}

/// ln of the probability of `chosen`, whose elements are distinct.
pub(super) fn log_probability(logits: &[f64], chosen: &[usize]) -> f64 {
    let sum: f64 = chosen.iter().filter_map(|&element| logits.get(element)).sum();
    sum - log_total(logits.iter().copied(), chosen.len())
}

/// Its derivatives by the logits: 1 for an element that was chosen, less the probability that one is.
pub(super) fn gradient(logits: &[f64], chosen: &[usize]) -> Vec<f64> {
    let Some(smaller) = chosen.len().checked_sub(1) else { return vec![0.0; logits.len()] };
    let total = log_total(logits.iter().copied(), chosen.len());
    let inclusion = |element: usize, logit: f64| {
        let others = logits.iter().enumerate().filter(|(other, _)| *other != element).map(|(_, logit)| *logit);
        (logit + log_total(others, smaller) - total).exp()
    };
    let derivative = |(element, &logit)| f64::from(u8::from(chosen.contains(&element))) - inclusion(element, logit);
    logits.iter().enumerate().map(derivative).collect()
}

/// Draws a subset; its elements come in order. One draw for each element until the subset is complete.
pub(super) fn sample(logits: &[f64], keep: usize, rng: &mut dyn Rng) -> Vec<usize> {
    let mut chosen = Vec::with_capacity(keep);
    for (element, &logit) in logits.iter().enumerate() {
        let Some(others) = (keep - chosen.len()).checked_sub(1) else { break };
        let rest = logits.get(element + 1..).unwrap_or_default();
        let (with, without) =
            (logit + log_total(rest.iter().copied(), others), log_total(rest.iter().copied(), others + 1));
        if rng.random::<f64>() < (with - log_add(with, without)).exp() {
            chosen.push(element);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams};

    const LOGITS: [f64; 4] = [0.5, -1.0, 2.0, 0.0];
    const PAIRS: [[usize; 2]; 6] = [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]];

    #[test]
    fn probabilities_are_what_the_definition_says() {
        let weight = |pair: &[usize; 2]| (LOGITS[pair[0]] + LOGITS[pair[1]]).exp();
        let all: f64 = PAIRS.iter().map(weight).sum();
        for pair in &PAIRS {
            assert!((log_probability(&LOGITS, pair).exp() - weight(pair) / all).abs() < 1e-12);
        }
        assert!(log_probability(&LOGITS, &[0, 1, 2, 3]).abs() < 1e-12);
        assert!((log_probability(&LOGITS, &[2]) - (2.0 - log_sum_exp(&LOGITS))).abs() < 1e-12);
    }

    #[test]
    fn draws_follow_the_probabilities() {
        let mut rng = Streams::new(3).rng(SeedStream::Named("subset"), 0, 0);
        let draws: Vec<Vec<usize>> = (0..20_000).map(|_| sample(&LOGITS, 2, &mut rng)).collect();
        for pair in &PAIRS {
            let share = draws.iter().filter(|draw| draw.as_slice() == pair).count() as f64 / 20_000.0;
            assert!((share - log_probability(&LOGITS, pair).exp()).abs() < 0.015, "{pair:?}: {share}");
        }
    }

    #[test]
    fn extreme_logits_give_numbers() {
        let logits = [800.0, -800.0, -800.0];
        let mut rng = Streams::new(3).rng(SeedStream::Named("subset"), 0, 0);
        assert_eq!(sample(&logits, 1, &mut rng), [0]);
        assert_eq!(sample(&logits, 2, &mut rng).len(), 2);
        assert!(gradient(&logits, &[0, 1]).iter().all(|value| value.is_finite()));
        assert!((gradient(&logits, &[0, 1])[1] - 0.5).abs() < 1e-9);
    }
}
