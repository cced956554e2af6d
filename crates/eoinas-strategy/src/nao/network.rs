//! Encoder, predictor and decoder.

use candle_core::{D, Device, IndexOp, Result, Tensor, Var};
use candle_nn::ops::{log_softmax, sigmoid, softmax};
use eoinas_core::Genotype;

use super::sequence::{START, Sequences};
use crate::metaqnn::CellStep;
use crate::networks::{Embedding, Linear, Lstm, Weights};

/// Shapes: batch B, length of the sequence L, units H, vocabulary V.
#[derive(Debug)]
pub(super) struct Network {
    encoded: Embedding,
    encoder: Lstm,
    predictor: Linear,
    decoded: Embedding,
    decoder: Lstm,
    attention: Linear,
    classifier: Linear,
}

impl Network {
    pub fn new(weights: &mut Weights, vocabulary: usize, embedding: usize, hidden: usize) -> Result<Self> {
        Ok(Self {
            encoded: Embedding::new(weights, vocabulary, embedding)?,
            encoder: Lstm::new(weights, embedding, hidden)?,
            predictor: Linear::new(weights, hidden, 1)?,
            decoded: Embedding::new(weights, vocabulary, hidden)?,
            decoder: Lstm::new(weights, hidden, hidden)?,
            attention: Linear::new(weights, 2 * hidden, hidden)?,
            classifier: Linear::new(weights, hidden, vocabulary)?,
        })
    }

    /// The encoder's outputs of `[B, L]`, each of length 1: `[B, L, H]`.
    pub fn encode(&self, tokens: &Tensor) -> Result<Tensor> {
        let reading = self.encoder.reading(&self.encoded)?;
        let (outputs, _) = self.encoder.forward(&reading, tokens, self.encoder.zeros(tokens.dim(0)?)?)?;
        unit(&Tensor::stack(&outputs, 1)?)
    }

    /// The embedding of those outputs: their mean, of length 1. `[B, H]`.
    pub fn embed(&self, outputs: &Tensor) -> Result<Tensor> {
        unit(&outputs.mean(1)?)
    }

    /// The predicted score of an embedding, 0 to 1: `[B]`.
    pub fn predict(&self, embedding: &Tensor) -> Result<Tensor> {
        sigmoid(&self.predictor.forward(embedding)?)?.squeeze(1)
    }

    /// One step of the decoder by what its gates read, `[B, 4 H]`: logarithms of probabilities, `[B, V]`.
    fn decode_step(
        &self,
        read: &Tensor,
        state: (Tensor, Tensor),
        outputs: &Tensor,
    ) -> Result<(Tensor, (Tensor, Tensor))> {
        let state = self.decoder.step(read, state)?;
        Ok((self.attend(&state.0.unsqueeze(1)?, outputs)?, state))
    }

    /// The logarithms of probabilities by hidden states `[B, n, H]` and what they attend to: `[B n, V]`.
    fn attend(&self, hidden: &Tensor, outputs: &Tensor) -> Result<Tensor> {
        let scores = hidden.matmul(&outputs.t()?)?;
        let mixed = softmax(&scores, D::Minus1)?.matmul(outputs)?;
        let combined = Tensor::cat(&[&mixed, hidden], D::Minus1)?.flatten(0, 1)?;
        log_softmax(&self.classifier.forward(&self.attention.forward(&combined)?.tanh()?)?, D::Minus1)
    }

    /// Mean squared error of the predicted scores, which the first of the sequences have, and mean cross-entropy of all decoded
    /// tokens.
    pub fn losses(&self, tokens: &Tensor, scores: &Tensor) -> Result<(Tensor, Tensor)> {
        let (batch, length) = tokens.dims2()?;
        let outputs = self.encode(tokens)?;
        let embedding = self.embed(&outputs)?;
        let error = (self.predict(&embedding.narrow(0, 0, scores.dim(0)?)?)? - scores)?.sqr()?.mean_all()?;
        let start = Tensor::full(START, (batch, 1), &Device::Cpu)?;
        let before = Tensor::cat(&[&start, &tokens.narrow(1, 0, length - 1)?], 1)?;
        let (hidden, _) =
            self.decoder.forward(&self.decoder.reading(&self.decoded)?, &before, (embedding.clone(), embedding))?;
        let likely = self.attend(&Tensor::stack(&hidden, 1)?, &outputs)?;
        let found = likely.gather(&tokens.reshape((batch * length, 1))?, 1)?;
        Ok((error, found.mean_all()?.neg()?))
    }

    /// The encoder's outputs after a step of this length along the gradient of the predicted score, of length 1 again.
    pub fn step(&self, outputs: &Tensor, length: f64) -> Result<Tensor> {
        let moved = Var::from_tensor(&outputs.detach())?;
        let predicted = self.predict(&self.embed(&moved)?)?.sum_all()?;
        let slopes = predicted.backward()?;
        let slope = slopes.get(&moved).map_or_else(|| moved.zeros_like(), |slope| Ok(slope.clone()))?;
        unit(&(moved.as_detached_tensor() + (slope * length)?)?)
    }

    /// What genotypes become by such a step; always of the space.
    pub fn improved(&self, sequences: &Sequences, genotypes: &[Vec<u32>], length: f64) -> Result<Vec<Genotype>> {
        let outputs = self.step(&self.encode(&batch(genotypes, sequences.length())?)?, length)?;
        let embedding = self.embed(&outputs)?;
        let count = genotypes.len();
        let (mut taken, mut tokens): (Vec<Vec<CellStep>>, _) = (vec![Vec::new(); count], vec![START; count]);
        let reading = self.decoder.reading(&self.decoded)?;
        let mut state = (embedding.clone(), embedding);
        for _ in 0..sequences.length() {
            let before = Tensor::from_slice(&tokens, count, &Device::Cpu)?;
            let (likely, after) = self.decode_step(&reading.forward(&before)?, state, &outputs)?;
            state = after;
            for (at, (taken, token)) in taken.iter_mut().zip(&mut tokens).enumerate() {
                let likely = likely.i(at)?.to_vec1::<f32>()?;
                let value = |token: u32| likely.get(token as usize).copied().unwrap_or(f32::NEG_INFINITY);
                let next = sequences.next(taken).into_iter();
                let best = next.reduce(|best, other| if value(other.1) > value(best.1) { other } else { best });
                if let Some((step, chosen)) = best {
                    taken.push(step);
                    *token = chosen;
                }
            }
        }
        // Steps that are no choice may follow the last that is.
        Ok(taken
            .iter_mut()
            .map(|taken| {
                sequences.next(taken);
                sequences.genotype(taken)
            })
            .collect())
    }
}

/// Sequences as `[B, L]`.
pub(super) fn batch(sequences: &[Vec<u32>], length: usize) -> Result<Tensor> {
    Tensor::from_vec(sequences.concat(), (sequences.len(), length), &Device::Cpu)
}

/// Each row divided by its length.
fn unit(x: &Tensor) -> Result<Tensor> {
    let norm = (x.sqr()?.sum_keepdim(D::Minus1)? + 1e-12)?.sqrt()?;
    x.broadcast_div(&norm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::{SearchSpace, SeedStream, Streams};

    fn network(sequences: &Sequences, index: u64) -> (Network, Vec<Vec<u32>>) {
        let mut rng = Streams::new(4).rng(SeedStream::Named("nao"), 0, index);
        let genotypes = (0..5).map(|_| Genotype::random(sequences.space(), &mut rng));
        let tokens = genotypes.map(|genotype| sequences.tokens(&genotype).unwrap()).collect();
        (Network::new(&mut Weights::new(&mut rng), sequences.vocabulary(), 8, 6).unwrap(), tokens)
    }

    /// A short step raises the prediction as finite differences of the outputs say.
    #[test]
    fn a_step_goes_along_the_gradient() {
        let sequences = Sequences::new(SearchSpace::nas_bench_201());
        let (network, tokens) = network(&sequences, 0);
        let outputs = network.encode(&batch(&tokens, 6).unwrap()).unwrap();
        let predicted = |outputs: &Tensor| -> f32 {
            network.predict(&network.embed(outputs).unwrap()).unwrap().sum_all().unwrap().to_scalar().unwrap()
        };
        let values = outputs.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let slopes: Vec<f32> = (0..values.len())
            .map(|at| {
                let moved = |by: f32| {
                    let mut near = values.clone();
                    near[at] += by;
                    predicted(&Tensor::from_vec(near, outputs.shape(), &Device::Cpu).unwrap())
                };
                (moved(1e-2) - moved(-1e-2)) / 2e-2
            })
            .collect();
        let slopes = Tensor::from_vec(slopes, outputs.shape(), &Device::Cpu).unwrap();
        let expected = unit(&(&outputs + (slopes * 10.0).unwrap()).unwrap()).unwrap();
        let found = network.step(&outputs, 10.0).unwrap();
        let apart = (found - expected).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f32>().unwrap();
        assert!(apart < 1e-3, "{apart}");
        assert!(predicted(&network.step(&outputs, 10.0).unwrap()) > predicted(&outputs));
    }

    /// Decoding step by step gives the probabilities that the loss is made of.
    #[test]
    fn the_decoder_is_the_same_in_training_and_use() {
        let sequences = Sequences::new(SearchSpace::darts());
        let (network, tokens) = network(&sequences, 1);
        let all = batch(&tokens, 28).unwrap();
        let scores = Tensor::new(&[0f32, 0.2, 0.4, 0.6, 1.0], &Device::Cpu).unwrap();
        let (_, entropy) = network.losses(&all, &scores).unwrap();
        let outputs = network.encode(&all).unwrap();
        let embedding = network.embed(&outputs).unwrap();
        let mut state = (embedding.clone(), embedding);
        let mut before = Tensor::full(START, 5, &Device::Cpu).unwrap();
        let mut sum = 0.0;
        for at in 0..28 {
            let read = network.decoder.reading(&network.decoded).unwrap().forward(&before).unwrap();
            let (likely, after) = network.decode_step(&read, state, &outputs).unwrap();
            state = after;
            for (row, tokens) in likely.to_vec2::<f32>().unwrap().iter().zip(&tokens) {
                assert!((row.iter().map(|x| x.exp()).sum::<f32>() - 1.0).abs() < 1e-5);
                sum -= f64::from(row[tokens[at] as usize]);
            }
            before = all.narrow(1, at, 1).unwrap().squeeze(1).unwrap();
        }
        assert!((sum / 140.0 - f64::from(entropy.to_scalar::<f32>().unwrap())).abs() < 1e-5);
    }

    #[test]
    fn what_is_decoded_is_of_the_space() {
        for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
            let sequences = Sequences::new(space.clone());
            let (network, tokens) = network(&sequences, 2);
            for genotype in network.improved(&sequences, &tokens, 3.0).unwrap() {
                genotype.fits(&space).unwrap();
                assert!(sequences.tokens(&genotype).is_some());
            }
        }
    }
}
