//! Q-learning over the layers of a network (Baker, Gupta, Naik, Raskar, "Designing Neural Network Architectures using
//! Reinforcement Learning", ICLR 2017: MetaQNN).

mod cells;
mod values;

use std::fmt::{Debug, Display};
use std::hash::Hash;

use eoinas_core::{SearchSpace, Setting};
use rand::{Rng, RngExt};

use crate::chain::ChainSpace;
use crate::{Strategy, StrategyError};
pub use cells::{CellState, CellStep, CellWalk};
use values::Values;

/// Draws for a candidate that was not told yet, before one is repeated.
const DRAWS: usize = 100;

/// The published schedule: epsilon, and how many different models it holds for (Table 2).
const SCHEDULE: [(f64, f64); 10] = [
    (1.0, 1500.0),
    (0.9, 100.0),
    (0.8, 100.0),
    (0.7, 100.0),
    (0.6, 150.0),
    (0.5, 150.0),
    (0.4, 150.0),
    (0.3, 150.0),
    (0.2, 150.0),
    (0.1, 150.0),
];

/// A space whose candidates are chosen step by step.
pub trait Walk: Debug + Send {
    /// What is evaluated.
    type Candidate: Display;
    /// What a choice depends on.
    type State: Clone + Debug + Eq + Hash + Send;
    /// What is chosen.
    type Step: Clone + Debug + PartialEq + Send;

    /// The state after these steps; `None` where they make a whole candidate.
    fn state(&self, taken: &[Self::Step]) -> Option<Self::State>;

    /// The steps that may be taken, at least one, always in the same order.
    fn steps(&self, state: &Self::State) -> Vec<Self::Step>;

    /// The candidate of these steps.
    fn candidate(&self, taken: &[Self::Step]) -> Self::Candidate;

    /// The steps of a candidate; `None` for one that is not of this space.
    fn taken(&self, candidate: &Self::Candidate) -> Option<Vec<Self::Step>>;

    /// The share of the score that is still to be given, from 1 at the start; a step earns what it takes away from that.
    /// Default: 1 to the last, so that the last step earns all, as published.
    fn open(&self, _: &Self::State) -> f64 {
        1.0
    }
}

/// Settings of [`MetaQnn`]; each field says what may be set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetaQnnConfig {
    /// Different candidates over which the probability of a random step falls from 1 to 0.1: the published schedule, which
    /// has 2,700 (the default), stretched; at least 1. After them it stays 0.1.
    pub models: usize,
    /// Candidates that are learnt from again before each new one; at least 1. Default 100, as published.
    pub replays: usize,
    /// How far a value moves towards what was seen; above 0, at most 1. Default 0.01, as published.
    pub learning_rate: f64,
    /// What a later score is worth now; 0 to 1. Default 1, as published.
    pub discount: f64,
    /// The value of what was never tried, for the whole of a score; 0 to 1. Default 0.5, as published.
    pub initial: f64,
}

impl Default for MetaQnnConfig {
    fn default() -> Self {
        Self { models: 2_700, replays: 100, learning_rate: 0.01, discount: 1.0, initial: 0.5 }
    }
}

impl MetaQnnConfig {
    /// The published settings with the schedule for so many candidates.
    pub fn for_budget(budget: usize) -> Self {
        Self { models: budget.max(1), ..Self::default() }
    }

    fn validate(&self) -> Result<(), Setting> {
        let name = |field: &str| format!("metaqnn.{field}");
        Setting::check(self.models >= 1, name("models"), self.models, "at least 1")?;
        Setting::check(self.replays >= 1, name("replays"), self.replays, "at least 1")?;
        let rate = self.learning_rate > 0.0 && self.learning_rate <= 1.0;
        Setting::check(rate, name("learning_rate"), self.learning_rate, "above 0, at most 1")?;
        Setting::check((0.0..=1.0).contains(&self.discount), name("discount"), self.discount, "from 0 to 1")?;
        Setting::check((0.0..=1.0).contains(&self.initial), name("initial"), self.initial, "from 0 to 1")
    }

    /// The probability of a random step after so many different candidates.
    fn epsilon(&self, told: usize) -> f64 {
        let whole: f64 = SCHEDULE.iter().map(|(_, models)| models).sum();
        let mut left = told as f64 * whole / self.models as f64;
        for (epsilon, models) in SCHEDULE {
            if left < models {
                return epsilon;
            }
            left -= models;
        }
        0.1
    }
}

/// An agent that chooses a candidate step by step, at random or by the largest value, and learns the values of steps by
/// Q-learning from all that it was told, again and again.
///
/// [`MetaQnn::chains`] is the published one, over plain chains of layers. [`MetaQnn::new`] is the same agent over cells: a state
/// is which choice comes next (which edge a node keeps, which op an edge has), and a step is the edge or the op. As such states
/// do not know of each other's choices, each step earns an equal share of the score, in the place of the last one all of it:
/// otherwise only the last op would ever be learnt (Zhong et al., "Practical Block-Wise Neural Network Architecture
/// Generation", CVPR 2018, share it alike). What the paper looks up when it is drawn again is drawn anew here, up to 100 times.
#[derive(Clone, Debug)]
pub struct MetaQnn<W: Walk = CellWalk> {
    walk: W,
    config: MetaQnnConfig,
    values: Values<W>,
    /// Whether something was told since the last replay.
    due: bool,
}

impl MetaQnn {
    /// Over the cells of a space, with the published settings.
    pub fn new(space: SearchSpace) -> Self {
        Self::over(CellWalk::new(space))
    }
}

impl MetaQnn<ChainSpace> {
    /// Over chains, with the published settings.
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names what cannot be in the space.
    pub fn chains(space: ChainSpace) -> Result<Self, StrategyError> {
        space.validate()?;
        Ok(Self::over(space))
    }
}

impl<W: Walk> MetaQnn<W> {
    /// Over any space that is walked through, with the published settings.
    pub fn over(walk: W) -> Self {
        Self { walk, config: MetaQnnConfig::default(), values: Values::default(), due: false }
    }

    /// With other settings.
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names the one that cannot be.
    pub fn with_config(self, config: MetaQnnConfig) -> Result<Self, StrategyError> {
        config.validate()?;
        Ok(Self { config, ..self })
    }

    fn draw(&mut self, epsilon: f64, rng: &mut dyn Rng) -> W::Candidate {
        let mut taken = Vec::new();
        while let Some(state) = self.walk.state(&taken) {
            let steps = self.walk.steps(&state);
            let random = rng.random_bool(epsilon);
            let values = self.values.of(&self.walk, &state, self.config.initial);
            let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let open = values.iter().enumerate().filter(|(_, value)| random || **value >= best);
            let open: Vec<usize> = open.map(|(at, _)| at).collect();
            let step = crate::evolution::pick(&open, rng).and_then(|&at| steps.into_iter().nth(at));
            let Some(step) = step else { break };
            taken.push(step);
        }
        self.walk.candidate(&taken)
    }
}

impl<W: Walk> Strategy<W::Candidate> for MetaQnn<W> {
    fn name(&self) -> &str {
        "metaqnn"
    }

    fn ask(&mut self, rng: &mut dyn Rng) -> Result<W::Candidate, StrategyError> {
        if std::mem::take(&mut self.due) {
            for _ in 0..self.config.replays {
                self.values.replay(&self.walk, &self.config, rng);
            }
        }
        let epsilon = self.config.epsilon(self.values.different());
        let mut candidate = self.draw(epsilon, rng);
        for _ in 1..DRAWS {
            if !self.values.knows(&candidate) {
                break;
            }
            candidate = self.draw(epsilon, rng);
        }
        Ok(candidate)
    }

    /// A candidate that is not of this space teaches nothing; a score that is not finite counts as 0.
    fn tell(&mut self, candidate: &W::Candidate, score: f64) {
        if let Some(taken) = self.walk.taken(candidate) {
            self.due |= self.values.learn(&self.walk, candidate, taken, if score.is_finite() { score } else { 0.0 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedule_is_the_published_one_and_stretches() {
        let published = MetaQnnConfig::default();
        for (told, epsilon) in
            [(0, 1.0), (1_499, 1.0), (1_500, 0.9), (1_800, 0.6), (2_549, 0.2), (2_550, 0.1), (9_999, 0.1)]
        {
            assert_eq!(published.epsilon(told), epsilon, "{told}");
        }
        let short = MetaQnnConfig::for_budget(108);
        for (told, epsilon) in [(0, 1.0), (59, 1.0), (60, 0.9), (102, 0.1), (500, 0.1)] {
            assert_eq!(short.epsilon(told), epsilon, "{told}");
        }
    }
}
