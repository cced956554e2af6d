//! The controller's policy: a distribution over the genotypes of a space.

use rand::{Rng, RngExt};

use super::subset::{gradient, log_probability, log_sum_exp, sample};
use crate::choices::{Choices, Pick, Picks};

/// Logits of one node: of its edges, and of the ops of each edge.
#[derive(Clone, Debug, PartialEq)]
struct NodeLogits {
    keep: usize,
    edges: Vec<f64>,
    ops: Vec<Vec<f64>>,
}

/// Independent over nodes: which edges a node keeps is a softmax over subsets, the op of a kept edge a softmax.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Policy {
    nodes: Vec<NodeLogits>,
}

impl Policy {
    /// All genotypes equally likely.
    pub fn uniform(choices: &Choices) -> Self {
        let nodes = choices.nodes().iter().map(|node| NodeLogits {
            keep: node.keep,
            edges: vec![0.0; node.sources.len()],
            ops: vec![vec![0.0; node.ops.len()]; node.sources.len()],
        });
        Self { nodes: nodes.collect() }
    }

    /// Draws a genotype: for each node its edges, then an op for each of them.
    pub fn sample(&self, rng: &mut dyn Rng) -> Picks {
        let node = |node: &NodeLogits| {
            let sources = sample(&node.edges, node.keep, rng);
            let pick = |source| Pick { source, op: node.ops.get(source).map_or(0, |logits| draw(logits, rng)) };
            sources.into_iter().map(pick).collect()
        };
        self.nodes.iter().map(node).collect()
    }

    /// ln of the probability of a genotype.
    pub fn log_probability(&self, picks: &Picks) -> f64 {
        let op = |logits: &[f64], pick: &Pick| {
            logits.get(pick.op).copied().unwrap_or(f64::NEG_INFINITY) - log_sum_exp(logits)
        };
        let node = |(node, picks): (&NodeLogits, &Vec<Pick>)| {
            let ops = picks.iter().filter_map(|pick| Some(op(node.ops.get(pick.source)?, pick)));
            log_probability(&node.edges, &sources(picks)) + ops.sum::<f64>()
        };
        self.nodes.iter().zip(picks).map(node).sum()
    }

    /// Adds `step` times the gradient of that logarithm to the logits.
    pub fn ascend(&mut self, picks: &Picks, step: f64) {
        for (node, picks) in self.nodes.iter_mut().zip(picks) {
            let edges = gradient(&node.edges, &sources(picks));
            node.edges.iter_mut().zip(edges).for_each(|(logit, slope)| *logit += step * slope);
            for pick in picks {
                let Some(logits) = node.ops.get_mut(pick.source) else { continue };
                let slopes = gradient(logits, &[pick.op]);
                logits.iter_mut().zip(slopes).for_each(|(logit, slope)| *logit += step * slope);
            }
        }
    }

    #[cfg(test)]
    pub fn logits_mut(&mut self) -> Vec<&mut f64> {
        self.nodes.iter_mut().flat_map(|node| node.edges.iter_mut().chain(node.ops.iter_mut().flatten())).collect()
    }
}

fn sources(picks: &[Pick]) -> Vec<usize> {
    picks.iter().map(|pick| pick.source).collect()
}

/// An index with the probabilities of the softmax.
fn draw(logits: &[f64], rng: &mut dyn Rng) -> usize {
    let total = log_sum_exp(logits);
    let mut left = rng.random::<f64>();
    for (index, logit) in logits.iter().enumerate() {
        left -= (logit - total).exp();
        if left < 0.0 {
            return index;
        }
    }
    // Rounding may leave a last bit over.
    logits.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SearchSpace, SeedStream, Streams};

    #[test]
    fn the_gradient_is_the_finite_difference() {
        for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
            let choices = Choices::new(space);
            let mut rng = Streams::new(5).rng(SeedStream::Named("policy"), 0, 0);
            let mut policy = Policy::uniform(&choices);
            policy.logits_mut().into_iter().for_each(|logit| *logit = rng.random_range(-1.5..1.5));
            let picks = policy.sample(&mut rng);
            let mut moved = policy.clone();
            moved.ascend(&picks, 1.0);
            let count = policy.logits_mut().len();
            for index in 0..count {
                let at = |by: f64| {
                    let mut near = policy.clone();
                    *near.logits_mut()[index] += by;
                    near.log_probability(&picks)
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                let found = *moved.logits_mut()[index] - *policy.logits_mut()[index];
                assert!((slope - found).abs() < 1e-8, "logit {index}: {slope} against {found}");
            }
        }
    }

    #[test]
    fn a_policy_that_knows_nothing_is_uniform() {
        let choices = Choices::new(SearchSpace::nas_bench_201());
        let policy = Policy::uniform(&choices);
        let mut rng = Streams::new(5).rng(SeedStream::Named("policy"), 0, 1);
        assert!((policy.log_probability(&policy.sample(&mut rng)) + 15_625f64.ln()).abs() < 1e-12);
        let choices = Choices::new(SearchSpace::darts());
        let policy = Policy::uniform(&choices);
        // Two kinds of cell of 1, 3, 6 and 10 pairs of predecessors, and eight edges with one of seven ops.
        let all = 2.0 * (180f64.ln() + 8.0 * 7f64.ln());
        assert!((policy.log_probability(&policy.sample(&mut rng)) + all).abs() < 1e-9);
    }
}
