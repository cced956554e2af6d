//! The surrogate: an ensemble of ridge regressions over what genotypes choose.

use nalgebra::{Cholesky, DMatrix, DVector};

use crate::choices::{Choices, Picks};

/// Number of products of features: 1 is a linear model, 2 has every pair.
const DEGREE: i32 = 2;

/// Ridge regression over one-hot features (this edge is kept; this edge has this op) and their pairs, in its dual form.
///
/// The inner product of two genotypes' features is the number of choices that they share, so the features are never
/// written down: the kernel is `(1 + shared / all)^2`, and fitting solves one system as large as the number of examples,
/// whatever the size of the space.
#[derive(Debug)]
struct Ridge {
    /// The examples that it was fitted to, as places in the data.
    examples: Vec<usize>,
    weights: DVector<f64>,
    mean: f64,
}

/// Several of them, each without a part of the examples (PNAS, Section 4.2: an ensemble of five, each fitted to 4/5).
#[derive(Debug)]
pub(super) struct Surrogate<'a> {
    choices: &'a Choices,
    data: &'a [(Picks, f64)],
    members: Vec<Ridge>,
}

impl<'a> Surrogate<'a> {
    /// Fits `members` regressions; `None` where a system could not be solved.
    pub fn fit(choices: &'a Choices, data: &'a [(Picks, f64)], members: usize, ridge: f64) -> Option<Self> {
        // With few examples or a single member nothing is left out.
        let leave_out = members > 1 && data.len() >= 2 * members;
        let member = |member: usize| {
            let kept = |example: &usize| !leave_out || example % members != member;
            Ridge::fit(choices, data, (0..data.len()).filter(kept).collect(), ridge)
        };
        Some(Self { choices, data, members: (0..members).map(member).collect::<Option<_>>()? })
    }

    /// The mean of the members' predictions.
    pub fn predict(&self, picks: &Picks) -> f64 {
        let kernels: Vec<f64> = self.data.iter().map(|(other, _)| kernel(self.choices, picks, other)).collect();
        let member = |ridge: &Ridge| {
            let terms = ridge.examples.iter().zip(ridge.weights.iter());
            ridge.mean + terms.map(|(&at, weight)| weight * kernels.get(at).copied().unwrap_or(0.0)).sum::<f64>()
        };
        self.members.iter().map(member).sum::<f64>() / self.members.len().max(1) as f64
    }
}

impl Ridge {
    fn fit(choices: &Choices, data: &[(Picks, f64)], examples: Vec<usize>, ridge: f64) -> Option<Self> {
        let known: Vec<&(Picks, f64)> = examples.iter().filter_map(|&at| data.get(at)).collect();
        let count = known.len();
        let mean = known.iter().map(|(_, score)| score).sum::<f64>() / count.max(1) as f64;
        let mut rows = Vec::with_capacity(count * count);
        for (row, (one, _)) in known.iter().enumerate() {
            for (column, (other, _)) in known.iter().enumerate() {
                rows.push(kernel(choices, one, other) + if row == column { ridge } else { 0.0 });
            }
        }
        let targets = DVector::from_iterator(count, known.iter().map(|(_, score)| score - mean));
        let weights = Cholesky::new(DMatrix::from_vec(count, count, rows))?.solve(&targets);
        Some(Self { examples, weights, mean })
    }
}

/// `(1 + shared / all)^2`: from 1 for genotypes that share nothing to 4 for equal ones.
fn kernel(choices: &Choices, one: &Picks, other: &Picks) -> f64 {
    let (mut shared, mut all) = (0u32, 0u32);
    for ((node, one), other) in choices.nodes().iter().zip(one).zip(other) {
        // Which edges are kept is a feature of its own where it is a choice.
        let edge = u32::from(node.keep < node.sources.len());
        for pick in one {
            all += 1 + edge;
            if let Some(same) = other.iter().find(|same| same.source == pick.source) {
                shared += edge + u32::from(same.op == pick.op);
            }
        }
    }
    (1.0 + f64::from(shared) / f64::from(all.max(1))).powi(DEGREE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::statistics::spearman_rho;
    use eoinas_core::{Genotype, SearchSpace, SeedStream, Streams};

    fn random(choices: &Choices, index: u64) -> Picks {
        let mut rng = Streams::new(2).rng(SeedStream::Named("surrogate"), 0, index);
        choices.picks(&Genotype::random(choices.space(), &mut rng)).unwrap()
    }

    /// The features written down: for each edge whether it is kept, and its op.
    fn features(choices: &Choices, picks: &Picks) -> Vec<f64> {
        let mut features = Vec::new();
        for (node, picks) in choices.nodes().iter().zip(picks) {
            for source in 0..node.sources.len() {
                let pick = picks.iter().find(|pick| pick.source == source);
                if node.keep < node.sources.len() {
                    features.push(f64::from(u8::from(pick.is_some())));
                }
                features.extend((0..node.ops.len()).map(|op| f64::from(u8::from(pick.is_some_and(|p| p.op == op)))));
            }
        }
        features
    }

    #[test]
    fn the_kernel_is_the_inner_product_of_the_features() {
        for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
            let choices = Choices::new(space);
            let (one, other) = (random(&choices, 0), random(&choices, 1));
            let dot = |a: &Picks, b: &Picks| -> f64 {
                features(&choices, a).iter().zip(features(&choices, b)).map(|(a, b)| a * b).sum()
            };
            let expected = (1.0 + dot(&one, &other) / dot(&one, &one)).powi(2);
            assert!((kernel(&choices, &one, &other) - expected).abs() < 1e-12);
            assert_eq!(kernel(&choices, &one, &one), 4.0);
        }
    }

    #[test]
    fn a_fitted_surrogate_orders_what_it_has_not_seen() {
        let choices = Choices::new(SearchSpace::nas_bench_201());
        // The share of the edges with the fourth op, with a bonus for two edges that have it together.
        let score = |picks: &Picks| {
            let good: Vec<f64> = picks.iter().flatten().map(|pick| f64::from(u8::from(pick.op == 3))).collect();
            (good.iter().sum::<f64>() + 2.0 * good[0] * good[5]) / 8.0
        };
        let data: Vec<(Picks, f64)> =
            (0..150).map(|index| random(&choices, index)).map(|picks| (picks.clone(), score(&picks))).collect();
        let surrogate = Surrogate::fit(&choices, &data, 5, 0.01).unwrap();
        let unseen: Vec<Picks> = (1_000..1_200).map(|index| random(&choices, index)).collect();
        let (predicted, real): (Vec<f64>, Vec<f64>) =
            unseen.iter().map(|picks| (surrogate.predict(picks), score(picks))).unzip();
        let rho = spearman_rho(&predicted, &real).unwrap();
        assert!(rho > 0.9, "{rho}");
    }

    #[test]
    fn equal_scores_and_repeated_genotypes_are_fitted() {
        let choices = Choices::new(SearchSpace::darts());
        let data = vec![(random(&choices, 0), 0.5); 12];
        let surrogate = Surrogate::fit(&choices, &data, 5, 0.01).unwrap();
        assert!((surrogate.predict(&random(&choices, 1)) - 0.5).abs() < 1e-12);
    }
}
