//! Random search.

use eoinas_core::{Genotype, SearchSpace};
use rand::Rng;

use crate::{Strategy, StrategyError};

/// Every genotype of the space equally likely, whatever the scores. With a supernet as evaluator it is random search
/// with weight sharing (Li and Talwalkar, 2019).
#[derive(Clone, Debug)]
pub struct RandomSearch {
    space: SearchSpace,
}

impl RandomSearch {
    /// Random search in a space.
    pub fn new(space: SearchSpace) -> Self {
        Self { space }
    }
}

impl Strategy for RandomSearch {
    fn name(&self) -> &str {
        "random"
    }

    fn ask(&mut self, rng: &mut dyn Rng) -> Result<Genotype, StrategyError> {
        Ok(Genotype::random(&self.space, rng))
    }

    fn tell(&mut self, _: &Genotype, _: f64) {}
}
