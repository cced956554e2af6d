//! A genetic algorithm over bits (Xie and Yuille, "Genetic CNN", ICCV 2017).

mod cells;
mod stages;

use std::collections::HashMap;
use std::fmt::{Debug, Display};

use eoinas_core::{SearchSpace, Setting};
use rand::{Rng, RngExt};

use crate::{Strategy, StrategyError};
pub use cells::CellBits;
pub use eoinas_core::models::{Stage, Stages};
pub use stages::StageSpace;

const NAME: &str = "genetic-cnn";

/// Generations that may pass without anything new in them, before something random is asked for: a small space can be used up.
const GENERATIONS: usize = 100;

/// The bits of a candidate, stage by stage.
pub type Bits = Vec<Vec<bool>>;

/// A space whose candidates are strings of bits.
pub trait Encoding: Debug + Send {
    /// What is evaluated.
    type Candidate: Debug + Display + Send;

    /// How many bits each stage has; stages are what crossover swaps.
    fn stages(&self) -> Vec<usize>;

    /// The candidate of any bits.
    fn decode(&self, bits: &Bits) -> Self::Candidate;
}

/// Settings of [`GeneticCnn`]; each field says what may be set. The defaults are those published for CIFAR-10 (Section 4.2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeneticCnnConfig {
    /// Individuals of a generation; at least 2. Default 20.
    pub population: usize,
    /// Probability that a pair swaps stages; 0 to 1. Default 0.2.
    pub crossover: f64,
    /// Probability of each stage of such a pair to be swapped; 0 to 1. Default 0.2.
    pub swap: f64,
    /// Probability that an individual that swapped nothing mutates; 0 to 1. Default 0.8.
    pub mutation: f64,
    /// Probability of each bit of such an individual to be flipped; 0 to 1. Default 0.05.
    pub flip: f64,
}

impl Default for GeneticCnnConfig {
    fn default() -> Self {
        Self { population: 20, crossover: 0.2, swap: 0.2, mutation: 0.8, flip: 0.05 }
    }
}

impl GeneticCnnConfig {
    fn validate(&self) -> Result<(), Setting> {
        let name = |field: &str| format!("{NAME}.{field}");
        Setting::check(self.population >= 2, name("population"), self.population, "at least 2")?;
        for (field, value) in
            [("crossover", self.crossover), ("swap", self.swap), ("mutation", self.mutation), ("flip", self.flip)]
        {
            Setting::check((0.0..=1.0).contains(&value), name(field), value, "a probability from 0 to 1")?;
        }
        Ok(())
    }
}

/// Generations of bits: selected by a roulette whose slots are the scores above the generation's worst, crossed over by stages
/// in pairs, else mutated bit by bit (Algorithm 1).
///
/// [`GeneticCnn::stages`] is the published one, over which nodes of a stage are connected. [`GeneticCnn::new`] is the same over
/// the choices of a space's cells: each node is a stage, whose bits are the number of the subset of edges that it keeps (where
/// it keeps some) and the number of each kept edge's op. Numbers with more bits than there are choices begin again at 0.
///
/// What was told is not asked for again, where the paper trains it again and takes the mean: evaluators here are repeatable.
/// A budget is therefore of different candidates, and lasts for more generations than it has individuals.
#[derive(Clone, Debug)]
pub struct GeneticCnn<E: Encoding = CellBits> {
    encoding: E,
    config: GeneticCnnConfig,
    generation: Vec<Bits>,
    /// Scores by the candidates' texts.
    known: HashMap<String, f64>,
}

impl GeneticCnn {
    /// Over the cells of a space, with the published settings.
    ///
    /// # Errors
    /// [`StrategyError::Space`] for a space one of whose nodes has more than 65,536 subsets of edges to keep.
    pub fn new(space: SearchSpace) -> Result<Self, StrategyError> {
        Ok(Self::over(CellBits::new(space)?))
    }
}

impl GeneticCnn<StageSpace> {
    /// Over stages, with the published settings.
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names what cannot be in the space.
    pub fn stages(space: StageSpace) -> Result<Self, StrategyError> {
        space.validate()?;
        Ok(Self::over(space))
    }
}

impl<E: Encoding> GeneticCnn<E> {
    /// Over any space of bits, with the published settings.
    pub fn over(encoding: E) -> Self {
        Self { encoding, config: GeneticCnnConfig::default(), generation: Vec::new(), known: HashMap::new() }
    }

    /// With other settings.
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names the one that cannot be.
    pub fn with_config(self, config: GeneticCnnConfig) -> Result<Self, StrategyError> {
        config.validate()?;
        Ok(Self { config, ..self })
    }

    fn random(&self, rng: &mut dyn Rng) -> Bits {
        self.encoding.stages().into_iter().map(|bits| (0..bits).map(|_| rng.random_bool(0.5)).collect()).collect()
    }

    /// The next generation; every individual of this one has its score.
    fn breed(&self, rng: &mut dyn Rng) -> Vec<Bits> {
        let score = |bits: &Bits| self.known.get(&self.encoding.decode(bits).to_string()).copied().unwrap_or(0.0);
        let scores: Vec<f64> = self.generation.iter().map(score).collect();
        let mut next: Vec<Bits> =
            (0..self.config.population).filter_map(|_| self.generation.get(roulette(&scores, rng)).cloned()).collect();
        for pair in next.chunks_mut(2) {
            if let [one, other] = pair
                && rng.random_bool(self.config.crossover)
            {
                for (one, other) in one.iter_mut().zip(other) {
                    if rng.random_bool(self.config.swap) {
                        std::mem::swap(one, other);
                    }
                }
                continue;
            }
            for individual in pair {
                if rng.random_bool(self.config.mutation) {
                    individual.iter_mut().flatten().for_each(|bit| *bit ^= rng.random_bool(self.config.flip));
                }
            }
        }
        next
    }
}

/// An index, with probabilities that are proportional to what each score is above the lowest; all alike where none is.
fn roulette(scores: &[f64], rng: &mut dyn Rng) -> usize {
    let worst = scores.iter().copied().fold(f64::INFINITY, f64::min);
    let whole: f64 = scores.iter().map(|score| score - worst).sum();
    if whole.is_nan() || whole <= 0.0 {
        return rng.random_range(0..scores.len().max(1));
    }
    let mut left = whole * rng.random::<f64>();
    for (index, score) in scores.iter().enumerate() {
        left -= score - worst;
        if left < 0.0 {
            return index;
        }
    }
    // Rounding may leave a last bit over; the best has a slot for certain.
    scores.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(index, _)| index)
}

impl<E: Encoding> Strategy<E::Candidate> for GeneticCnn<E> {
    fn name(&self) -> &str {
        NAME
    }

    fn ask(&mut self, rng: &mut dyn Rng) -> Result<E::Candidate, StrategyError> {
        if self.generation.is_empty() {
            self.generation = (0..self.config.population).map(|_| self.random(rng)).collect();
        }
        for _ in 0..GENERATIONS {
            let candidates = self.generation.iter().map(|bits| self.encoding.decode(bits));
            let unknown = candidates.into_iter().find(|candidate| !self.known.contains_key(&candidate.to_string()));
            if let Some(candidate) = unknown {
                return Ok(candidate);
            }
            self.generation = self.breed(rng);
        }
        Ok(self.encoding.decode(&self.random(rng)))
    }

    /// A score that is not finite counts as 0.
    fn tell(&mut self, candidate: &E::Candidate, score: f64) {
        self.known.insert(candidate.to_string(), if score.is_finite() { score } else { 0.0 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SeedStream, Streams};

    #[test]
    fn the_roulette_has_slots_above_the_worst() {
        let mut rng = Streams::new(1).rng(SeedStream::Named("roulette"), 0, 0);
        let mut counts = [0.0_f64; 4];
        for _ in 0..20_000 {
            counts[roulette(&[0.7, 0.5, 0.6, 0.9], &mut rng)] += 1.0 / 20_000.0;
        }
        for (share, expected) in counts.into_iter().zip([2.0 / 7.0, 0.0, 1.0 / 7.0, 4.0 / 7.0]) {
            assert!((share - expected).abs() < 0.012, "{counts:?}");
        }
        let equal: std::collections::HashSet<usize> = (0..200).map(|_| roulette(&[0.5; 3], &mut rng)).collect();
        assert_eq!(equal.len(), 3);
    }

    /// Shares over many generations: how many individuals change at all, and how many bits of those that mutate.
    #[test]
    fn a_generation_changes_as_its_probabilities_say() {
        let config = GeneticCnnConfig { crossover: 0.0, population: 2_000, ..GeneticCnnConfig::default() };
        let mut genetic = GeneticCnn::stages(StageSpace::default()).unwrap().with_config(config).unwrap();
        let mut rng = Streams::new(1).rng(SeedStream::Named("breed"), 0, 0);
        let zeros: Bits = genetic.encoding.stages().into_iter().map(|bits| vec![false; bits]).collect();
        genetic.generation = vec![zeros; 2_000];
        let flipped = genetic.breed(&mut rng).iter().flatten().flatten().filter(|bit| **bit).count() as f64;
        // 19 bits, mutation 0.8, flip 0.05.
        let expected = 2_000.0 * 19.0 * 0.8 * 0.05;
        assert!((flipped / expected - 1.0).abs() < 0.1, "{flipped} against {expected}");
    }

    #[test]
    fn crossover_swaps_whole_stages() {
        let config = GeneticCnnConfig { crossover: 1.0, swap: 0.5, ..GeneticCnnConfig::default() };
        let mut genetic = GeneticCnn::stages(StageSpace::default()).unwrap().with_config(config).unwrap();
        let of = |bit| -> Bits { genetic.encoding.stages().into_iter().map(|bits| vec![bit; bits]).collect() };
        let (zeros, ones) = (of(false), of(true));
        genetic.generation = vec![zeros, ones];
        let mut rng = Streams::new(1).rng(SeedStream::Named("swap"), 0, 0);
        let next = genetic.breed(&mut rng);
        assert!(next.iter().flatten().all(|stage| stage.iter().all(|bit| *bit == stage[0])));
        assert!(next.iter().any(|bits| bits[0][0] != bits[1][0] || bits[1][0] != bits[2][0]));
    }
}
