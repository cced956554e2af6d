//! Strategies over candidates that are no cells, on toys with a known optimum: better than random, resumed to the same bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use eoinas_strategy::chain::{Chain, ChainLayer, ChainSpace};
use eoinas_strategy::genetic_cnn::{StageSpace, Stages};
use eoinas_strategy::hierarchical::{MotifSpace, Motifs, Mutable};
use eoinas_strategy::*;

/// From one half, which the classifier alone has, to 1: eight convolutions of 5x5 with 512 channels and nothing else. A filter
/// and a number of channels that are second best earn part of it.
fn toy(chain: &Chain) -> Evaluation {
    let merit = |layer: &ChainLayer| match *layer {
        ChainLayer::Conv { kernel, channels } => {
            (kernel.saturating_sub(1) as f64 / 4.0 + (channels as f64 / 64.0).log2() / 3.0) / 2.0
        }
        _ => 0.0,
    };
    let mut merits: Vec<f64> = chain.layers.iter().map(merit).collect();
    merits.sort_by(|a, b| b.total_cmp(a));
    let sum: f64 = merits.iter().take(8).sum();
    Evaluation::of(0.5 + 0.5 * sum / chain.layers.len().max(8) as f64)
}

fn agent(models: usize) -> MetaQnn<ChainSpace> {
    MetaQnn::chains(ChainSpace::default()).unwrap().with_config(MetaQnnConfig::for_budget(models)).unwrap()
}

/// With the published settings and budget: the best chain, and the mean of the last models, for which one step of ten is drawn
/// at random.
#[test]
fn metaqnn_finds_better_chains_than_random_ones() {
    let budget = 2_700;
    let mean = |models| {
        let (mut best, mut last) = (0.0, 0.0);
        for seed in 0..3 {
            let mut search = StrategySearch::new(agent(models), toy, budget, seed);
            let history = search.run(|_| {}).unwrap();
            best += history.best().unwrap().evaluation.score / 3.0;
            last += history.entries[budget - 150..].iter().map(|entry| entry.evaluation.score).sum::<f64>() / 450.0;
        }
        (best, last)
    };
    // A schedule that never leaves its first step draws every layer at random.
    let (found, random) = (mean(budget), mean(1_000_000_000));
    println!("metaqnn {found:.3?}, random {random:.3?}");
    assert!(found.0 > random.0 + 0.02 && found.1 > random.1 + 0.05, "{found:?} against {random:?}");
}

/// Resumed in the middle it ends in the same bytes, and what it asks for are networks.
fn resumes<C, S>(strategy: impl Fn() -> S, evaluator: fn(&C) -> Evaluation, network: impl Fn(&str))
where
    C: std::fmt::Display,
    S: Strategy<C>,
{
    let search = |budget| StrategySearch::new(strategy(), evaluator, budget, 3);
    let mut whole = search(80);
    let whole = serde_json::to_string(whole.run(|_| {}).unwrap()).unwrap();
    let mut first = search(47);
    let text = serde_json::to_string(first.run(|_| {}).unwrap()).unwrap();
    let mut resumed = search(80).resume(serde_json::from_str(&text).unwrap()).unwrap();
    let history = resumed.run(|_| {}).unwrap();
    assert_eq!(serde_json::to_string(history).unwrap(), whole);
    history.entries.iter().for_each(|entry| network(&entry.genotype));
}

#[test]
fn chains_are_networks_and_a_resumed_search_ends_in_the_same_bytes() {
    let network = |text: &str| {
        let chain: Chain = text.parse().unwrap();
        assert_eq!(chain.to_string(), text);
        assert_eq!(chain.graph([32, 32, 3], 10).unwrap().classes(), 10, "{text}");
    };
    resumes(|| agent(80), toy, network);
}

/// The share of the edges of the lower motifs that are separable convolutions: 1 at the optimum.
fn separable(motifs: &Motifs) -> Evaluation {
    let edges: Vec<usize> = motifs.levels[0].iter().flat_map(|motif| motif.edges.clone()).collect();
    Evaluation::of(edges.iter().filter(|op| **op == 3).count() as f64 / edges.len() as f64)
}

fn motifs(budget: usize) -> Hierarchical<MotifSpace> {
    let space = Hierarchical::motifs(MotifSpace::default()).unwrap();
    space.with_config(HierarchicalConfig::for_budget(budget)).unwrap()
}

/// With the published settings.
#[test]
fn hierarchical_finds_better_motifs_than_random_ones() {
    let budget = 1_500;
    let mean = |population| {
        let best = |seed| {
            let config = HierarchicalConfig { population, ..HierarchicalConfig::default() };
            let mut search = StrategySearch::new(motifs(1).with_config(config).unwrap(), separable, budget, seed);
            search.run(|_| {}).unwrap().best().unwrap().evaluation.score
        };
        (0..3).map(best).sum::<f64>() / 3.0
    };
    // A population that is never complete is drawn at random.
    let (found, random) = (mean(200), mean(budget));
    println!("hierarchical {found:.3}, random {random:.3}");
    assert!(found > random + 0.1, "{found} against {random}");
}

#[test]
fn motifs_are_networks_and_a_resumed_search_ends_in_the_same_bytes() {
    let space = MotifSpace::default();
    let network = |text: &str| {
        let motifs: Motifs = text.parse().unwrap();
        assert!(space.works(&motifs));
        assert_eq!(motifs.graph([32, 32, 3], 10).unwrap().classes(), 10, "{text}");
    };
    resumes(|| motifs(80), separable, network);
}

/// The share of the bits that are those of a network that was chosen.
fn alike(stages: &Stages) -> Evaluation {
    let bits = stages.stages.iter().flat_map(|stage| stage.bits.iter().map(|bit| if *bit { '1' } else { '0' }));
    Evaluation::of(bits.zip("1010101111001010110".chars()).filter(|(bit, other)| bit == other).count() as f64 / 19.0)
}

#[test]
fn genetic_cnn_finds_better_stages_than_random_ones() {
    let budget = 300;
    let mean = |population| {
        let best = |seed| {
            let config = GeneticCnnConfig { population, ..GeneticCnnConfig::default() };
            let genetic = GeneticCnn::stages(StageSpace::default()).unwrap().with_config(config).unwrap();
            let mut search = StrategySearch::new(genetic, alike, budget, seed);
            search.run(|_| {}).unwrap().best().unwrap().evaluation.score
        };
        (0..5).map(best).sum::<f64>() / 5.0
    };
    // The first generation is drawn at random.
    let (found, random) = (mean(20), mean(budget));
    println!("genetic-cnn {found:.3}, random {random:.3}");
    assert!(found > random + 0.03, "{found} against {random}");
}

#[test]
fn stages_are_networks_and_a_resumed_search_ends_in_the_same_bytes() {
    let network = |text: &str| {
        let stages: Stages = text.parse().unwrap();
        assert_eq!(stages.graph([32, 32, 3], 10).unwrap().classes(), 10, "{text}");
    };
    resumes(|| GeneticCnn::stages(StageSpace::default()).unwrap(), alike, network);
}
