//! The encoder and both actors.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::ops::{log_softmax, sigmoid};
use rand::{Rng, RngExt};

use super::decisions::Decision;
use super::space::Grows;
use crate::networks::{Embedding, Linear, Lstm, Weights};

/// What is added to the logit of something that cannot be.
const NEVER: f32 = -1e9;

#[derive(Debug)]
pub(super) struct Actors {
    layers: Embedding,
    forward: Lstm,
    backward: Lstm,
    wider: Linear,
    deeper: Lstm,
    /// What the deeper actor reads before each of its three decisions, and what it decides by.
    before: [Embedding; 3],
    heads: [Linear; 3],
    /// How many layers of a block it can tell apart.
    places: usize,
}

/// A candidate as the encoder sees it: the states after each layer, and the last ones.
struct Encoded {
    /// `[layers, 2 hidden]`.
    each: Tensor,
    /// Hidden and cell, `[1, 2 hidden]`.
    whole: (Tensor, Tensor),
}

impl Actors {
    /// `outputs`: blocks, places in a block, filters.
    pub fn new(
        weights: &mut Weights,
        vocabulary: usize,
        (embedding, hidden): (usize, usize),
        outputs: [usize; 3],
    ) -> Result<Self> {
        let [blocks, places, kernels] = outputs;
        Ok(Self {
            layers: Embedding::new(weights, vocabulary, embedding)?,
            forward: Lstm::new(weights, embedding, hidden)?,
            backward: Lstm::new(weights, embedding, hidden)?,
            wider: Linear::new(weights, 2 * hidden, 1)?,
            deeper: Lstm::new(weights, embedding, 2 * hidden)?,
            before: [
                Embedding::new(weights, 1, embedding)?,
                Embedding::new(weights, blocks, embedding)?,
                Embedding::new(weights, places, embedding)?,
            ],
            heads: [
                Linear::new(weights, 2 * hidden, blocks)?,
                Linear::new(weights, 2 * hidden, places)?,
                Linear::new(weights, 2 * hidden, kernels)?,
            ],
            places,
        })
    }

    fn encode(&self, tokens: &[u32]) -> Result<Encoded> {
        let run = |lstm: &Lstm, tokens: Vec<u32>| {
            let tokens = Tensor::from_slice(&tokens, (1, tokens.len()), &Device::Cpu)?;
            lstm.forward(&lstm.reading(&self.layers)?, &tokens, lstm.zeros(1)?)
        };
        let (there, last) = run(&self.forward, tokens.to_vec())?;
        let (mut back, first) = run(&self.backward, tokens.iter().rev().copied().collect())?;
        back.reverse();
        let each = Tensor::cat(&[Tensor::cat(&there, 0)?, Tensor::cat(&back, 0)?], 1)?;
        let join = |one: &Tensor, other: &Tensor| Tensor::cat(&[one, other], 1);
        Ok(Encoded { each, whole: (join(&last.0, &first.0)?, join(&last.1, &first.1)?) })
    }

    /// A decision about each layer that can be wider; `None` where none can.
    pub fn widen<G: Grows>(
        &self,
        growth: &G,
        from: &G::Candidate,
        rng: &mut dyn Rng,
    ) -> Result<Option<Decision<G::Candidate>>> {
        let Some(known) = growth.tokens(from) else { return Ok(None) };
        let chances = sigmoid(&self.wider.forward(&self.encode(&known)?.each)?.squeeze(1)?)?.to_vec1::<f32>()?;
        let mut layers = Vec::new();
        for (at, chance) in chances.into_iter().enumerate() {
            if growth.wider(from, at).is_some() {
                layers.push((at, rng.random::<f32>() < chance));
            }
        }
        Ok((!layers.is_empty()).then(|| Decision::Wider { from: from.clone(), layers }))
    }

    /// A decision where another layer comes.
    pub fn deepen<G: Grows>(
        &self,
        growth: &G,
        from: &G::Candidate,
        rng: &mut dyn Rng,
    ) -> Result<Option<Decision<G::Candidate>>> {
        let Some(known) = growth.tokens(from) else { return Ok(None) };
        let (encoded, places) = (self.encode(&known)?, growth.places(from));
        let mut chosen = [0; 3];
        for at in 0..3 {
            let likely = self.deeper_logs(&encoded, &places, chosen, at + 1)?;
            let likely = likely.last().map_or_else(|| Ok(vec![vec![0.0]]), |last| last.to_vec2::<f32>())?.concat();
            let mut left = rng.random::<f32>();
            let mut drawn = likely.iter().position(|log| {
                left -= log.exp();
                left < 0.0
            });
            // Rounding may leave a last bit over.
            let best = || {
                (0..likely.len())
                    .max_by(|a, b| likely.get(*a).partial_cmp(&likely.get(*b)).unwrap_or(std::cmp::Ordering::Equal))
            };
            drawn = drawn.or_else(best);
            if let Some(slot) = chosen.get_mut(at) {
                *slot = drawn.unwrap_or(0);
            }
        }
        let [block, place, filter] = chosen;
        Ok(Some(Decision::Deeper { from: from.clone(), block, place, filter }))
    }

    /// The logarithms of the probabilities of the first `count` decisions, each `[1, n]`, after those that were taken; `places` are
    /// the layers of each block.
    fn deeper_logs(
        &self,
        encoded: &Encoded,
        places: &[usize],
        chosen: [usize; 3],
        count: usize,
    ) -> Result<Vec<Tensor>> {
        let [block, place, _] = chosen;
        let open = |at: usize, option: usize| match at {
            0 => places.get(option).is_some_and(|layers| *layers > 0),
            1 => places.get(block).is_some_and(|layers| option < *layers),
            _ => true,
        };
        let mut state = encoded.whole.clone();
        let mut logs = Vec::with_capacity(count);
        let read = [0, block, place.min(self.places.saturating_sub(1))];
        for (at, ((before, head), read)) in self.before.iter().zip(&self.heads).zip(read).take(count).enumerate() {
            let token = Tensor::new(&[read as u32], &Device::Cpu)?;
            state = self.deeper.step(&self.deeper.reading(before)?.forward(&token)?, state)?;
            let logits = head.forward(&state.0)?;
            let options = logits.dim(1)?;
            let mask: Vec<f32> = (0..options).map(|option| if open(at, option) { 0.0 } else { NEVER }).collect();
            logs.push(log_softmax(&(logits + Tensor::from_vec(mask, (1, options), &Device::Cpu)?)?, D::Minus1)?);
        }
        Ok(logs)
    }

    /// The logarithm of a decision's probability and its mean entropy, both scalars; `None` for one with unknown layers.
    fn log_probability<G: Grows>(
        &self,
        growth: &G,
        decision: &Decision<G::Candidate>,
    ) -> Result<Option<(Tensor, Tensor)>> {
        let Some(known) = growth.tokens(decision.from()) else { return Ok(None) };
        let encoded = self.encode(&known)?;
        match decision {
            Decision::Wider { layers, .. } => {
                let places: Vec<u32> = layers.iter().map(|(at, _)| *at as u32).collect();
                let signs: Vec<f32> = layers.iter().map(|(_, wider)| if *wider { 1.0 } else { -1.0 }).collect();
                let (count, device) = (layers.len(), &Device::Cpu);
                let logits = self.wider.forward(&encoded.each)?.squeeze(1)?;
                let logits = logits.index_select(&Tensor::from_vec(places, count, device)?, 0)?;
                let logs = log_sigmoid(&(&logits * Tensor::from_vec(signs, count, device)?)?)?.sum_all()?;
                let chance = sigmoid(&logits)?;
                let yes = (&chance * log_sigmoid(&logits)?)?;
                let no = ((1.0 - chance)? * log_sigmoid(&logits.neg()?)?)?;
                Ok(Some((logs, (yes + no)?.mean_all()?.neg()?)))
            }
            Decision::Deeper { from, block, place, filter } => {
                let chosen = [*block, *place, *filter];
                let count = if growth.has_filter(from, *block, *place) { 3 } else { 2 };
                let all = self.deeper_logs(&encoded, &growth.places(from), chosen, count)?;
                let mut taken = Vec::with_capacity(count);
                let mut entropies = Vec::with_capacity(count);
                for (logs, option) in all.iter().zip(chosen) {
                    taken.push(logs.narrow(1, option, 1)?.flatten_all()?);
                    entropies.push((logs.exp()? * logs)?.sum_all()?.neg()?.reshape(1)?);
                }
                Ok(Some((Tensor::cat(&taken, 0)?.sum_all()?, Tensor::cat(&entropies, 0)?.mean_all()?)))
            }
        }
    }

    /// REINFORCE's loss: of each episode the sum of its decisions' logarithms times the advantage, and of all the mean; less the
    /// mean entropy. `None` where nothing was decided.
    pub fn loss<G: Grows>(
        &self,
        growth: &G,
        episodes: &[(Vec<Decision<G::Candidate>>, f64)],
        entropy: f64,
    ) -> Result<Option<Tensor>> {
        let (mut terms, mut entropies) = (Vec::new(), Vec::new());
        for (decisions, advantage) in episodes {
            for decision in decisions {
                if let Some((log, uncertainty)) = self.log_probability(growth, decision)? {
                    terms.push((log * (-advantage / episodes.len().max(1) as f64))?.reshape(1)?);
                    entropies.push(uncertainty.reshape(1)?);
                }
            }
        }
        if terms.is_empty() {
            return Ok(None);
        }
        let uncertainty = Tensor::cat(&entropies, 0)?.mean_all()?;
        Ok(Some((Tensor::cat(&terms, 0)?.sum_all()? - (uncertainty * entropy)?)?))
    }
}

/// ln of the sigmoid, without overflow: `min(x, 0) - ln(1 + e^-|x|)`.
fn log_sigmoid(x: &Tensor) -> Result<Tensor> {
    x.neg()?.relu()?.neg()? - (x.abs()?.neg()?.exp()? + 1.0)?.log()?
}

#[cfg(test)]
mod tests {
    use super::super::DenseGrowth;
    use super::*;
    use crate::chain::Growth;
    use eoinas_core::{SeedStream, Streams};
    use std::collections::HashMap;

    fn actors<G: Grows>(growth: &G, from: &G::Candidate) -> Actors {
        let mut rng = Streams::new(1).rng(SeedStream::Named("eas"), 0, 0);
        let mut weights = Weights::new(&mut rng);
        let outputs = [growth.places(from).len(), 6, growth.filters()];
        Actors::new(&mut weights, growth.vocabulary(), (4, 5), outputs).unwrap()
    }

    /// Every decision that can be is drawn as often as the loss says, and the chances add up to 1; there are so many.
    fn drawn_as_the_loss_says<G: Grows>(growth: &G, from: &G::Candidate, deeper: bool, many: usize) {
        let actors = actors(growth, from);
        let mut rng = Streams::new(1).rng(SeedStream::Named("draws"), 0, 0);
        let mut counts: HashMap<String, (f64, f64)> = HashMap::new();
        let draws = 3_000;
        for _ in 0..draws {
            let decision = match deeper {
                true => actors.deepen(growth, from, &mut rng).unwrap().unwrap(),
                false => actors.widen(growth, from, &mut rng).unwrap().unwrap(),
            };
            let longer = growth.tokens(&decision.applied(growth)).unwrap().len() > growth.tokens(from).unwrap().len();
            assert_eq!(longer, deeper);
            let key = match &decision {
                Decision::Wider { layers, .. } => format!("{layers:?}"),
                // What is not chosen is nobody's decision.
                Decision::Deeper { block, place, filter, .. } => match growth.has_filter(from, *block, *place) {
                    true => format!("{block} {place} {filter}"),
                    false => format!("{block} {place}"),
                },
            };
            let chance = || {
                let log = actors.log_probability(growth, &decision).unwrap().unwrap().0;
                (0.0, f64::from(log.to_scalar::<f32>().unwrap()).exp())
            };
            counts.entry(key).or_insert_with(chance).0 += 1.0 / f64::from(draws);
        }
        assert_eq!(counts.len(), many);
        assert!((counts.values().map(|(_, chance)| chance).sum::<f64>() - 1.0).abs() < 1e-4);
        assert!(counts.values().all(|(share, chance)| (share - chance).abs() < 0.04), "{counts:?}");
    }

    #[test]
    fn decisions_are_drawn_with_the_probabilities_that_the_loss_takes() {
        let growth = Growth { channels: vec![16, 32], units: vec![64, 128], kernels: vec![1, 3] };
        let chain = "conv3-16 conv1-32 pool2/2 pool2/2 dense64".parse().unwrap();
        // Two layers can be wider; two convolutions with two filters each, and one fully connected layer.
        drawn_as_the_loss_says(&growth, &chain, false, 4);
        drawn_as_the_loss_says(&growth, &chain, true, 5);
        let growth = DenseGrowth { rates: vec![4, 8] };
        let network = "densenet8 block4-8 transition6 block4".parse().unwrap();
        drawn_as_the_loss_says(&growth, &network, false, 4);
        drawn_as_the_loss_says(&growth, &network, true, 3);
    }
}
