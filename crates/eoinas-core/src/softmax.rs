//! The paper's Eq. 2, the one formula that sampling, pruning and derivation share.

use crate::{AliveOps, EdgeOpTable, SearchSpace};

/// Softmax of `logits / temperature` over the alive entries, into `out`; 0 for the others, which have no say.
///
/// Stable: the largest alive logit is subtracted first, so that any finite logits and any positive temperature give
/// finite values that sum to 1 (up to rounding). The three slices are expected to have one length; what goes beyond the
/// shortest is left alone.
pub fn softmax_alive(logits: &[f64], alive: &[bool], temperature: f64, out: &mut [f64]) {
    let largest =
        logits.iter().zip(alive).filter(|(_, alive)| **alive).fold(f64::NEG_INFINITY, |max, (l, _)| max.max(*l));
    let mut sum = 0.0;
    for ((out, &logit), &alive) in out.iter_mut().zip(logits).zip(alive) {
        // The difference is taken before the division: infinity less infinity cannot come up however small the
        // temperature is. It is 0 for the largest logit, whose term is therefore exactly 1.
        *out = if alive { ((logit - largest) / temperature).exp() } else { 0.0 };
        sum += *out;
    }
    if sum > 0.0 {
        out.iter_mut().zip(logits).zip(alive).for_each(|((out, _), _)| *out /= sum);
    }
}

/// `beta` of Eq. 2: the softmax of `alphas` over the alive ops of each edge, 0 for pruned ops.
pub fn beta(alphas: &EdgeOpTable<f32>, alive: &AliveOps, space: &SearchSpace) -> EdgeOpTable<f64> {
    let mut beta = EdgeOpTable::filled(space, 0.0);
    let mut logits = Vec::with_capacity(space.ops().len());
    for id in space.edges() {
        logits.clear();
        logits.extend(alphas[id].iter().map(|&alpha| f64::from(alpha)));
        softmax_alive(&logits, alive.edge(id), 1.0, &mut beta[id]);
    }
    beta
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CellKind, EdgeId};

    fn softmax(logits: &[f64], alive: &[bool], temperature: f64) -> Vec<f64> {
        let mut out = vec![7.0; logits.len()];
        softmax_alive(logits, alive, temperature, &mut out);
        out
    }

    #[test]
    fn known_values() {
        let half = softmax(&[2f64.ln(), 0.0, 0.0], &[true; 3], 1.0);
        assert!(half.iter().zip([0.5, 0.25, 0.25]).all(|(a, b)| (a - b).abs() < 1e-15), "{half:?}");
        assert_eq!(softmax(&[3.0, 3.0, 100.0], &[true, true, false], 0.1), [0.5, 0.5, 0.0]);
    }

    #[test]
    fn finite_at_every_extreme() {
        for temperature in [f64::MIN_POSITIVE, 1e-300, 1e-3, 1.0, 1e300] {
            for logits in [[1e4, -1e4, 0.0], [-1e4; 3], [f64::from(f32::MAX), f64::from(f32::MIN), 0.0]] {
                let out = softmax(&logits, &[true; 3], temperature);
                assert!(out.iter().all(|v| v.is_finite()), "{logits:?} at {temperature}: {out:?}");
                assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
        assert_eq!(softmax(&[1.0, 1.0 + 1e-9], &[true; 2], 1e-300), [0.0, 1.0]);
    }

    #[test]
    fn no_alive_entry_gives_zeros() {
        assert_eq!(softmax(&[1.0, 2.0], &[false; 2], 1.0), [0.0, 0.0]);
    }

    #[test]
    fn beta_is_over_the_alive_ops_of_each_edge() {
        let space = SearchSpace::darts();
        let mut alphas = EdgeOpTable::filled(&space, 0f32);
        let mut alive = AliveOps::all(&space);
        let [first, second] = [0, 1].map(|kind| EdgeId { kind: CellKind(kind), edge: 3 });
        alphas[second.op(7)] = 50.0;
        alive.prune(second.op(7)).unwrap();
        let beta = beta(&alphas, &alive, &space);
        assert_eq!(beta[first], [0.125; 8]);
        assert_eq!(beta[second.op(7)], 0.0);
        assert!(beta[second][..7].iter().all(|b| (b - 1.0 / 7.0).abs() < 1e-15));
    }
}
