//! Evolution of motifs within motifs (Liu, Simonyan, Vinyals, Fernando, Kavukcuoglu, "Hierarchical Representations for
//! Efficient Architecture Search", ICLR 2018).

mod cells;
mod motifs;

use std::fmt::{Debug, Display};

use eoinas_core::{SearchSpace, Setting};
use rand::{Rng, RngExt};

use crate::{Strategy, StrategyError};
pub use cells::CellMotifs;
pub use eoinas_core::models::{Motif, Motifs, PRIMITIVES};
pub use motifs::MotifSpace;

const NAME: &str = "hierarchical";

/// Draws for a candidate whose output depends on its input.
const DRAWS: usize = 100;

/// A space of graphs that change by one edge at a time.
pub trait Mutable: Debug + Send {
    /// What is evaluated.
    type Candidate: Clone + Debug + Display + Send;

    /// The candidate that passes its input on.
    fn identity(&self) -> Self::Candidate;

    /// The same with another op on one edge.
    fn mutate(&self, candidate: Self::Candidate, rng: &mut dyn Rng) -> Self::Candidate;

    /// Whether this is of the space and its output depends on its input.
    fn works(&self, candidate: &Self::Candidate) -> bool;
}

/// Settings of [`Hierarchical`]; each field says what may be set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HierarchicalConfig {
    /// Random candidates before the first tournament; at least 1. Default 200, as published (of 7,000).
    pub population: usize,
    /// The share of all candidates so far that a tournament is held among; above 0, at most 1. Default 0.05, as published.
    pub tournament: f64,
    /// The smallest tournament, where there are as many; at least 1. Default 10: the published share of the published first
    /// population, so that it says nothing there, and small budgets do not choose among two or three.
    pub least: usize,
    /// Mutations that a random candidate is away from the identity. Default 1,000, as published.
    pub mutations: usize,
}

impl Default for HierarchicalConfig {
    fn default() -> Self {
        Self { population: 200, tournament: 0.05, least: 10, mutations: 1_000 }
    }
}

impl HierarchicalConfig {
    /// The published settings with the published share of random candidates, 200 of 7,000, but ten at least.
    pub fn for_budget(budget: usize) -> Self {
        Self { population: (budget / 35).max(10), ..Self::default() }
    }

    fn validate(&self) -> Result<(), Setting> {
        let name = |field: &str| format!("{NAME}.{field}");
        Setting::check(self.population >= 1, name("population"), self.population, "at least 1")?;
        let share = self.tournament > 0.0 && self.tournament <= 1.0;
        Setting::check(share, name("tournament"), self.tournament, "above 0, at most 1")?;
        Setting::check(self.least >= 1, name("least"), self.least, "at least 1")?;
        Setting::check(self.mutations <= 1_000_000, name("mutations"), self.mutations, "at most 1000000")
    }
}

/// The best of a random part of all candidates so far is mutated; none is ever removed (Algorithm 1, with one worker).
///
/// [`Hierarchical::motifs`] is the published one, over motifs within motifs. [`Hierarchical::new`] takes the cells of a space as
/// motifs of one level, each kind of cell one: a mutation takes a random node of a random kind of cell and gives one of its
/// possible edges a random op; where the node does not have that edge as it keeps only some (DARTS), the edge takes the place of
/// another. A mutation changes something, which the paper does not ask for.
#[derive(Clone, Debug)]
pub struct Hierarchical<M: Mutable = CellMotifs> {
    space: M,
    config: HierarchicalConfig,
    told: Vec<(M::Candidate, f64)>,
}

impl Hierarchical {
    /// Over the cells of a space, with the published settings.
    ///
    /// # Errors
    /// [`StrategyError::Space`] for a space without `skip_connect`, in which there is no identity to begin with.
    pub fn new(space: SearchSpace) -> Result<Self, StrategyError> {
        Ok(Self::over(CellMotifs::new(space)?))
    }
}

impl Hierarchical<MotifSpace> {
    /// Over motifs, with the published settings.
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names what cannot be in the space.
    pub fn motifs(space: MotifSpace) -> Result<Self, StrategyError> {
        space.validate()?;
        Ok(Self::over(space))
    }
}

impl<M: Mutable> Hierarchical<M> {
    /// Over any such space, with the published settings.
    pub fn over(space: M) -> Self {
        Self { space, config: HierarchicalConfig::default(), told: Vec::new() }
    }

    /// With other settings.
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names the one that cannot be.
    pub fn with_config(self, config: HierarchicalConfig) -> Result<Self, StrategyError> {
        config.validate()?;
        Ok(Self { config, ..self })
    }

    fn random(&self, rng: &mut dyn Rng) -> M::Candidate {
        (0..self.config.mutations).fold(self.space.identity(), |candidate, _| self.space.mutate(candidate, rng))
    }

    /// The best of a tournament.
    fn parent(&self, rng: &mut dyn Rng) -> Option<&M::Candidate> {
        let all = self.told.len();
        let size = ((self.config.tournament * all as f64).ceil() as usize).max(self.config.least).min(all);
        let mut places: Vec<usize> = (0..all).collect();
        for at in 0..size {
            places.swap(at, rng.random_range(at..all));
        }
        let drawn = places.iter().take(size).filter_map(|&at| self.told.get(at));
        drawn.reduce(|best, other| if other.1 > best.1 { other } else { best }).map(|(candidate, _)| candidate)
    }
}

impl<M: Mutable> Strategy<M::Candidate> for Hierarchical<M> {
    fn name(&self) -> &str {
        NAME
    }

    fn ask(&mut self, rng: &mut dyn Rng) -> Result<M::Candidate, StrategyError> {
        let parent = if self.told.len() < self.config.population { None } else { self.parent(rng).cloned() };
        let draw = |rng: &mut dyn Rng| match &parent {
            Some(parent) => self.space.mutate(parent.clone(), rng),
            None => self.random(rng),
        };
        for _ in 0..DRAWS {
            let candidate = draw(rng);
            if self.space.works(&candidate) {
                return Ok(candidate);
            }
        }
        Ok(self.space.identity())
    }

    /// A candidate that is not of this space teaches nothing; a score that is not finite is worse than every other.
    fn tell(&mut self, candidate: &M::Candidate, score: f64) {
        if self.space.works(candidate) {
            self.told.push((candidate.clone(), if score.is_finite() { score } else { f64::NEG_INFINITY }));
        }
    }
}
