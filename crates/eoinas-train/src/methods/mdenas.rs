//! MdeNAS.

use std::slice;

use eoinas_core::{Genotype, SearchSpace, SeedStream, Setting, softmax};
use eoinas_gumbel::Categorical;
use eoinas_nn::Wanted;
use serde::{Deserialize, Serialize};

use super::{by_beta, identity};
use crate::{
    blocks::{Alternating, finite, train_weights},
    config::{self, SearchConfig, SkipDropout, positive},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    search::SearchContext,
    tally::Tally,
};

/// The least probability of an op, so that every alive op goes on being drawn.
const FLOOR: f64 = 1e-3;

/// MdeNAS (Zheng et al., 2019), multinomial distribution learning: a path is drawn from the probabilities `p` of the ops
/// of each edge, its weights are trained for one batch, and its accuracy on a validation batch is noted for its ops
/// (Figure 3). Then, of two ops of an edge, the one that was trained less and is more accurate nevertheless
/// gains, and the other one loses (the update by the differentials of epoch and accuracy):
///
/// `p_i += rate * (#{j: H^e_i < H^e_j and H^a_i > H^a_j} - #{j: H^e_i > H^e_j and H^a_i < H^a_j})`
///
/// where `H^e` counts the steps that an op was trained in and `H^a` is its last accuracy: EoiNAS's `C^e` and `C^a`, so they
/// are the learner's statistics. Its `alphas` are `ln p`, so that checkpoints and records hold `p` and the cell is the most
/// probable one. The paper does not say what becomes of a `p` that leaves 0 to 1: here none falls below 0.001, and the sum
/// is brought back to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MdeNas {
    /// Rate of the probabilities. Default: 0.01, the paper's.
    pub rate: f64,
    /// First epochs that train weights only. Default: 0.
    pub warm_up_epochs: usize,
    /// Partial channels ([`super::PcDarts`]): the ops of an edge read 1/K of its channels. Default: none.
    pub partial_channels: Option<usize>,
    /// Dropout on the skip connections of stride 1. Default: none.
    pub skip_dropout: Option<SkipDropout>,
}

impl Default for MdeNas {
    fn default() -> Self {
        Self { rate: 0.01, warm_up_epochs: 0, partial_channels: None, skip_dropout: None }
    }
}

impl MdeNas {
    pub(crate) fn prescribed(self) -> Self {
        Self { warm_up_epochs: 0, ..self }
    }

    /// The update on every edge.
    fn update(&self, learner: &mut Learner) {
        let Learner { supernet, alphas, prune, .. } = learner;
        let (space, alive, statistics) = (supernet.space(), prune.alive(), prune.statistics());
        let probabilities = softmax::beta(alphas, alive, space);
        for id in space.edges() {
            let ops: Vec<usize> = alive.ops(id).collect();
            let candidate = |&op: &usize| Candidate {
                probability: probabilities[id.op(op)],
                epochs: statistics.counts()[id.op(op)],
                accuracy: statistics.accuracies()[id.op(op)].unwrap_or(0.0),
            };
            let updated = updated(&ops.iter().map(candidate).collect::<Vec<_>>(), self.rate);
            for (&op, probability) in ops.iter().zip(updated) {
                alphas[id.op(op)] = probability.ln() as f32;
            }
        }
    }
}

/// One op of an edge.
#[derive(Clone, Copy, Debug)]
struct Candidate {
    probability: f64,
    /// H^e.
    epochs: u64,
    /// H^a.
    accuracy: f64,
}

/// The probabilities of an edge after an update.
fn updated(ops: &[Candidate], rate: f64) -> Vec<f64> {
    let better = |a: &Candidate, b: &Candidate| a.epochs < b.epochs && a.accuracy > b.accuracy;
    let moved = ops.iter().map(|op| {
        let gains = ops.iter().filter(|other| better(op, other)).count() as f64;
        let losses = ops.iter().filter(|other| better(other, op)).count() as f64;
        (op.probability + rate * (gains - losses)).max(FLOOR)
    });
    let moved: Vec<f64> = moved.collect();
    let sum: f64 = moved.iter().sum();
    moved.into_iter().map(|probability| probability / sum).collect()
}

impl SearchMethod for MdeNas {
    fn identity(&self) -> Identity {
        identity("mdenas", self)
    }

    fn validate(&self, run: &SearchConfig, _: &SearchSpace) -> Result<(), Setting> {
        Setting::check(positive(self.rate), "rate", self.rate, "a positive number")?;
        config::partial_channels(self.partial_channels, &run.network)?;
        config::skip_dropout(self.skip_dropout)
    }

    fn learner(&self) -> LearnerSettings {
        LearnerSettings { partial_channels: self.partial_channels, ..LearnerSettings::default() }
    }

    fn timetable(&self, run: &SearchConfig, _: &SearchSpace) -> Timetable {
        Timetable::new(run.epochs).warm_up(self.warm_up_epochs).skip_dropout(self.skip_dropout)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        let learner = &mut *context.learner;
        let path = Alternating::new(&Categorical).sample(learner, &learner.alphas, step, SeedStream::WeightPath, 0)?;
        let train = train_weights(learner, step, slice::from_ref(&path))?;
        let Some(valid) = &step.valid else { return Ok(StepReport { train, valid: None }) };
        let output = learner.pass(valid, path.run(), Wanted::NOTHING, &step.pass_options())?;
        finite("validation loss", output.loss)?;
        let tally = Tally::from(&output);
        learner.prune.record_arch_step(path.gates(), tally.share().unwrap_or(0.0))?;
        self.update(learner);
        Ok(StepReport { train, valid: Some(tally) })
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(probability: f64, epochs: u64, accuracy: f64) -> Candidate {
        Candidate { probability, epochs, accuracy }
    }

    #[test]
    fn less_training_and_more_accuracy_gain() {
        // The first beats the second and third, the second beats the third; the fourth was never drawn: no comparison.
        let ops = [candidate(0.25, 1, 0.9), candidate(0.25, 2, 0.5), candidate(0.25, 3, 0.4), candidate(0.25, 0, 0.0)];
        let got = updated(&ops, 0.01);
        for (got, want) in got.iter().zip([0.27, 0.25, 0.23, 0.25]) {
            assert!((got - want).abs() < 1e-12, "{got} {want}");
        }
    }

    #[test]
    fn equal_counts_or_accuracies_change_nothing() {
        let ops = [candidate(0.5, 1, 0.9), candidate(0.3, 1, 0.5), candidate(0.2, 4, 0.9)];
        let got = updated(&ops, 0.01);
        for (got, want) in got.iter().zip([0.5, 0.3, 0.2]) {
            assert!((got - want).abs() < 1e-12, "{got} {want}");
        }
    }

    #[test]
    fn no_op_dies_out_and_the_sum_stays_one() {
        let mut ops = [candidate(0.5, 1, 0.9), candidate(0.5, 9, 0.1)];
        for _ in 0..1000 {
            let probabilities = updated(&ops, 0.01);
            ops.iter_mut().zip(&probabilities).for_each(|(op, probability)| op.probability = *probability);
            assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        assert!(ops[0].probability > 0.99 && ops[1].probability > 0.5 * FLOOR, "{ops:?}");
    }

    #[test]
    fn one_op_stays_certain() {
        assert_eq!(updated(&[candidate(1.0, 5, 0.5)], 0.01), [1.0]);
    }
}
