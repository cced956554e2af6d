//! The table of NAS-Bench-201: what is read and refused, and every strategy on it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::{fs::File, path::Path};

use common::{SINGLE, strategy};
use eoinas_core::{Cost, Genotype, SearchSpace, Skeleton, statistics::mean_and_deviation};
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

/// A file that is not part of the crate: without it a test says so and passes.
fn data(name: &str) -> Option<File> {
    let root = std::env::var_os("EOINAS_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), Into::into);
    let path = root.join(name);
    let file = File::open(&path).ok();
    if file.is_none() {
        println!("skipped: no table at {} (set EOINAS_TEST_DATA to its data folder)", path.display());
    }
    file
}

/// The whole table.
fn whole() -> Option<NasBench201Table> {
    data("nas-bench-201/cifar10.csv").map(|file| NasBench201Table::read(file).unwrap())
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
            let mut search = StrategySearch::new(strategy(name, table.space(), 200), evaluator, 200, seed);
            search.run(|_| {}).unwrap().best().unwrap().evaluation
        };
        let (scores, tests): (Vec<f64>, Vec<f64>) =
            (0..10).map(best).map(|found| (100.0 * found.score, 100.0 * found.test.unwrap())).unzip();
        let (score, test) = (mean_and_deviation(&scores).unwrap(), mean_and_deviation(&tests).unwrap());
        println!("{name}: score {:.2} +- {:.2}, test {:.2} +- {:.2}", score.0, score.1, test.0, test.1);
        score.0
    };
    let random = run("random");
    for name in SINGLE {
        assert!(run(name) > random, "{name}");
    }
}

/// Every architecture by its string, in the order of the numbers that they come to.
fn strings() -> impl Iterator<Item = String> {
    let space = SearchSpace::nas_bench_201();
    let names: Vec<String> = space.ops().iter().map(|op| op.name().to_owned()).collect();
    (0..15_625usize).map(move |code| {
        let [a, b, c, d, e, f] = std::array::from_fn(|edge| &names[code / 5usize.pow(edge as u32) % 5]);
        format!("|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|")
    })
}

#[test]
fn latencies_are_read_by_column_and_bad_tables_refused() {
    let rows: Vec<String> =
        strings().enumerate().map(|(i, arch)| format!("{},{arch},{}\n", i + 1, i * 2 + 1)).collect();
    let text = format!("phone_ms,arch,watch_ms\n{}", rows.concat());
    let read = |text: &str, column| ArchitectureLatencies::read(text.as_bytes(), column);
    let (space, skeleton) = (SearchSpace::nas_bench_201(), Skeleton::nas_bench_201(5));
    for (column, factor, plus) in [("phone_ms", 1.0, 1.0), ("watch_ms", 2.0, 1.0)] {
        let table = read(&text, Some(column)).unwrap();
        assert_eq!((table.name(), table.all().len()), (column, 15_625));
        for (i, arch) in strings().enumerate().step_by(401) {
            let genotype = Genotype::parse_in(&arch, &space).unwrap();
            assert_eq!(table.of(&genotype, &skeleton, &space).unwrap(), i as f64 * factor + plus);
        }
    }
    let alone = text.replace(",arch,watch_ms", ",arch,arch");
    assert_eq!(read(&alone, None).unwrap().name(), "phone_ms");

    let table = read(&text, Some("phone_ms")).unwrap();
    let refused = |genotype: &Genotype, skeleton: &Skeleton, space: &SearchSpace| {
        table.of(genotype, skeleton, space).unwrap_err().to_string()
    };
    let cell = Genotype::parse_in(&strings().next().unwrap(), &space).unwrap();
    assert!(refused(&cell, &Skeleton::nas_bench_201(1), &space).contains("16 channels, 5 cells a stage"));
    assert!(refused(&cell, &skeleton, &SearchSpace::darts()).contains("cells"));
    let limited = Skeleton { max_ops: Some(10), ..skeleton.clone() };
    assert_eq!(table.of(&cell, &limited, &space).unwrap(), 1.0);

    let wrong = |text: &str, column| match read(text, column).unwrap_err() {
        StrategyError::Table { line, problem } => (line, problem),
        other => panic!("{other}"),
    };
    for (text, column, line, part) in [
        (text.clone(), None, Some(1), "several columns of latencies; choose one by its name: phone_ms, watch_ms"),
        (text.clone(), Some("phone"), Some(1), "no column `phone`; found are"),
        (text.replace("\n3,", "\n-3,"), Some("phone_ms"), Some(4), "`-3` in column `phone_ms` is not a latency"),
        (text.replace("\n3,", "\n0,"), Some("phone_ms"), Some(4), "`0` in column"),
        (text.replace("\n3,", "\nNaN,"), Some("phone_ms"), Some(4), "`NaN` in column"),
        (text.replace("\n3,", "\ninf,"), Some("phone_ms"), Some(4), "`inf` in column"),
        (format!("{text}{}", rows[5]), Some("phone_ms"), Some(15_627), "is in the table already, on line 7"),
        (format!("phone_ms,arch,watch_ms\n{}", rows[1..].concat()), Some("phone_ms"), None, "15624 of 15625"),
    ] {
        let (found, problem) = wrong(&text, column);
        assert!(found == line && problem.contains(part), "{found:?} {problem}");
    }
    assert!(matches!(read(&text[..100], Some("watch_ms")), Err(StrategyError::Csv(_))));
}

#[test]
fn latencies_of_hw_nas_bench() {
    let read = |column| data("hw-nas-bench/cifar10.csv").map(|file| ArchitectureLatencies::read(file, column));
    let Some(table) = read(Some("pixel3_latency_ms")) else { return };
    let space = SearchSpace::nas_bench_201();
    let cell = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|";
    let cell = Genotype::parse_in(cell, &space).unwrap();
    assert_eq!(table.unwrap().of(&cell, &Skeleton::nas_bench_201(5), &space).unwrap(), 17.238);
    assert!(read(None).unwrap().is_err());
}
