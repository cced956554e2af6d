//! The training of a network to all that is known.

use candle_core::{Device, Result, Tensor, Var};
use eoinas_core::Genotype;
use rand::{Rng, RngExt};

use super::NaoConfig;
use super::network::{Network, batch};
use super::sequence::Sequences;
use crate::networks::{Adam, Weights};

/// A network that is trained on and on as more becomes known.
#[derive(Debug)]
pub(super) struct Learner {
    pub network: Network,
    weights: Vec<Var>,
    /// Tokens of random genotypes.
    unscored: Vec<Vec<u32>>,
}

impl Learner {
    pub fn new(sequences: &Sequences, config: &NaoConfig, rng: &mut dyn Rng) -> Result<Self> {
        let mut weights = Weights::new(rng);
        let network = Network::new(&mut weights, sequences.vocabulary(), config.embedding, config.hidden)?;
        let weights = std::mem::take(&mut weights.all);
        let random = (0..config.unscored).map(|_| Genotype::random(sequences.space(), rng));
        let unscored = random.filter_map(|genotype| sequences.tokens(&genotype)).collect();
        Ok(Self { network, weights, unscored })
    }

    /// Trains it to genotypes (tokens) and their scores; each step has as many without a score for the decoder, where there are
    /// such.
    pub fn fit(
        &mut self,
        sequences: &Sequences,
        config: &NaoConfig,
        data: &[(Vec<u32>, f64)],
        rng: &mut dyn Rng,
    ) -> Result<()> {
        let mut adam = Adam::new(self.weights.clone(), config.learning_rate, config.clip)?;
        let lowest = data.iter().map(|(_, score)| *score).fold(f64::INFINITY, f64::min);
        let highest = data.iter().map(|(_, score)| *score).fold(f64::NEG_INFINITY, f64::max);
        // Scores that are all the same are 0.
        let range = (highest - lowest).max(f64::MIN_POSITIVE);
        let mut order: Vec<usize> = (0..data.len()).collect();
        for _ in 0..config.epochs {
            for at in (1..order.len()).rev() {
                order.swap(at, rng.random_range(0..=at));
            }
            for chunk in order.chunks(config.batch_size) {
                let drawn: Vec<&(Vec<u32>, f64)> = chunk.iter().filter_map(|&at| data.get(at)).collect();
                let scores: Vec<f32> = drawn.iter().map(|(_, score)| ((score - lowest) / range) as f32).collect();
                let scores = Tensor::from_vec(scores, drawn.len(), &Device::Cpu)?;
                let mut tokens: Vec<Vec<u32>> = drawn.iter().map(|(tokens, _)| tokens.clone()).collect();
                if !self.unscored.is_empty() {
                    let random = (0..drawn.len()).map(|_| rng.random_range(0..self.unscored.len()));
                    tokens.extend(random.filter_map(|at| self.unscored.get(at).cloned()));
                }
                let (error, entropy) = self.network.losses(&batch(&tokens, sequences.length())?, &scores)?;
                adam.descend(&((error * config.trade_off)? + (entropy * (1.0 - config.trade_off))?)?)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::statistics::spearman_rho;
    use eoinas_core::{Genotype, SearchSpace, SeedStream, Streams};

    /// The share of 3x3 convolutions: unseen genotypes are ranked, and decoded to themselves.
    #[test]
    fn a_trained_network_ranks_and_rebuilds_what_it_has_not_seen() {
        let space = SearchSpace::nas_bench_201();
        let sequences = Sequences::new(space.clone());
        let mut rng = Streams::new(6).rng(SeedStream::Named("fit"), 0, 0);
        let mut draw = |count: usize| -> Vec<(Vec<u32>, f64)> {
            let genotypes = (0..count).map(|_| Genotype::random(&space, &mut rng));
            // Edges are 1 to 3, and 3x3 convolutions the fourth of the ops.
            let score = |tokens: &Vec<u32>| tokens.iter().filter(|token| **token == 7).count() as f64 / 6.0;
            let tokens = genotypes.map(|genotype| sequences.tokens(&genotype).unwrap());
            tokens.map(|tokens| (tokens.clone(), score(&tokens))).collect()
        };
        let (data, unseen) = (draw(150), draw(50));
        let config = NaoConfig { epochs: 100, unscored: 500, batch_size: 50, ..NaoConfig::default() };
        let learner = || -> Result<Learner> {
            let mut learner = Learner::new(&sequences, &config, &mut rng)?;
            learner.fit(&sequences, &config, &data, &mut rng)?;
            Ok(learner)
        };
        let network = crate::networks::on_one_thread(learner).unwrap().network;
        let tokens: Vec<Vec<u32>> = unseen.iter().map(|(tokens, _)| tokens.clone()).collect();
        let outputs = network.encode(&batch(&tokens, 6).unwrap()).unwrap();
        let predicted = network.predict(&network.embed(&outputs).unwrap()).unwrap().to_vec1::<f32>().unwrap();
        let predicted: Vec<f64> = predicted.into_iter().map(f64::from).collect();
        let real: Vec<f64> = unseen.iter().map(|(_, score)| *score).collect();
        let rho = spearman_rho(&predicted, &real).unwrap();
        let rebuilt = network.improved(&sequences, &tokens, 0.0).unwrap();
        let same =
            rebuilt.iter().zip(&tokens).filter(|(found, tokens)| sequences.tokens(found).as_ref() == Some(tokens));
        let same = same.count();
        println!("rho {rho:.3}, rebuilt {same} of 50");
        assert!(rho > 0.8 && same > 25, "{rho} {same}");
    }
}
