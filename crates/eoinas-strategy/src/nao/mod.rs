//! Neural architecture optimisation (Luo, Tian, Qin, Chen, Liu, "Neural Architecture Optimization", NeurIPS 2018: NAO).

mod fit;
mod network;
mod sequence;

use std::collections::{HashSet, VecDeque};

use eoinas_core::{Genotype, SearchSpace, SeedStream, Setting, Streams};
use rand::{Rng, RngExt};

use crate::networks::on_one_thread;
use crate::{Strategy, StrategyError};
use fit::Learner;
use sequence::Sequences;

const NAME: &str = "nao";

/// Draws for a genotype that was not asked for yet, before one is repeated: a small space can be used up.
const DRAWS: usize = 100;

/// Settings of [`Nao`]; each field says what may be set. The defaults are those of the authors' search on CIFAR-10
/// (renqianluo/NAO_pytorch, `NAO_V1/train_search.py`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NaoConfig {
    /// Random genotypes before the network is trained; at least 2. Default 600.
    pub initial: usize,
    /// Genotypes that are made before the network is trained again; at least 1. Default 300.
    pub batch: usize,
    /// How many of the best known are improved; at least 1. Default 100.
    pub parents: usize,
    /// Times that the network sees all that is known, each time that it is trained; at least 1. Default 1,000.
    pub epochs: usize,
    /// Random genotypes that nobody scores, for the decoder; 0 for none. Each step of the training has as many of them as of
    /// scored ones. Default 0.
    pub unscored: usize,
    /// Genotypes in one step of the training; at least 1. Default 100.
    pub batch_size: usize,
    /// Adam's learning rate; larger than 0. Default 0.001.
    pub learning_rate: f64,
    /// Share of the predictor in the loss, the decoder has the rest; 0 to 1. Default 0.8.
    pub trade_off: f64,
    /// Largest norm of a step's gradients; larger than 0. Default 5.
    pub clip: f64,
    /// Numbers for each token; at least 1. Default 32.
    pub embedding: usize,
    /// Units of encoder and decoder; at least 1. Default 64.
    pub hidden: usize,
    /// The longest step along the predictor's gradient: lengths are tried from 1 up to that, until there are enough new
    /// genotypes; at least 1. Default 50.
    pub longest_step: usize,
}

impl Default for NaoConfig {
    fn default() -> Self {
        Self {
            initial: 600,
            batch: 300,
            parents: 100,
            epochs: 1_000,
            unscored: 0,
            batch_size: 100,
            learning_rate: 0.001,
            trade_off: 0.8,
            clip: 5.0,
            embedding: 32,
            hidden: 64,
            longest_step: 50,
        }
    }
}

impl NaoConfig {
    /// The published settings with counts for so many genotypes: the first quarter is random, then an eighth is made six times out
    /// of a third as many, as 300 are made out of 100 there. The decoder has 1,000 more genotypes, as so few are learnt by heart;
    /// 300 steps of 50 before the first are made, instead of 54,000 of 100.
    pub fn for_budget(budget: usize) -> Self {
        let (batch, batch_size) = ((budget / 8).max(1), 50);
        let (initial, parents) = ((budget / 4).max(2), (batch / 3).max(1));
        let epochs = (300 / initial.div_ceil(batch_size)).max(50);
        Self { initial, batch, parents, epochs, unscored: 1_000, batch_size, ..Self::default() }
    }

    fn validate(&self) -> Result<(), Setting> {
        let name = |field: &str| format!("{NAME}.{field}");
        for (field, value, least) in [
            ("initial", self.initial, 2),
            ("batch", self.batch, 1),
            ("parents", self.parents, 1),
            ("epochs", self.epochs, 1),
            ("batch_size", self.batch_size, 1),
            ("embedding", self.embedding, 1),
            ("hidden", self.hidden, 1),
            ("longest_step", self.longest_step, 1),
        ] {
            Setting::check(value >= least, name(field), value, format!("at least {least}"))?;
        }
        for (field, value) in [("embedding", self.embedding), ("hidden", self.hidden)] {
            Setting::check(value <= 4_096, name(field), value, "at most 4096")?;
        }
        for (field, value) in [("learning_rate", self.learning_rate), ("clip", self.clip)] {
            let positive = value > 0.0 && value.is_finite();
            Setting::check(positive, name(field), value, "a finite number larger than 0")?;
        }
        Setting::check((0.0..=1.0).contains(&self.trade_off), name("trade_off"), self.trade_off, "from 0 to 1")
    }
}

/// An encoder turns genotypes into numbers, a predictor those into a score, and a decoder back into a genotype: the best known
/// are encoded, moved along the predictor's gradient and decoded, and what is new is asked for.
///
/// A genotype is a sequence of the edges that nodes keep, where they keep some, and their ops. Encoder and decoder are an LSTM of
/// one layer each, the decoder with attention to the encoder's outputs; the embedding is the mean of those outputs, all of them
/// of length 1. Losses are the squared error of the predicted score (scores are scaled to 0 to 1) and the cross-entropy of the
/// decoded sequence. As in the authors' code, but: the two inputs of a node have one order here, so that nothing is gained by
/// swapping them, as there, ten times; what a step decodes to is of the space by construction; and where the longest step gives
/// too few new genotypes, random ones make up for them.
///
/// A decoder that has seen few genotypes knows no others: it puts what is between two of them down as one of them, and steps
/// along the best of predictions lead nowhere. It needs no scores to learn from, though: [`NaoConfig::unscored`] says how many
/// random genotypes it sees beside (Luo et al., "Semi-Supervised Neural Architecture Search", NeurIPS 2020, train both parts on
/// such).
///
/// Replaying a history trains the network again.
#[derive(Debug)]
pub struct Nao {
    sequences: Sequences,
    config: NaoConfig,
    /// Tokens and scores.
    told: Vec<(Vec<u32>, f64)>,
    learner: Option<Learner>,
    /// Texts of all genotypes that were asked for or told.
    known: HashSet<String>,
    queue: VecDeque<Genotype>,
}

impl Nao {
    /// With the published settings.
    pub fn new(space: SearchSpace) -> Self {
        let sequences = Sequences::new(space);
        let config = NaoConfig::default();
        Self { sequences, config, told: Vec::new(), learner: None, known: HashSet::new(), queue: VecDeque::new() }
    }

    /// With other settings.
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names the one that cannot be.
    pub fn with_config(self, config: NaoConfig) -> Result<Self, StrategyError> {
        config.validate()?;
        Ok(Self { config, ..self })
    }

    /// A random genotype, an unknown one if there are any.
    fn random(&self, rng: &mut dyn Rng) -> Genotype {
        let mut genotype = Genotype::random(self.sequences.space(), rng);
        for _ in 1..DRAWS {
            if !self.known.contains(&genotype.to_string()) {
                break;
            }
            genotype = Genotype::random(self.sequences.space(), rng);
        }
        genotype
    }

    /// Trains the network and queues what it makes of the best known.
    fn improve(&mut self, rng: &mut dyn Rng) -> candle_core::Result<()> {
        let mut learner = match self.learner.take() {
            Some(learner) => learner,
            None => Learner::new(&self.sequences, &self.config, rng)?,
        };
        learner.fit(&self.sequences, &self.config, &self.told, rng)?;
        let mut best: Vec<&(Vec<u32>, f64)> = self.told.iter().collect();
        best.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        best.truncate(self.config.parents);
        let best: Vec<Vec<u32>> = best.into_iter().map(|(tokens, _)| tokens.clone()).collect();
        let mut queued = HashSet::new();
        for length in 1..=self.config.longest_step {
            for genotype in learner.network.improved(&self.sequences, &best, length as f64)? {
                let text = genotype.to_string();
                if self.queue.len() < self.config.batch && !self.known.contains(&text) && queued.insert(text) {
                    self.queue.push_back(genotype);
                }
            }
            if self.queue.len() >= self.config.batch {
                break;
            }
        }
        for _ in self.queue.len()..self.config.batch {
            self.queue.push_back(self.random(rng));
        }
        self.learner = Some(learner);
        Ok(())
    }
}

impl Strategy for Nao {
    fn name(&self) -> &str {
        NAME
    }

    /// # Errors
    /// [`StrategyError::Network`] where the tensor library fails.
    fn ask(&mut self, rng: &mut dyn Rng) -> Result<Genotype, StrategyError> {
        let genotype = if self.told.len() < self.config.initial {
            self.random(rng)
        } else {
            if self.queue.is_empty() {
                // The generator is not one that may go to another thread.
                let streams = Streams::new(rng.random());
                on_one_thread(|| self.improve(&mut streams.rng(SeedStream::Named(NAME), 0, 0)))
                    .map_err(|source| StrategyError::Network { strategy: NAME, source })?;
            }
            self.queue.pop_front().unwrap_or_else(|| self.random(rng))
        };
        self.known.insert(genotype.to_string());
        Ok(genotype)
    }

    /// A genotype that does not fit the space teaches nothing; a score that is not finite counts as 0.
    fn tell(&mut self, genotype: &Genotype, score: f64) {
        if let Some(tokens) = self.sequences.tokens(genotype) {
            self.known.insert(genotype.to_string());
            self.told.push((tokens, if score.is_finite() { score } else { 0.0 }));
        }
    }
}
