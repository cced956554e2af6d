//! The trait that every strategy implements.

use std::fmt;

use eoinas_core::Genotype;
use rand::Rng;

use crate::StrategyError;

/// Proposes genotypes and learns from their scores.
///
/// All that a strategy knows is what it was told, in order, and all its draws come from the generator that `ask` is
/// given: so a search is resumed by replaying its history.
pub trait Strategy: fmt::Debug + Send {
    /// Its name in tables and messages: `random`, `evolution`, ...
    fn name(&self) -> &str;

    /// The next genotype to evaluate. It [fits](Genotype::fits) the space that the strategy was made with.
    fn ask(&mut self, rng: &mut dyn Rng) -> Result<Genotype, StrategyError>;

    /// The score of a genotype, higher is better. A score that is not finite counts as worse than every other.
    fn tell(&mut self, genotype: &Genotype, score: f64);
}

impl<S: Strategy + ?Sized> Strategy for Box<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn ask(&mut self, rng: &mut dyn Rng) -> Result<Genotype, StrategyError> {
        (**self).ask(rng)
    }

    fn tell(&mut self, genotype: &Genotype, score: f64) {
        (**self).tell(genotype, score);
    }
}
