//! Chains and DenseNets that are made wider and deeper by two actors (Cai, Chen, Zhang, Yu, Wang, "Efficient Architecture Search by
//! Network Transformation", AAAI 2018: EAS).

mod actors;
mod chains;
mod decisions;
mod densenets;
mod space;

use std::collections::HashMap;

use eoinas_core::{SeedStream, Setting, Streams};
use rand::{Rng, RngExt};

use crate::chain::Growth;
use crate::networks::{Adam, Weights, on_one_thread};
use crate::{Strategy, StrategyError};
use actors::Actors;
use decisions::Decision;

pub use densenets::DenseGrowth;
pub use space::Grows;

const NAME: &str = "eas";

/// Settings of [`Eas`]; each field says what may be set. The defaults are those of the authors' search on plain networks
/// (han-cai/EAS, `arch_search_convnet_net2net.py`); [`densenets`](Self::densenets) has those on DenseNets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EasConfig {
    /// Candidates whose scores make one step of the actors; at least 1. Default 10.
    pub batch: usize,
    /// Decisions of the wider actor for a candidate, each about all of its layers; at most 100. Default 4.
    pub wider: usize,
    /// Layers that the deeper actor then adds; at most 100. Default 5.
    pub deeper: usize,
    /// Most layers of a candidate, with poolings, transitions and a DenseNet's first convolution; from the start's on, at most
    /// 1,000. Default 50.
    pub longest: usize,
    /// Numbers for each token; 1 to 4,096. Default 16.
    pub embedding: usize,
    /// Units of the encoder in each direction; 1 to 4,096. Default 50.
    pub hidden: usize,
    /// Adam's learning rate; larger than 0. Default 0.002.
    pub learning_rate: f64,
    /// Weight of the decisions' entropy; 0 or more. Default 1e-5.
    pub entropy: f64,
    /// Share of the old mean in the mean reward that others are compared with; from 0 to below 1. Default 0.95.
    pub decay: f64,
}

impl Default for EasConfig {
    fn default() -> Self {
        Self {
            batch: 10,
            wider: 4,
            deeper: 5,
            longest: 50,
            embedding: 16,
            hidden: 50,
            learning_rate: 0.002,
            entropy: 1e-5,
            decay: 0.95,
        }
    }
}

impl EasConfig {
    /// Those of the authors' search on DenseNets (`arch_search_densenet_net2net.py`): ten decisions of the wider actor, the others as
    /// for chains.
    pub fn densenets() -> Self {
        Self { wider: 10, ..Self::default() }
    }

    /// With so many layers in the first candidate.
    fn validate(&self, layers: usize) -> Result<(), Setting> {
        let name = |field: &str| format!("{NAME}.{field}");
        Setting::check(self.batch >= 1, name("batch"), self.batch, "at least 1")?;
        for (field, value) in [("wider", self.wider), ("deeper", self.deeper)] {
            Setting::check(value <= 100, name(field), value, "at most 100")?;
        }
        let longest = (layers..=1_000).contains(&self.longest);
        let expected = format!("from {layers}, the layers of the first candidate, to 1000");
        Setting::check(longest, name("longest"), self.longest, expected)?;
        for (field, value) in [("embedding", self.embedding), ("hidden", self.hidden)] {
            Setting::check((1..=4_096).contains(&value), name(field), value, "from 1 to 4096")?;
        }
        let rate = self.learning_rate > 0.0 && self.learning_rate.is_finite();
        Setting::check(rate, name("learning_rate"), self.learning_rate, "a finite number larger than 0")?;
        let entropy = self.entropy >= 0.0 && self.entropy.is_finite();
        Setting::check(entropy, name("entropy"), self.entropy, "a finite number, 0 or more")?;
        Setting::check((0.0..1.0).contains(&self.decay), name("decay"), self.decay, "from 0 to below 1")
    }
}

/// Candidates that grow out of one: a bidirectional LSTM reads the layers, the wider actor decides for each layer whether it takes
/// the next larger width, the deeper actor which layer gets another behind it, and with which filter where that is chosen.
/// REINFORCE moves both after each batch of scores, by `tan(score * pi / 2)` above its moving average. Which networks: chains
/// by [`Growth`](crate::chain::Growth), DenseNets by [`DenseGrowth`], others by [`Grows`].
///
/// These are the architectures alone: that weights are handed on from the first network, which is what makes a short training
/// enough, is the evaluator's. The paper begins again from the best network after a time: make a new one with that as its start.
/// Replaying a history trains the actors again.
#[derive(Debug)]
pub struct Eas<G: Grows = Growth> {
    start: G::Candidate,
    growth: G,
    config: EasConfig,
    learner: Option<(Actors, Adam)>,
    /// The decisions of what was asked for, by its text.
    open: HashMap<String, Vec<Decision<G::Candidate>>>,
    done: Vec<(Vec<Decision<G::Candidate>>, f64)>,
    baseline: Option<f64>,
}

impl<G: Grows> Eas<G> {
    /// With the published settings for chains.
    ///
    /// # Errors
    /// [`StrategyError::Setting`] for widths or filters that cannot be, and for a first candidate with others.
    pub fn new(start: G::Candidate, growth: G) -> Result<Self, StrategyError> {
        growth.validate()?;
        let layers = growth.tokens(&start).filter(|_| growth.places(&start).iter().any(|layers| *layers > 0));
        let expected = "a network with a layer that can grow, and no widths and filters but those that it may grow to";
        let layers = layers.ok_or_else(|| Setting::new(format!("{NAME}.start"), &start, expected))?.len();
        let config = EasConfig::default();
        config.validate(layers)?;
        let (learner, open, done, baseline) = (None, HashMap::new(), Vec::new(), None);
        Ok(Self { start, growth, config, learner, open, done, baseline })
    }

    /// With other settings, before anything is asked.
    ///
    /// # Errors
    /// [`StrategyError::Setting`] names the one that cannot be.
    pub fn with_config(self, config: EasConfig) -> Result<Self, StrategyError> {
        config.validate(layers(&self.growth, &self.start))?;
        Ok(Self { config, ..self })
    }

    fn grow(&mut self, rng: &mut dyn Rng) -> candle_core::Result<G::Candidate> {
        if self.learner.is_none() {
            let mut weights = Weights::new(rng);
            let sizes = (self.config.embedding, self.config.hidden);
            let blocks = self.growth.places(&self.start).len();
            let outputs = [blocks, self.config.longest, self.growth.filters()];
            let actors = Actors::new(&mut weights, self.growth.vocabulary(), sizes, outputs)?;
            let adam = Adam::new(std::mem::take(&mut weights.all), self.config.learning_rate, f64::INFINITY)?;
            self.learner = Some((actors, adam));
        }
        let Some((actors, adam)) = &mut self.learner else { return Ok(self.start.clone()) };
        if self.done.len() >= self.config.batch {
            let rewards: Vec<f64> = self.done.iter().map(|(_, score)| reward(*score)).collect();
            let mean = rewards.iter().sum::<f64>() / rewards.len().max(1) as f64;
            let baseline = self.baseline.unwrap_or(mean);
            self.baseline = Some(self.config.decay * baseline + (1.0 - self.config.decay) * mean);
            let episodes = std::mem::take(&mut self.done).into_iter().map(|(decisions, _)| decisions);
            let advantages = rewards.iter().map(|reward| reward - baseline);
            let episodes: Vec<_> = episodes.zip(advantages).collect();
            if let Some(loss) = actors.loss(&self.growth, &episodes, self.config.entropy)? {
                adam.descend(&loss)?;
            }
        }
        let mut grown = self.start.clone();
        let mut decisions = Vec::new();
        for step in 0..self.config.wider + self.config.deeper {
            let layers = layers(&self.growth, &grown);
            let decision = match step < self.config.wider {
                true => actors.widen(&self.growth, &grown, rng)?,
                false if layers < self.config.longest => actors.deepen(&self.growth, &grown, rng)?,
                false => None,
            };
            if let Some(decision) = decision {
                grown = decision.applied(&self.growth);
                decisions.push(decision);
            }
        }
        self.open.insert(grown.to_string(), decisions);
        Ok(grown)
    }
}

fn layers<G: Grows>(growth: &G, candidate: &G::Candidate) -> usize {
    growth.tokens(candidate).map_or(0, |tokens| tokens.len())
}

/// Widths that layers may grow to.
fn check_widths(field: &str, widths: &[usize]) -> Result<(), Setting> {
    let numbers = !widths.is_empty() && widths.is_sorted_by(|one, next| one < next);
    let numbers = numbers && widths.iter().all(|width| (1..=65_536).contains(width));
    let expected = "numbers from 1 to 65536, ascending, at least one";
    Setting::check(numbers, format!("{NAME}.{field}"), format!("{widths:?}"), expected)
}

/// Differences between good scores count for more (Section "Training with policy gradient").
fn reward(score: f64) -> f64 {
    (score.clamp(0.0, 0.999) * std::f64::consts::FRAC_PI_2).tan()
}

impl<G: Grows> Strategy<G::Candidate> for Eas<G> {
    fn name(&self) -> &str {
        NAME
    }

    /// # Errors
    /// [`StrategyError::Network`] where the tensor library fails.
    fn ask(&mut self, rng: &mut dyn Rng) -> Result<G::Candidate, StrategyError> {
        // The generator is not one that may go to another thread.
        let streams = Streams::new(rng.random());
        let grown = on_one_thread(|| self.grow(&mut streams.rng(SeedStream::Named(NAME), 0, 0)));
        grown.map_err(|source| StrategyError::Network { strategy: NAME, source })
    }

    /// A candidate that was not asked for teaches nothing; a score that is not finite counts as 0.
    fn tell(&mut self, candidate: &G::Candidate, score: f64) {
        if let Some(decisions) = self.open.remove(&candidate.to_string()) {
            self.done.push((decisions, if score.is_finite() { score } else { 0.0 }));
        }
    }
}
