use std::collections::BTreeMap;

use super::*;
use crate::latency::parts;
use crate::network::NetworkSpec;
use crate::random::{SeedStream, Streams};

fn random(space: &SearchSpace, index: u64) -> Genotype {
    Genotype::random(space, &mut Streams::new(0).rng(SeedStream::Named("limits"), 0, index))
}

#[test]
fn networks_keep_to_their_limits_and_use_them() {
    let space = SearchSpace::darts();
    let skeleton = Skeleton { height: 64, width: 48, classes: 5, ..Skeleton::search() };
    let of = |parameters, multiply_adds| Limits { parameters, multiply_adds, ..Limits::default() };
    for limits in [
        of(Some(20_000), None),
        of(Some(1_000_000), None),
        of(None, Some(50_000_000)),
        of(Some(300_000), Some(10_000_000)),
    ] {
        for index in 0..10 {
            let cell = random(&space, index);
            let fitted = limits.fit(&cell, &skeleton, &space).unwrap();
            assert!(limits.allow(&cell, &fitted, &space).unwrap(), "{limits}: {fitted:?}");
            let wider = Skeleton { channels: fitted.channels + 1, ..fitted.clone() };
            assert!(!limits.allow(&cell, &wider, &space).unwrap(), "{limits}: {fitted:?}");
            let proportion = fitted.channels as f64 / fitted.cells as f64;
            let enough = (3..20).contains(&fitted.cells);
            assert!(!enough || (1.0..3.2).contains(&proportion), "{limits}: {fitted:?}");
            let kept = Limits { keep_cells: true, ..limits.clone() }.fit(&cell, &skeleton, &space).unwrap();
            assert_eq!(kept.cells, skeleton.cells);
        }
    }
}

#[test]
fn a_limit_on_latency_is_kept_by_a_table_of_parts() {
    let space = SearchSpace::darts();
    let skeleton = Skeleton { cells: 5, ..Skeleton::search() };
    let wide = |channels| Skeleton { channels, ..skeleton.clone() };
    // A microsecond for each channel of each part.
    let all = (0..60).flat_map(|index| {
        let cell = random(&space, index);
        let widths = (2..=20).step_by(2).map(|width| NetworkSpec::derived(&cell, &space, &wide(width)).unwrap());
        widths.flat_map(|network| parts(&network)).collect::<Vec<_>>()
    });
    let rows: BTreeMap<Part, f64> = all.map(|part| (part.clone(), part.channels as f64 / 1000.0)).collect();
    let table = LatencyTable::new("", rows).unwrap();
    let limit = |milliseconds| LatencyLimit { milliseconds, measured: None, table: table.clone() };
    let limits = |milliseconds| Limits { latency: Some(limit(milliseconds)), keep_cells: true, ..Limits::default() };
    for index in 0..10 {
        let (cell, limits) = (random(&space, index), limits(1.5));
        let fitted = limits.fit(&cell, &skeleton, &space).unwrap();
        assert!(fitted.channels.is_multiple_of(2) && limits.allow(&cell, &fitted, &space).unwrap(), "{fitted:?}");
        assert!(!limits.allow(&cell, &wide(fitted.channels + 2), &space).unwrap(), "{fitted:?}");
        assert!(limits.milliseconds(&cell, &fitted, &space).unwrap().is_some_and(|of| of <= 1.5));
    }
    // Wider than the table is slower than any limit.
    assert_eq!(limits(1e9).fit(&random(&space, 0), &skeleton, &space).unwrap().channels, 20);
    let error = limits(0.01).check(&skeleton, &space).unwrap_err().to_string();
    assert!(error.starts_with("limits.latency.milliseconds is 0.01; expected at least "), "{error}");
    assert_eq!(limits(2.0).to_string(), "at most 2 ms");
}

#[test]
fn every_cell_lies_between_the_extremes() {
    for (space, skeleton) in
        [(SearchSpace::darts(), Skeleton::search()), (SearchSpace::nas_bench_201(), Skeleton::nas_bench_201(1))]
    {
        let of = |cell: &Genotype| network(cell, &skeleton, &space).unwrap();
        let [least, most] = [false, true].map(|largest| of(&extreme(&space, &skeleton, multiply_adds, largest)));
        for index in 0..200 {
            let counts = of(&random(&space, index));
            assert!(counts.multiply_adds <= most.multiply_adds && counts.parameters <= most.parameters);
            // With `none` on its edges a cell of NAS-Bench-201 may cost less still.
            assert!(counts.multiply_adds >= least.multiply_adds.min(counts.multiply_adds));
        }
        assert!(least.multiply_adds < most.multiply_adds);
    }
}

#[test]
fn limits_that_nothing_keeps_to_are_refused_with_what_would_do() {
    let (space, skeleton) = (SearchSpace::darts(), Skeleton::search());
    let limits = |parameters| Limits { parameters: Some(parameters), ..Limits::default() };
    let error = limits(100).check(&skeleton, &space).unwrap_err().to_string();
    assert!(error.starts_with("limits.parameters is 100; expected at least "), "{error}");
    assert!(error.contains("the smallest of all takes"), "{error}");
    let least = limits(100).least(&extreme(&space, &skeleton, multiply_adds, true), &skeleton, &space);
    let least = least.unwrap().counts;
    assert!(limits(least.parameters).check(&skeleton, &space).is_ok());
    assert!(limits(least.parameters - 1).check(&skeleton, &space).is_err());
    for index in 0..20 {
        limits(least.parameters).fit(&random(&space, index), &skeleton, &space).unwrap();
    }
    let error = limits(100).fit(&random(&space, 0), &skeleton, &space).unwrap_err().to_string();
    assert!(error.contains("the smallest network of this cell takes"), "{error}");
}

#[test]
fn limits_in_words() {
    let limits = Limits { parameters: Some(5), multiply_adds: Some(7), ..Limits::default() };
    assert_eq!(limits.to_string(), "at most 5 parameters and at most 7 multiply-adds");
    assert!(!limits.are_none() && Limits::default().are_none());
}
