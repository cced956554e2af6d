//! The table of values, and the candidates that it is learnt from.

use std::collections::{HashMap, HashSet};

use rand::{Rng, RngExt};

use super::{MetaQnnConfig, Walk};

/// The steps of a candidate: the state of each, and which of its steps it is.
type Trajectory<S> = Vec<(S, usize)>;

#[derive(Clone, Debug)]
pub(super) struct Values<W: Walk> {
    /// The value of each step that a state has.
    table: HashMap<W::State, Vec<f64>>,
    told: Vec<(Trajectory<W::State>, f64)>,
    known: HashSet<String>,
}

impl<W: Walk> Default for Values<W> {
    fn default() -> Self {
        Self { table: HashMap::new(), told: Vec::new(), known: HashSet::new() }
    }
}

impl<W: Walk> Values<W> {
    /// How many different candidates were told.
    pub fn different(&self) -> usize {
        self.known.len()
    }

    pub fn knows(&self, candidate: &W::Candidate) -> bool {
        self.known.contains(&candidate.to_string())
    }

    /// The values of a state's steps.
    pub fn of(&mut self, walk: &W, state: &W::State, initial: f64) -> &mut Vec<f64> {
        let fresh = || vec![initial * walk.open(state); walk.steps(state).len()];
        self.table.entry(state.clone()).or_insert_with(fresh)
    }

    /// Keeps a candidate to learn from; whether its steps are all of this space.
    pub fn learn(&mut self, walk: &W, candidate: &W::Candidate, taken: Vec<W::Step>, score: f64) -> bool {
        let mut trajectory = Vec::with_capacity(taken.len());
        for (at, step) in taken.iter().enumerate() {
            let Some(state) = taken.get(..at).and_then(|before| walk.state(before)) else { return false };
            let Some(chosen) = walk.steps(&state).iter().position(|other| other == step) else { return false };
            trajectory.push((state, chosen));
        }
        self.known.insert(candidate.to_string());
        self.told.push((trajectory, score));
        true
    }

    /// Learns from one candidate that was told, drawn at random: `Q(s, u) += rate * (reward + discount * max Q(s') -
    /// Q(s, u))` (Eq. 3), from its last step to its first.
    pub fn replay(&mut self, walk: &W, config: &MetaQnnConfig, rng: &mut dyn Rng) {
        if self.told.is_empty() {
            return;
        }
        // Out of the list while the table changes.
        let drawn = rng.random_range(0..self.told.len());
        let Some((trajectory, score)) = self.told.get_mut(drawn).map(std::mem::take) else { return };
        let mut later: Option<&W::State> = None;
        for (state, chosen) in trajectory.iter().rev() {
            let after = later.map_or(0.0, |next| {
                let values = self.of(walk, next, config.initial);
                values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
            });
            let reward = score * (walk.open(state) - later.map_or(0.0, |next| walk.open(next)));
            let values = self.of(walk, state, config.initial);
            if let Some(value) = values.get_mut(*chosen) {
                *value += config.learning_rate * (reward + config.discount * after - *value);
            }
            later = Some(state);
        }
        if let Some(slot) = self.told.get_mut(drawn) {
            *slot = (trajectory, score);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{Chain, ChainSpace, ChainState};
    use eoinas_core::{SeedStream, Streams};

    fn value(values: &Values<ChainSpace>, space: &ChainSpace, text: &str, step: usize) -> f64 {
        let mut taken = space.taken(&text.parse::<Chain>().unwrap()).unwrap();
        taken.truncate(step);
        let state: ChainState = space.state(&taken).unwrap();
        let whole = space.taken(&text.parse::<Chain>().unwrap()).unwrap();
        let chosen = space.steps(&state).iter().position(|other| *other == whole[step]).unwrap();
        values.table[&state][chosen]
    }

    /// One chain of two steps, twice: by hand with rate 0.5 and initial values of 0.5.
    #[test]
    fn values_move_as_equation_3_says() {
        let space = ChainSpace::default();
        let mut values = Values::default();
        let chain: Chain = "conv3-64".parse().unwrap();
        assert!(values.learn(&space, &chain, space.taken(&chain).unwrap(), 0.9));
        let config = MetaQnnConfig { learning_rate: 0.5, ..MetaQnnConfig::default() };
        let mut rng = Streams::new(0).rng(SeedStream::Named("values"), 0, 0);
        values.replay(&space, &config, &mut rng);
        // The end: 0.5 + 0.5 (0.9 - 0.5) = 0.7; the convolution: 0.5 + 0.5 (0.7 - 0.5) = 0.6.
        assert!((value(&values, &space, "conv3-64", 1) - 0.7).abs() < 1e-12);
        assert!((value(&values, &space, "conv3-64", 0) - 0.6).abs() < 1e-12);
        values.replay(&space, &config, &mut rng);
        assert!((value(&values, &space, "conv3-64", 1) - 0.8).abs() < 1e-12);
        assert!((value(&values, &space, "conv3-64", 0) - 0.7).abs() < 1e-12);
    }

    #[test]
    fn a_chain_that_is_not_of_the_space_is_not_learnt() {
        let space = ChainSpace::default();
        let mut values = Values::default();
        for text in ["conv3-65", "pool2/2", "conv3-64 pool2/2 pool2/2", "conv3-64 dense128"] {
            let chain: Chain = text.parse().unwrap();
            assert!(!values.learn(&space, &chain, space.taken(&chain).unwrap(), 0.9), "{text}");
        }
        assert_eq!(values.different(), 0);
    }
}
