//! Strategies that train networks of their own, on toys with a known optimum: resumed to the same bytes, better than random.

#![cfg(feature = "nao")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use eoinas_core::models::{DenseNet, ModelForm};
use eoinas_core::{Genotype, SearchSpace};
use eoinas_strategy::chain::{Chain, ChainLayer, Growth};
use eoinas_strategy::*;

/// The share of the edges that have 3x3 convolutions: 1 at the optimum.
fn toy(genotype: &Genotype) -> Evaluation {
    let edges: Vec<_> = genotype.cells.iter().flat_map(|c| c.nodes.iter().flatten()).collect();
    let good = edges.iter().filter(|edge| edge.op.name() == "nor_conv_3x3").count();
    Evaluation::of(good as f64 / edges.len() as f64)
}

fn nao(budget: usize, epochs: usize) -> Nao {
    let config = NaoConfig { epochs, unscored: 50, hidden: 32, ..NaoConfig::for_budget(budget) };
    Nao::new(SearchSpace::nas_bench_201()).with_config(config).unwrap()
}

#[test]
fn resumed_searches_end_in_the_same_bytes() {
    let cells = |budget| StrategySearch::new(nao(40, 5), toy, budget, 3);
    let mut whole = cells(40);
    let whole = serde_json::to_string(whole.run(|_| {}).unwrap()).unwrap();
    // Within what the first network made.
    let mut first = cells(25);
    let history = first.run(|_| {}).unwrap().clone();
    let mut resumed = cells(40).resume(history).unwrap();
    assert_eq!(serde_json::to_string(resumed.run(|_| {}).unwrap()).unwrap(), whole);

    grown_again(|| eas(10), wide);
    grown_again(|| dense_eas(10), early);
}

fn grown_again<G: Grows>(strategy: impl Fn() -> Eas<G>, score: fn(&G::Candidate) -> Evaluation) {
    let search = |budget| StrategySearch::new(strategy(), score, budget, 3);
    let mut whole = search(34);
    let whole = serde_json::to_string(whole.run(|_| {}).unwrap()).unwrap();
    let mut first = search(25);
    let history = first.run(|_| {}).unwrap().clone();
    let mut resumed = search(34).resume(history).unwrap();
    assert_eq!(serde_json::to_string(resumed.run(|_| {}).unwrap()).unwrap(), whole);
}

#[test]
fn nao_beats_random_search() {
    let budget = 60;
    let best = |strategy: Box<dyn Strategy>, seed| {
        let mut search = StrategySearch::new(strategy, toy, budget, seed);
        search.run(|_| {}).unwrap().best().unwrap().evaluation.score
    };
    let space = SearchSpace::nas_bench_201;
    let config = NaoConfig { hidden: 32, ..NaoConfig::for_budget(budget) };
    let (mut found, mut random) = (0.0, 0.0);
    for seed in 0..3 {
        found += best(Box::new(Nao::new(space()).with_config(config).unwrap()), seed) / 3.0;
        random += best(Box::new(RandomSearch::new(space())), seed) / 3.0;
    }
    println!("nao {found:.3}, random {random:.3}");
    assert!(found > random + 0.1, "{found} against {random}");
}

/// Up to 1 for what is all in the first block: the mean over 10 layers there of how wide they are and whether their filter is 5x5.
fn wide(chain: &Chain) -> Evaluation {
    let merit = |layer: &ChainLayer| match *layer {
        ChainLayer::Conv { kernel, channels } => (channels as f64 / 64.0 + f64::from(u8::from(kernel == 5))) / 2.0,
        _ => 0.0,
    };
    let first = chain.layers.iter().take_while(|layer| layer.is_convolution()).take(10);
    Evaluation::of(first.map(merit).sum::<f64>() / 10.0)
}

fn eas(batch: usize) -> Eas {
    let start = "conv3-16 conv3-16 pool2/2 conv3-16 pool2/2 dense64".parse().unwrap();
    let growth = Growth { channels: vec![16, 32, 48, 64], units: vec![64, 128], kernels: vec![1, 3, 5] };
    let config = EasConfig { batch, wider: 2, deeper: 3, hidden: 20, learning_rate: 0.02, ..EasConfig::default() };
    Eas::new(start, growth).unwrap().with_config(config).unwrap()
}

/// The mean of the last chains: it is the actors that get better.
#[test]
fn eas_learns_where_to_grow() {
    let budget = 200;
    let mean = |batch| {
        let mut search = StrategySearch::new(eas(batch), wide, budget, 0);
        let history = search.run(|_| {}).unwrap();
        let network = |entry: &Entry| entry.genotype.parse::<Chain>().unwrap().graph([32, 32, 3], 10).unwrap();
        assert!(history.entries.iter().all(|entry| network(entry).classes() == 10));
        history.entries[budget - 50..].iter().map(|entry| entry.evaluation.score).sum::<f64>() / 50.0
    };
    // A batch that is never complete leaves the actors as they were drawn.
    let (found, random) = (mean(10), mean(1_000));
    println!("eas {found:.3}, random {random:.3}");
    assert!(found > random + 0.05, "{found} against {random}");
}

/// Up to 1 for what is all in the first block: the mean over 6 layers there of how large their growth rates are.
fn early(network: &DenseNet) -> Evaluation {
    let rates = network.blocks[0].layers.iter().take(6).map(|layer| layer.growth as f64 / 16.0);
    Evaluation::of(rates.sum::<f64>() / 6.0)
}

fn dense_eas(batch: usize) -> Eas<DenseGrowth> {
    let start = "densenet8 block4-4 transition8 block4-4 transition8 block4-4".parse().unwrap();
    let config = EasConfig { batch, wider: 3, deeper: 4, hidden: 20, learning_rate: 0.02, ..EasConfig::densenets() };
    Eas::new(start, DenseGrowth { rates: vec![4, 8, 12, 16] }).unwrap().with_config(config).unwrap()
}

/// As for chains. The optimum is reached: four layers more in the first block, and all of them as wide as can be.
#[test]
fn eas_learns_where_densenets_grow() {
    let budget = 200;
    let mean = |batch| {
        let mut search = StrategySearch::new(dense_eas(batch), early, budget, 0);
        let history = search.run(|_| {}).unwrap();
        let network = |entry: &Entry| {
            let network: DenseNet = entry.genotype.parse().unwrap();
            network.graph(ModelForm::Cifar, [32, 32, 3], 10).unwrap()
        };
        assert!(history.entries.iter().all(|entry| network(entry).classes() == 10));
        let best = history.best().unwrap().evaluation.score;
        (history.entries[budget - 50..].iter().map(|entry| entry.evaluation.score).sum::<f64>() / 50.0, best)
    };
    let (found, random) = (mean(10), mean(1_000));
    println!("eas of densenets {found:.3?}, random {random:.3?}");
    assert!(found.0 > random.0 + 0.05 && found.1 > 0.99, "{found:?} against {random:?}");
}

#[test]
fn settings_that_cannot_be_are_named() {
    let name = |error: StrategyError| match error {
        StrategyError::Setting(wrong) => wrong.name,
        other => other.to_string(),
    };
    let config = NaoConfig::default();
    for (wrong, field) in [
        (NaoConfig { initial: 1, ..config }, "nao.initial"),
        (NaoConfig { batch: 0, ..config }, "nao.batch"),
        (NaoConfig { parents: 0, ..config }, "nao.parents"),
        (NaoConfig { epochs: 0, ..config }, "nao.epochs"),
        (NaoConfig { batch_size: 0, ..config }, "nao.batch_size"),
        (NaoConfig { learning_rate: f64::NAN, ..config }, "nao.learning_rate"),
        (NaoConfig { trade_off: 1.5, ..config }, "nao.trade_off"),
        (NaoConfig { clip: 0.0, ..config }, "nao.clip"),
        (NaoConfig { embedding: 0, ..config }, "nao.embedding"),
        (NaoConfig { hidden: 5_000, ..config }, "nao.hidden"),
        (NaoConfig { longest_step: 0, ..config }, "nao.longest_step"),
    ] {
        assert_eq!(name(Nao::new(SearchSpace::nas_bench_201()).with_config(wrong).unwrap_err()), field);
    }
    let config = EasConfig::default();
    for (wrong, field) in [
        (EasConfig { batch: 0, ..config }, "eas.batch"),
        (EasConfig { wider: 101, ..config }, "eas.wider"),
        (EasConfig { deeper: 101, ..config }, "eas.deeper"),
        (EasConfig { longest: 2, ..config }, "eas.longest"),
        (EasConfig { embedding: 0, ..config }, "eas.embedding"),
        (EasConfig { hidden: 0, ..config }, "eas.hidden"),
        (EasConfig { learning_rate: 0.0, ..config }, "eas.learning_rate"),
        (EasConfig { entropy: -1.0, ..config }, "eas.entropy"),
        (EasConfig { decay: 1.0, ..config }, "eas.decay"),
    ] {
        assert_eq!(name(eas(10).with_config(wrong).unwrap_err()), field);
    }
    let new = |start: &str, growth| name(Eas::new(start.parse().unwrap(), growth).unwrap_err());
    assert_eq!(new("conv3-17", Growth::default()), "eas.start");
    assert_eq!(new("pool2/2", Growth::default()), "eas.start");
    assert_eq!(new("conv3-16", Growth { channels: vec![32, 16], ..Growth::default() }), "eas.channels");
    assert_eq!(new("conv3-16", Growth { kernels: vec![2], ..Growth::default() }), "eas.kernels");
    assert_eq!(new("conv3-16", Growth { units: vec![], ..Growth::default() }), "eas.units");
    let new = |start: &str, rates| name(Eas::new(start.parse().unwrap(), DenseGrowth { rates }).unwrap_err());
    assert_eq!(new("densenet8 block4", vec![8, 12]), "eas.start");
    assert_eq!(new("densenet8 block4", vec![4, 4]), "eas.rates");
    let long = EasConfig { longest: 8, ..EasConfig::densenets() };
    assert_eq!(name(dense_eas(10).with_config(long).unwrap_err()), "eas.longest");
}
