//! The predictor of the DARTS space against the table that it was fitted to.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::{Path, PathBuf};

use eoinas_core::{Genotype, SearchSpace, Skeleton, count};
use eoinas_strategy::{LinearPredictor, TrainedCell};

/// The 725 cells with what NAS-Bench-301 predicts, where they are at hand.
fn table() -> Option<PathBuf> {
    let data = std::env::var_os("EOINAS_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), Into::into);
    let path = data.join("darts-space/nasbench301_725.csv");
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: no table at {} (set EOINAS_TEST_DATA to its data folder)", path.display());
    None
}

#[test]
fn the_table_gives_the_numbers_that_the_library_has() {
    let Some(path) = table() else { return };
    let space = SearchSpace::darts();
    let mut reader = csv::Reader::from_path(path).unwrap();
    let cells: Vec<TrainedCell> = reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let genotype = Genotype::parse_in(&record[0], &space).unwrap();
            let multiply_adds = count::network(&genotype, &Skeleton::search(), &space).unwrap().multiply_adds;
            TrainedCell { genotype, score: record[1].parse().unwrap(), multiply_adds }
        })
        .collect();
    assert_eq!(cells.len(), 725);
    let (fitted, known) = (LinearPredictor::fit(&space, &cells, 5.0).unwrap(), LinearPredictor::darts());
    for (kind, cell) in space.cells().iter().enumerate() {
        for op in cell.genotype_ops(space.ops()) {
            let (got, wanted) = (fitted.worth(kind, op.name()).unwrap(), known.worth(kind, op.name()).unwrap());
            println!("{kind} {:<14} {:.3} {:.3}", op.name(), got.of_input, got.of_node);
            let close = |got: f64, wanted: f64| (got - wanted).abs() < 6e-4;
            assert!(close(got.of_input, wanted.of_input) && close(got.of_node, wanted.of_node), "{kind} {}", op.name());
        }
    }
}
