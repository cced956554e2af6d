//! Strategies on a toy problem with a known optimum: better than random search, resumed to the same bytes, pinned values.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::{NAMES, SINGLE, strategy};
use eoinas_core::cost::MultiplyAdds;
use eoinas_core::{CoreError, Cost, Genotype, GenotypeEdge, SearchSpace, SeedStream, Skeleton, Streams};
use eoinas_strategy::*;

/// The share of the edges that have 3x3 convolutions: 1 at the optimum.
fn toy(genotype: &Genotype) -> Evaluation {
    let edges: Vec<&GenotypeEdge> = genotype.cells.iter().flat_map(|c| c.nodes.iter().flatten()).collect();
    let good = edges.iter().filter(|edge| matches!(edge.op.name(), "nor_conv_3x3" | "sep_conv_3x3")).count();
    Evaluation::of(good as f64 / edges.len() as f64)
}

/// As [`toy`], and half of the score is the share of edges that come from the cell's inputs.
fn toy_with_sources(genotype: &Genotype) -> Evaluation {
    let edges = genotype.cells.iter().flat_map(|c| c.nodes.iter().flatten().map(|edge| edge.from < c.inputs));
    let (sum, count) = edges.fold((0.0, 0.0), |(sum, count), near| (sum + f64::from(u8::from(near)), count + 1.0));
    Evaluation::of(0.5 * toy(genotype).score + 0.5 * sum / count)
}

fn mean_of_best(name: &str, space: &SearchSpace, evaluator: fn(&Genotype) -> Evaluation) -> f64 {
    let best = |seed| {
        let mut search = StrategySearch::new(strategy(name, space, 120), evaluator, 120, seed);
        search.run(|_| {}).unwrap().best().unwrap().evaluation.score
    };
    (0..5).map(best).sum::<f64>() / 5.0
}

#[test]
fn strategies_of_one_objective_beat_random_search_in_both_spaces() {
    for (space, evaluator) in [
        (SearchSpace::darts(), toy as fn(&Genotype) -> Evaluation),
        (SearchSpace::darts(), toy_with_sources),
        (SearchSpace::nas_bench_201(), toy),
    ] {
        let random = mean_of_best("random", &space, evaluator);
        for name in SINGLE {
            let found = mean_of_best(name, &space, evaluator);
            println!("{}: {name} {found:.3}, random {random:.3}", space.name());
            assert!(found > random + 0.05, "{} in {}: {found} against {random}", name, space.name());
        }
    }
}

#[test]
fn every_asked_genotype_fits_and_a_resumed_search_ends_in_the_same_bytes() {
    for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
        for name in NAMES {
            let search = |budget, seed| StrategySearch::new(strategy(name, &space, 60), toy, budget, seed);
            let mut whole = search(60, 3);
            let whole = serde_json::to_string(whole.run(|_| {}).unwrap()).unwrap();
            // 37 is in the middle of what the model-based search has queued.
            let mut first = search(37, 3);
            let text = serde_json::to_string(first.run(|_| {}).unwrap()).unwrap();
            let mut resumed = search(60, 3).resume(serde_json::from_str(&text).unwrap()).unwrap();
            let history = resumed.run(|_| {}).unwrap();
            assert_eq!(serde_json::to_string(history).unwrap(), whole, "{name}");
            for entry in &history.entries {
                Genotype::parse_in(&entry.genotype, &space).unwrap();
            }
            let other = search(60, 4).resume(history.clone());
            assert!(matches!(other, Err(StrategyError::Replay { index: 0, .. })), "{name}");
        }
    }
}

/// A change of these values changes the result of every search with a strategy.
#[test]
fn what_is_asked_for_is_pinned_by_value() {
    let golden = [
        ("random", "|skip_connect~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_3x3~2|"),
        (
            "evolution",
            "|avg_pool_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|avg_pool_3x3~2|",
        ),
        ("reinforce", "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|none~2|"),
        ("smbo", "|skip_connect~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|nor_conv_3x3~1|avg_pool_3x3~2|"),
        ("metaqnn", "|none~0|+|none~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_1x1~1|nor_conv_3x3~2|"),
        ("hierarchical", "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|nor_conv_3x3~0|none~1|avg_pool_3x3~2|"),
        (
            "genetic-cnn",
            "|skip_connect~0|+|nor_conv_3x3~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_1x1~2|",
        ),
        ("nsga2", "|avg_pool_3x3~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|none~0|none~1|nor_conv_1x1~2|"),
    ];
    let last = |name| {
        let mut search = StrategySearch::new(strategy(name, &SearchSpace::nas_bench_201(), 25), toy, 25, 0);
        search.run(|_| {}).unwrap().entries.last().unwrap().genotype.clone()
    };
    assert_eq!(NAMES.map(|name| (name, last(name))), golden.map(|(name, text)| (name, text.to_owned())));
}

#[test]
fn scores_that_are_none_are_errors() {
    for score in [f64::NAN, f64::INFINITY, -0.1, 93.0] {
        let evaluator = |_: &Genotype| Evaluation::of(score);
        let mut search = StrategySearch::new(RandomSearch::new(SearchSpace::darts()), evaluator, 3, 0);
        assert!(matches!(search.run(|_| {}), Err(StrategyError::Score { index: 0, .. })));
    }
}

#[test]
fn what_does_not_fit_teaches_nothing() {
    let bench = Genotype::parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|").unwrap();
    for name in NAMES {
        let mut told = strategy(name, &SearchSpace::darts(), 10);
        let mut rng = Streams::new(0).rng(SeedStream::Named("test"), 0, 0);
        let genotype = told.ask(&mut rng).unwrap();
        told.tell(&genotype, f64::NAN);
        if name != "evolution" {
            told.tell(&bench, 1.0);
        }
        told.ask(&mut rng).unwrap().fits(&SearchSpace::darts()).unwrap();
    }
}

#[test]
fn a_space_that_is_used_up_repeats_itself() {
    use eoinas_core::{CellSpec, Op};
    let cells = vec![CellSpec { keep: None, ..CellSpec::dense("cell", 1, 1, false) }];
    let space = SearchSpace::new("two", vec![Op::SkipConnect, Op::NorConv3x3], cells).unwrap();
    for name in NAMES {
        let mut search = StrategySearch::new(strategy(name, &space, 40), toy, 40, 0);
        assert_eq!(search.run(|_| {}).unwrap().best().unwrap().evaluation.score, 1.0, "{name}");
    }
}

#[test]
fn the_controller_is_sure_of_the_optimum_in_the_end() {
    let space = SearchSpace::nas_bench_201();
    let optimum = Genotype::parse_in(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
        &space,
    )
    .unwrap();
    let mut controller = Reinforce::new(space);
    let before = controller.log_probability(&optimum).unwrap();
    let streams = Streams::new(0);
    for index in 0..300 {
        let genotype = controller.ask(&mut streams.rng(SeedStream::Named("test"), 0, index)).unwrap();
        controller.tell(&genotype, toy(&genotype).score);
    }
    let after = controller.log_probability(&optimum).unwrap();
    assert!((before + 15_625f64.ln()).abs() < 1e-9);
    assert!(after > before + 5.0, "{before} {after}");
}

#[test]
fn settings_that_cannot_be_are_named() {
    let space = SearchSpace::nas_bench_201;
    let config = SmboConfig::default();
    let field = |error: StrategyError| match error {
        StrategyError::Setting(wrong) => {
            wrong.name.split_once('.').map_or(String::new(), |(_, field)| field.to_owned())
        }
        other => other.to_string(),
    };
    assert_eq!(field(Reinforce::new(space()).with_rates(0.0, 0.9).unwrap_err()), "learning_rate");
    assert_eq!(field(Reinforce::new(space()).with_rates(f64::NAN, 0.9).unwrap_err()), "learning_rate");
    assert_eq!(field(Reinforce::new(space()).with_rates(0.1, 1.0).unwrap_err()), "decay");
    for (wrong, name) in [
        (SmboConfig { initial: 1, ..config }, "initial"),
        (SmboConfig { batch: 0, ..config }, "batch"),
        (SmboConfig { candidates: 1, ..config }, "candidates"),
        (SmboConfig { parents: 0, ..config }, "parents"),
        (SmboConfig { members: 0, ..config }, "members"),
        (SmboConfig { ridge: 0.0, ..config }, "ridge"),
        (SmboConfig { exploration: 1.5, ..config }, "exploration"),
    ] {
        assert_eq!(field(Smbo::new(space()).with_config(wrong).unwrap_err()), name);
    }
    let config = HierarchicalConfig::default();
    for (wrong, name) in [
        (HierarchicalConfig { population: 0, ..config }, "population"),
        (HierarchicalConfig { tournament: 0.0, ..config }, "tournament"),
        (HierarchicalConfig { tournament: f64::NAN, ..config }, "tournament"),
        (HierarchicalConfig { least: 0, ..config }, "least"),
        (HierarchicalConfig { mutations: 2_000_000, ..config }, "mutations"),
    ] {
        assert_eq!(field(Hierarchical::new(space()).unwrap().with_config(wrong).unwrap_err()), name);
    }
    let config = GeneticCnnConfig::default();
    for (wrong, name) in [
        (GeneticCnnConfig { population: 1, ..config }, "population"),
        (GeneticCnnConfig { crossover: -0.1, ..config }, "crossover"),
        (GeneticCnnConfig { swap: 1.1, ..config }, "swap"),
        (GeneticCnnConfig { mutation: f64::NAN, ..config }, "mutation"),
        (GeneticCnnConfig { flip: 2.0, ..config }, "flip"),
    ] {
        assert_eq!(field(GeneticCnn::new(space()).unwrap().with_config(wrong).unwrap_err()), name);
    }
    let config = MetaQnnConfig::default();
    for (wrong, name) in [
        (MetaQnnConfig { models: 0, ..config }, "models"),
        (MetaQnnConfig { replays: 0, ..config }, "replays"),
        (MetaQnnConfig { learning_rate: 0.0, ..config }, "learning_rate"),
        (MetaQnnConfig { discount: 1.5, ..config }, "discount"),
        (MetaQnnConfig { initial: f64::NAN, ..config }, "initial"),
    ] {
        assert_eq!(field(MetaQnn::new(space()).with_config(wrong).unwrap_err()), name);
    }
    assert_eq!(field(Evolution::new(space()).with_sizes(1, 1).unwrap_err()), "population");
    assert_eq!(field(Evolution::new(space()).with_sizes(10, 11).unwrap_err()), "sample");
    let nsga2 = || Nsga2::new(space(), Skeleton::nas_bench_201(1), Arc::new(MultiplyAdds));
    assert_eq!(field(nsga2().with_settings(1, 0.5).unwrap_err()), "population");
    assert_eq!(field(nsga2().with_settings(2, f64::NAN).unwrap_err()), "crossover");
}

/// Knows nothing, or says what is no cost.
#[derive(Debug)]
struct Unknown(f64);

impl Cost for Unknown {
    fn name(&self) -> &str {
        "joules"
    }

    fn of(&self, _: &Genotype, _: &Skeleton, _: &SearchSpace) -> Result<f64, CoreError> {
        match self.0 {
            0.0 => Err(CoreError::Fit { problem: "no meter".to_owned() }),
            cost => Ok(cost),
        }
    }
}

#[test]
fn a_cost_that_is_not_known_is_said_before_anything_is_evaluated() {
    for (cost, problem) in [(0.0, "no meter"), (f64::INFINITY, "it is inf"), (f64::NAN, "it is NaN")] {
        let strategy = Nsga2::new(SearchSpace::darts(), Skeleton::search(), Arc::new(Unknown(cost)));
        let evaluator = |_: &Genotype| -> Evaluation { panic!("evaluated") };
        let error = StrategySearch::new(strategy, evaluator, 3, 0).run(|_| {}).unwrap_err();
        assert!(matches!(&error, StrategyError::Cost { cost, .. } if cost == "joules"), "{error}");
        assert!(error.to_string().contains(problem), "{error}");
    }
}

/// By the share of its convolutions, and by multiply-adds: the whole front is there to be found, a cell for each share.
#[test]
fn nsga2_finds_a_larger_front_than_random_search() {
    for (space, skeleton) in
        [(SearchSpace::darts(), Skeleton::search()), (SearchSpace::nas_bench_201(), Skeleton::nas_bench_201(1))]
    {
        let volume = |name: &str, seed| {
            let mut search = StrategySearch::new(strategy(name, &space, 200), toy, 200, seed);
            let point = |entry: &Entry| {
                let genotype = Genotype::parse_in(&entry.genotype, &space).unwrap();
                let cost = MultiplyAdds.of(&genotype, &skeleton, &space).unwrap();
                front::Point::new(entry.evaluation.score, cost / 1e6)
            };
            let points: Vec<front::Point> = search.run(|_| {}).unwrap().entries.iter().map(point).collect();
            front::hypervolume(&points, front::Point::new(0.0, 100.0))
        };
        let mean = |name: &str| (0..5).map(|seed| volume(name, seed)).sum::<f64>() / 5.0;
        let (nsga2, random) = (mean("nsga2"), mean("random"));
        println!("{}: nsga2 {nsga2:.2}, random {random:.2}", space.name());
        assert!(nsga2 > random, "{}: {nsga2} against {random}", space.name());
    }
}
