//! The training of a network to all that is known.

use candle_core::{Device, Result, Tensor};
use rand::{Rng, RngExt};

use super::NaoConfig;
use super::network::{Network, batch};
use super::sequence::Sequences;
use crate::networks::{Adam, Weights};

/// A network, trained to genotypes (tokens) and their scores.
pub(super) fn fit(
    sequences: &Sequences,
    config: &NaoConfig,
    data: &[(Vec<u32>, f64)],
    rng: &mut dyn Rng,
) -> Result<Network> {
    let mut weights = Weights::new(rng);
    let network = Network::new(&mut weights, sequences.vocabulary(), config.embedding, config.hidden)?;
    let mut adam = Adam::new(std::mem::take(&mut weights.all), config.learning_rate, config.clip)?;
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
            let tokens: Vec<Vec<u32>> = drawn.iter().map(|(tokens, _)| tokens.clone()).collect();
            let scores: Vec<f32> = drawn.iter().map(|(_, score)| ((score - lowest) / range) as f32).collect();
            let scores = Tensor::from_vec(scores, drawn.len(), &Device::Cpu)?;
            let (error, entropy) = network.losses(&batch(&tokens, sequences.length())?, &scores)?;
            adam.descend(&((error * config.trade_off)? + (entropy * (1.0 - config.trade_off))?)?)?;
        }
    }
    Ok(network)
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
        let config = NaoConfig { epochs: 300, ..NaoConfig::default() };
        let network = crate::networks::on_one_thread(|| fit(&sequences, &config, &data, &mut rng)).unwrap();
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
        assert!(rho > 0.8 && same > 5, "{rho} {same}");
    }
}
