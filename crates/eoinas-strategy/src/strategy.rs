//! The trait that every strategy implements.

use std::fmt;

use eoinas_core::Genotype;
use rand::Rng;

use crate::StrategyError;

/// Proposes candidates and learns from their scores: genotypes of cells, or of another kind (`C`).
///
/// All that a strategy knows is what it was told, in order, and all its draws come from the generator that `ask` is
/// given: so a search is resumed by replaying its history.
pub trait Strategy<C = Genotype>: fmt::Debug + Send {
    /// Its name in tables and messages: `random`, `evolution`, ...
    fn name(&self) -> &str;

    /// The next candidate to evaluate. A genotype [fits](Genotype::fits) the space that the strategy was made with.
    fn ask(&mut self, rng: &mut dyn Rng) -> Result<C, StrategyError>;

    /// The score of a candidate, higher is better. A score that is not finite counts as worse than every other.
    fn tell(&mut self, candidate: &C, score: f64);
}

impl<C, S: Strategy<C> + ?Sized> Strategy<C> for Box<S> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn ask(&mut self, rng: &mut dyn Rng) -> Result<C, StrategyError> {
        (**self).ask(rng)
    }

    fn tell(&mut self, candidate: &C, score: f64) {
        (**self).tell(candidate, score);
    }
}
