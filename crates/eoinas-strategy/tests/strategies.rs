//! Strategies on a toy problem and on the table of NAS-Bench-201.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use eoinas_core::statistics::mean_and_deviation;
use eoinas_core::{Genotype, SearchSpace};
use eoinas_strategy::*;

fn toy(genotype: &Genotype) -> Evaluation {
    let ops: Vec<&str> =
        genotype.cells.iter().flat_map(|c| c.nodes.iter().flatten()).map(|edge| edge.op.name()).collect();
    let good = ops.iter().filter(|op| matches!(**op, "nor_conv_3x3" | "sep_conv_3x3")).count();
    Evaluation::of(good as f64 / ops.len() as f64)
}

fn best(strategy: impl Strategy, seed: u64) -> f64 {
    let mut search = StrategySearch::new(strategy, toy, 120, seed);
    search.run(|_| {}).unwrap().best().unwrap().evaluation.score
}

#[test]
fn evolution_beats_random_search_in_both_spaces() {
    for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
        let mean = |run: &dyn Fn(u64) -> f64| (0..10).map(run).sum::<f64>() / 10.0;
        let random = mean(&|seed| best(RandomSearch::new(space.clone()), seed));
        let evolved = mean(&|seed| best(Evolution::new(space.clone()), seed));
        assert!(evolved > random + 0.05, "{}: {evolved} against {random}", space.name());
    }
}

#[test]
fn every_asked_genotype_fits_and_a_resumed_search_ends_in_the_same_bytes() {
    for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
        let search = |budget| StrategySearch::new(Evolution::new(space.clone()), toy, budget, 3);
        let mut whole = search(60);
        let whole = serde_json::to_string(whole.run(|_| {}).unwrap()).unwrap();
        let mut first = search(25);
        let text = serde_json::to_string(first.run(|_| {}).unwrap()).unwrap();
        let mut resumed = search(60).resume(serde_json::from_str(&text).unwrap()).unwrap();
        let history = resumed.run(|_| {}).unwrap();
        assert_eq!(serde_json::to_string(history).unwrap(), whole);
        for entry in &history.entries {
            Genotype::parse_in(&entry.genotype, &space).unwrap();
        }
        let other = StrategySearch::new(Evolution::new(space.clone()), toy, 60, 4).resume(history.clone());
        assert!(matches!(other, Err(StrategyError::Replay { index: 0, .. })));
    }
}

#[test]
fn scores_that_are_none_are_errors() {
    for score in [f64::NAN, f64::INFINITY, -0.1, 93.0] {
        let evaluator = |_: &Genotype| Evaluation::of(score);
        let mut search = StrategySearch::new(RandomSearch::new(SearchSpace::darts()), evaluator, 3, 0);
        assert!(matches!(search.run(|_| {}), Err(StrategyError::Score { index: 0, .. })));
    }
}

const HEADER: &str = "index,arch,c10valid_val_e12,c10_test_e12,c10valid_val_e200,c10valid_test_e200,c10_test_e200,\
                      flops_m_c10_computed,params_m_c10_computed\n";
const ROW: &str = "0,|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|,1,2,3,4,5,7.78305,0.073306\n";

#[test]
fn columns_and_bad_tables() {
    let read = |text: &str| NasBench201Table::read_part(text.as_bytes());
    let table = read(&format!("{HEADER}{ROW}")).unwrap();
    assert_eq!(Column::ALL.map(|column| table.rows()[0].accuracy(column)), [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!(table.get(&table.rows()[0].genotype).is_some());
    let error = |text: &str| read(text).unwrap_err();
    assert!(matches!(error(&format!("{HEADER}{ROW}{ROW}")), TableError::Duplicate { line: 3, first: 2, .. }));
    assert!(matches!(error(&HEADER.replace("c10_test_e12", "x")), TableError::MissingColumn { .. }));
    assert!(matches!(error(&format!("{HEADER}{}", ROW.replace(",5,", ",NaN,"))), TableError::Number { line: 2, .. }));
    assert!(matches!(error(&format!("{HEADER}{}", ROW.replace("skip", "hop"))), TableError::Architecture { .. }));
    assert!(matches!(error(&format!("{HEADER}{}", &ROW[..70])), TableError::Csv(_)));
    let whole = NasBench201Table::read(format!("{HEADER}{ROW}").as_bytes());
    assert!(matches!(whole, Err(TableError::Incomplete { rows: 1, .. })));
}

#[test]
fn on_the_table_evolution_is_better_than_random() {
    let root = std::env::var_os("EOINAS_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), Into::into);
    let path = root.join("nas-bench-201/cifar10.csv");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: no table at {} (set EOINAS_TEST_DATA to its data folder)", path.display());
        return;
    };
    let table = NasBench201Table::read(file).unwrap();
    assert!((table.optimum(Column::TestE200).unwrap().accuracy(Column::TestE200) - 94.3733).abs() < 1e-4);
    let run = |strategy: Box<dyn Strategy>, seed| {
        let evaluator = TabularEvaluator { table: &table, score: Column::ValidE12, test: Column::TestE200 };
        let mut search = StrategySearch::new(strategy, evaluator, 200, seed);
        search.run(|_| {}).unwrap().best().unwrap().evaluation
    };
    let space = table.space();
    let random: Vec<_> = (0..10).map(|seed| run(Box::new(RandomSearch::new(space.clone())), seed)).collect();
    let evolved: Vec<_> = (0..10).map(|seed| run(Box::new(Evolution::new(space.clone())), seed)).collect();
    let mean = |all: &[Evaluation], of: fn(&Evaluation) -> f64| {
        mean_and_deviation(&all.iter().map(of).collect::<Vec<_>>()).unwrap()
    };
    let test = |e: &Evaluation| e.test.unwrap();
    println!("test accuracy: random {:?}, evolution {:?}", mean(&random, test), mean(&evolved, test));
    assert!(mean(&evolved, |e| e.score).0 > mean(&random, |e| e.score).0);
}
