//! Sequential model-based search (Liu et al., "Progressive Neural Architecture Search", ECCV 2018: PNAS).

mod surrogate;

use std::collections::{HashSet, VecDeque};

use eoinas_core::{Genotype, SearchSpace, Setting};
use rand::{Rng, RngExt};

use crate::choices::{Choices, Picks};
use crate::evolution::mutate;
use crate::{Strategy, StrategyError};
use surrogate::Surrogate;

const NAME: &str = "smbo";

/// Draws for a genotype that was not asked for yet, before one is repeated: a small space can be used up.
const DRAWS: usize = 100;

/// Settings of [`Smbo`]; each field says what may be set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmboConfig {
    /// Random genotypes before the first surrogate is fitted; at least 2. Default 20.
    pub initial: usize,
    /// Genotypes asked for before the surrogate is fitted anew; at least 1. Default 10.
    pub batch: usize,
    /// Candidates that the surrogate ranks: half random, half mutations of the best known; at least 2. Default 500.
    pub candidates: usize,
    /// How many of the best known genotypes are mutated; at least 1. Default 10.
    pub parents: usize,
    /// Regressions in the ensemble; at least 1. Default 5, as in the paper.
    pub members: usize,
    /// Weight of the squared coefficients in the regression; larger than 0. Default 0.01.
    pub ridge: f64,
    /// Probability that a random genotype is asked for instead of the surrogate's best; 0 to 1. Default 0.1.
    pub exploration: f64,
}

impl Default for SmboConfig {
    fn default() -> Self {
        Self { initial: 20, batch: 10, candidates: 500, parents: 10, members: 5, ridge: 0.01, exploration: 0.1 }
    }
}

impl SmboConfig {
    fn validate(&self) -> Result<(), Setting> {
        let name = |field: &str| format!("{NAME}.{field}");
        for (field, value, least) in [
            ("initial", self.initial, 2),
            ("batch", self.batch, 1),
            ("candidates", self.candidates, 2),
            ("parents", self.parents, 1),
            ("members", self.members, 1),
        ] {
            Setting::check(value >= least, name(field), value, format!("at least {least}"))?;
        }
        let ridge = self.ridge > 0.0 && self.ridge.is_finite();
        Setting::check(ridge, name("ridge"), self.ridge, "a finite number larger than 0")?;
        let share = (0.0..=1.0).contains(&self.exploration);
        Setting::check(share, name("exploration"), self.exploration, "from 0 to 1")
    }
}

/// A surrogate learns to predict scores, and the candidates that it ranks highest are asked for next.
///
/// What differs from the paper: cells have all their nodes from the start, where PNAS grows them node by node and so
/// expands the best smaller cells; candidates here are random genotypes and mutations of the best known. The surrogate is
/// an ensemble of ridge regressions over which edges are kept with which ops, and pairs of these, where the paper trains
/// an ensemble of LSTMs or perceptrons. Some genotypes are drawn at random, so that what the surrogate is wrong about is
/// found out. No genotype is asked for twice while there are others.
#[derive(Clone, Debug)]
pub struct Smbo {
    choices: Choices,
    config: SmboConfig,
    told: Vec<(Picks, f64)>,
    /// Texts of all genotypes that were asked for or told.
    known: HashSet<String>,
    /// The best of the last ranking, the best in front.
    queue: VecDeque<Genotype>,
}

impl Smbo {
    /// With the default settings.
    pub fn new(space: SearchSpace) -> Self {
        let (config, choices) = (SmboConfig::default(), Choices::new(space));
        Self { choices, config, told: Vec::new(), known: HashSet::new(), queue: VecDeque::new() }
    }

    /// With other settings.
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names the one that cannot be.
    pub fn with_config(self, config: SmboConfig) -> Result<Self, StrategyError> {
        config.validate()?;
        Ok(Self { config, ..self })
    }

    /// A random genotype, an unknown one if there are any.
    fn random(&self, rng: &mut dyn Rng) -> Genotype {
        let mut genotype = Genotype::random(self.choices.space(), rng);
        for _ in 0..DRAWS {
            if !self.known.contains(&genotype.to_string()) {
                break;
            }
            genotype = Genotype::random(self.choices.space(), rng);
        }
        genotype
    }

    /// Unknown genotypes, each once.
    fn candidates(&self, rng: &mut dyn Rng) -> Vec<Genotype> {
        let mut best: Vec<&(Picks, f64)> = self.told.iter().collect();
        best.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        best.truncate(self.config.parents);
        let space = self.choices.space();
        let mut seen = HashSet::new();
        let mut candidates = Vec::with_capacity(self.config.candidates);
        for index in 0..self.config.candidates {
            let parent = if index % 2 == 0 || best.is_empty() { None } else { best.get(index / 2 % best.len()) };
            let genotype = match parent {
                Some((picks, _)) => mutate(self.choices.genotype(picks), space, rng),
                None => Genotype::random(space, rng),
            };
            let text = genotype.to_string();
            if !self.known.contains(&text) && seen.insert(text) {
                candidates.push(genotype);
            }
        }
        candidates
    }

    /// Fits the surrogate and queues the candidates that it ranks highest.
    fn rank(&mut self, rng: &mut dyn Rng) -> Result<(), StrategyError> {
        let surrogate = Surrogate::fit(&self.choices, &self.told, self.config.members, self.config.ridge);
        let surrogate = surrogate.ok_or(StrategyError::Surrogate {
            strategy: NAME,
            examples: self.told.len(),
            ridge: self.config.ridge,
        })?;
        let predicted = |genotype: Genotype| Some((surrogate.predict(&self.choices.picks(&genotype)?), genotype));
        let mut ranked: Vec<(f64, Genotype)> = self.candidates(rng).into_iter().filter_map(predicted).collect();
        ranked.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        self.queue = ranked.into_iter().take(self.config.batch).map(|(_, genotype)| genotype).collect();
        Ok(())
    }
}

impl Strategy for Smbo {
    fn name(&self) -> &str {
        NAME
    }

    /// # Errors
    /// [`StrategyError::Surrogate`] where the regression cannot be solved: `ridge` is too small.
    fn ask(&mut self, rng: &mut dyn Rng) -> Result<Genotype, StrategyError> {
        let genotype = if self.told.len() < self.config.initial || rng.random_bool(self.config.exploration) {
            self.random(rng)
        } else {
            if self.queue.is_empty() {
                self.rank(rng)?;
            }
            self.queue.pop_front().unwrap_or_else(|| self.random(rng))
        };
        let text = genotype.to_string();
        // One that was drawn at random may stand in the queue, too.
        self.queue.retain(|queued| *queued != genotype);
        self.known.insert(text);
        Ok(genotype)
    }

    /// A genotype that does not fit the space teaches nothing; a score that is not finite counts as 0.
    fn tell(&mut self, genotype: &Genotype, score: f64) {
        if let Some(picks) = self.choices.picks(genotype) {
            self.known.insert(genotype.to_string());
            self.told.push((picks, if score.is_finite() { score } else { 0.0 }));
        }
    }
}
