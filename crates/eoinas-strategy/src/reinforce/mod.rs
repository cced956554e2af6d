//! A controller trained by REINFORCE (Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017,
//! Section 3.2; Williams, 1992).

mod policy;
mod subset;

use eoinas_core::{Genotype, SearchSpace, Setting};
use rand::Rng;

use crate::choices::Choices;
use crate::{Strategy, StrategyError};
use policy::Policy;

/// A policy that draws genotypes and is moved towards those that score above its moving baseline.
///
/// It is not the paper's LSTM: the policy is a table of logits, one softmax for the op of each edge and, where a node
/// keeps some of its edges (DARTS), one over the subsets of its edges. So nothing has to be trained but the policy itself;
/// what one choice says about another is not learnt. After each score the logits move by
/// `learning_rate * (score - baseline) / deviation * gradient of ln p(genotype)`, where baseline and deviation are
/// moving averages of the score and of its absolute distance from the baseline: a step does not depend on how far apart
/// scores are (the paper's Adam does the same for its weights). The first score only sets the baseline.
#[derive(Clone, Debug)]
pub struct Reinforce {
    choices: Choices,
    policy: Policy,
    learning_rate: f64,
    decay: f64,
    baseline: Option<f64>,
    /// Moving average of |score - baseline|, and what it would be of 1: the average starts at 0.
    deviation: (f64, f64),
}

impl Reinforce {
    /// Learning rate 0.2, decay of the baseline 0.9: for budgets of some hundred evaluations.
    pub fn new(space: SearchSpace) -> Self {
        let choices = Choices::new(space);
        let policy = Policy::uniform(&choices);
        Self { choices, policy, learning_rate: 0.2, decay: 0.9, baseline: None, deviation: (0.0, 0.0) }
    }

    /// Another learning rate (larger than 0) and another decay of the moving averages (from 0 to below 1).
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names the one that does not fit.
    pub fn with_rates(self, learning_rate: f64, decay: f64) -> Result<Self, StrategyError> {
        let rate = learning_rate > 0.0 && learning_rate.is_finite();
        Setting::check(rate, "reinforce.learning_rate", learning_rate, "a finite number larger than 0")?;
        Setting::check((0.0..1.0).contains(&decay), "reinforce.decay", decay, "from 0 to below 1")?;
        Ok(Self { learning_rate, decay, ..self })
    }

    /// Natural logarithm of the probability that the policy now draws this genotype; `None` for one that it never does.
    pub fn log_probability(&self, genotype: &Genotype) -> Option<f64> {
        Some(self.policy.log_probability(&self.choices.picks(genotype)?))
    }
}

impl Strategy for Reinforce {
    fn name(&self) -> &str {
        "reinforce"
    }

    fn ask(&mut self, rng: &mut dyn Rng) -> Result<Genotype, StrategyError> {
        Ok(self.choices.genotype(&self.policy.sample(rng)))
    }

    /// A genotype that the policy cannot draw teaches nothing; a score that is not finite counts as 0.
    fn tell(&mut self, genotype: &Genotype, score: f64) {
        let Some(picks) = self.choices.picks(genotype) else { return };
        let score = if score.is_finite() { score } else { 0.0 };
        let Some(baseline) = self.baseline else {
            self.baseline = Some(score);
            return;
        };
        let advantage = score - baseline;
        let average = |old: f64, new: f64| self.decay * old + (1.0 - self.decay) * new;
        let (sum, weight) = (average(self.deviation.0, advantage.abs()), average(self.deviation.1, 1.0));
        self.baseline = Some(average(baseline, score));
        self.deviation = (sum, weight);
        // No score so far differs from the others: there is nothing to learn.
        if sum > 0.0 {
            self.policy.ascend(&picks, self.learning_rate * advantage / (sum / weight));
        }
    }
}
