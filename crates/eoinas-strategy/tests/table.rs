//! The table of NAS-Bench-201: what is read and refused, and every strategy on it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;

use common::{NAMES, strategy};
use eoinas_core::statistics::mean_and_deviation;
use eoinas_strategy::*;

const HEADER: &str = "index,arch,c10valid_val_e12,c10_test_e12,c10valid_val_e200,c10valid_test_e200,c10_test_e200,\
                      flops_m_c10_computed,params_m_c10_computed\n";
const ROW: &str = "0,|none~0|+|none~0|none~1|+|none~0|none~1|skip_connect~2|,1,2,3,4,5,7.78305,0.073306\n";

#[test]
fn columns_and_bad_tables() {
    let read = |text: &str| NasBench201Table::read_part(text.as_bytes());
    let table = read(&format!("{HEADER}{ROW}")).unwrap();
    assert_eq!(Column::ALL.map(|column| table.rows()[0].accuracy(column)), [1.0, 2.0, 3.0, 4.0, 5.0]);
    assert!(table.get(&table.rows()[0].genotype).is_some());
    let wrong = |text: &str| match read(text).unwrap_err() {
        StrategyError::Table { line, problem } => (line, problem),
        other => (None, other.to_string()),
    };
    let (line, problem) = wrong(&format!("{HEADER}{ROW}{ROW}"));
    assert!(line == Some(3) && problem.contains("already, on line 2"), "{problem}");
    let (line, problem) = wrong(&HEADER.replace("c10_test_e12", "x"));
    assert!(line == Some(1) && problem.contains("no column `c10_test_e12`"), "{problem}");
    let (line, problem) = wrong(&format!("{HEADER}{}", ROW.replace(",5,", ",NaN,")));
    assert!(line == Some(2) && problem.contains("`NaN` in column"), "{problem}");
    let (line, problem) = wrong(&format!("{HEADER}{}", ROW.replace("skip", "hop")));
    assert!(line == Some(2) && problem.contains("hop_connect"), "{problem}");
    assert!(matches!(read(&format!("{HEADER}{}", &ROW[..70])), Err(StrategyError::Csv(_))));
    let whole = NasBench201Table::read(format!("{HEADER}{ROW}").as_bytes()).unwrap_err();
    assert!(
        matches!(&whole, StrategyError::Table { line: None, problem } if problem.starts_with("1 of 15625")),
        "{whole}"
    );
}

/// The whole table, which is not part of the crate: without it a test says so and passes.
fn whole() -> Option<NasBench201Table> {
    let root = std::env::var_os("EOINAS_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), Into::into);
    let path = root.join("nas-bench-201/cifar10.csv");
    let Ok(file) = std::fs::File::open(&path) else {
        println!("skipped: no table at {} (set EOINAS_TEST_DATA to its data folder)", path.display());
        return None;
    };
    Some(NasBench201Table::read(file).unwrap())
}

#[test]
fn the_optimum() {
    let Some(table) = whole() else { return };
    let column = Column::TestE200;
    assert!((table.optimum(column).unwrap().accuracy(column) - 94.3733).abs() < 1e-4);
}

/// By the scores that they learn from; the test accuracies are printed.
#[test]
fn strategies_that_learn_find_higher_scores_than_random_search() {
    let Some(table) = whole() else { return };
    let run = |name: &str| {
        let best = |seed| {
            let evaluator = TabularEvaluator { table: &table, score: Column::ValidE12, test: Column::TestE200 };
            let mut search = StrategySearch::new(strategy(name, table.space()), evaluator, 200, seed);
            search.run(|_| {}).unwrap().best().unwrap().evaluation
        };
        let (scores, tests): (Vec<f64>, Vec<f64>) =
            (0..10).map(best).map(|found| (100.0 * found.score, 100.0 * found.test.unwrap())).unzip();
        let (score, test) = (mean_and_deviation(&scores).unwrap(), mean_and_deviation(&tests).unwrap());
        println!("{name}: score {:.2} +- {:.2}, test {:.2} +- {:.2}", score.0, score.1, test.0, test.1);
        score.0
    };
    let random = run("random");
    for name in NAMES.into_iter().filter(|name| *name != "random") {
        assert!(run(name) > random, "{name}");
    }
}
