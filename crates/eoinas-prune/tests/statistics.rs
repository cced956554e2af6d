//! What is recorded, and how.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use eoinas_core::{EdgeId, Gate, SearchSpace};
use eoinas_prune::{AccuracyUpdate, CountWindow, PruningError, Statistics, StatisticsConfig};

fn ema(decay: f64) -> StatisticsConfig {
    StatisticsConfig { accuracy: AccuracyUpdate::ExponentialMovingAverage { decay }, ..Default::default() }
}

#[test]
fn a_weight_step_counts_the_sampled_op_of_every_edge() {
    let space = SearchSpace::darts();
    let mut statistics = Statistics::new(&space, StatisticsConfig::default()).unwrap();
    let gates = one_path(&space, |kind, edge| (kind.0 + edge) % 8);
    for _ in 0..3 {
        statistics.record_weight_step(&gates).unwrap();
    }
    for id in space.edges() {
        let mut expected = [0; 8];
        expected[(id.kind.0 + id.edge) % 8] = 3;
        assert_eq!(statistics.counts()[id], expected);
        assert_eq!(statistics.accuracies()[id], [None; 8], "a weight step knows no accuracy");
    }
}

#[test]
fn of_a_mixture_the_largest_gate_is_the_sampled_op() {
    let space = SearchSpace::nas_bench_201();
    let mut statistics = Statistics::new(&space, StatisticsConfig::default()).unwrap();
    let mut gates = one_path(&space, |_, _| 0);
    let mixture = |values: &[(usize, f32)]| values.iter().map(|&(op, value)| Gate { op, value }).collect();
    gates.kinds[0][0] = mixture(&[(0, 0.2), (1, 0.5), (4, 0.3)]);
    gates.kinds[0][1] = mixture(&[(2, 0.4), (3, 0.4), (4, 0.2)]);
    gates.kinds[0][2] = Vec::new();
    statistics.record_weight_step(&gates).unwrap();
    statistics.record_arch_step(&gates, 0.75).unwrap();
    assert_eq!(statistics.counts()[EdgeId::new(NORMAL, 0)], [0, 1, 0, 0, 0]);
    assert_eq!(statistics.counts()[EdgeId::new(NORMAL, 1)], [0, 0, 1, 0, 0], "the first of two");
    assert_eq!(statistics.counts()[EdgeId::new(NORMAL, 2)], [0; 5], "nothing was run");
    assert_eq!(statistics.accuracies()[EdgeId::new(NORMAL, 0)], [None, Some(0.75), None, None, None]);
}

#[test]
fn the_last_accuracy_replaces_the_one_before() {
    let space = SearchSpace::darts();
    let mut statistics = Statistics::new(&space, StatisticsConfig::default()).unwrap();
    let gates = one_path(&space, |_, _| 2);
    statistics.record_arch_step(&gates, 0.5).unwrap();
    statistics.record_arch_step(&gates, 0.25).unwrap();
    assert_eq!(statistics.accuracies()[EdgeId::new(REDUCE, 13)][2], Some(0.25));
    assert_eq!(statistics.counts()[EdgeId::new(REDUCE, 13)][2], 0, "an architecture step trains no op");
}

#[test]
fn moving_average_starts_at_the_first_value() {
    let space = SearchSpace::darts();
    let mut statistics = Statistics::new(&space, ema(0.75)).unwrap();
    statistics.note_accuracy(EdgeId::new(NORMAL, 0).op(1), 0.5).unwrap();
    assert_eq!(statistics.accuracies()[EdgeId::new(NORMAL, 0)][1], Some(0.5));
    statistics.note_accuracy(EdgeId::new(NORMAL, 0).op(1), 1.0).unwrap();
    assert_eq!(statistics.accuracies()[EdgeId::new(NORMAL, 0)][1], Some(0.625));
}

#[test]
fn windows() {
    let space = SearchSpace::darts();
    for (window, left) in [(CountWindow::SinceLastPrune, 0), (CountWindow::WholeSearch, 1)] {
        let mut statistics = Statistics::new(&space, StatisticsConfig { window, ..Default::default() }).unwrap();
        let gates = one_path(&space, |_, _| 2);
        statistics.record_weight_step(&gates).unwrap();
        statistics.record_arch_step(&gates, 0.5).unwrap();
        statistics.start_window();
        assert_eq!(statistics.counts()[EdgeId::new(NORMAL, 0)][2], left);
        assert_eq!(statistics.accuracies()[EdgeId::new(NORMAL, 0)][2], Some(0.5), "accuracies stay");
    }
}

#[test]
fn bad_input_changes_nothing_and_is_named() {
    let space = SearchSpace::darts();
    let mut statistics = Statistics::new(&space, StatisticsConfig::default()).unwrap();
    let before = statistics.clone();
    let other = one_path(&SearchSpace::nas_bench_201(), |_, _| 0);
    assert!(matches!(statistics.record_weight_step(&other), Err(PruningError::Shape { what: "gates" })));
    let mut short = one_path(&space, |_, _| 0);
    short.kinds.pop();
    assert!(matches!(statistics.record_weight_step(&short), Err(PruningError::Shape { what: "gates" })));
    let mut gates = one_path(&space, |_, _| 0);
    gates.kinds[1][13][0].op = 8;
    for result in [statistics.record_weight_step(&gates), statistics.record_arch_step(&gates, 0.5)] {
        assert!(matches!(result, Err(PruningError::OutOfRange { kind: 1, edge: 13, op: 8 })));
    }
    let gates = one_path(&space, |_, _| 0);
    for value in [65.0, -0.1, f64::INFINITY] {
        let result = statistics.record_arch_step(&gates, value);
        assert!(matches!(result, Err(PruningError::Accuracy { value: got }) if got == value));
    }
    assert!(statistics.record_arch_step(&gates, f64::NAN).is_err());
    assert!(statistics.count(EdgeId::new(NORMAL, 99).op(0)).is_err());
    assert!(statistics.note_accuracy(EdgeId::new(NORMAL, 0).op(99), 0.5).is_err());
    assert_eq!(statistics, before);
    let text = PruningError::Accuracy { value: 65.0 }.to_string();
    assert_eq!(text, "accuracy 65 is not a fraction; it must lie in 0..=1 (divide percent by 100)");
}

#[test]
fn decay_is_checked() {
    for decay in [1.0, -0.5, f64::NAN] {
        assert!(matches!(
            Statistics::new(&SearchSpace::darts(), ema(decay)),
            Err(PruningError::Config { field: "accuracy.decay", .. })
        ));
    }
    assert!(ema(0.0).validate().is_ok());
}

#[test]
fn written_and_read_back() {
    let space = SearchSpace::nas_bench_201();
    let mut statistics = Statistics::new(&space, ema(0.9)).unwrap();
    statistics.record_weight_step(&one_path(&space, |_, edge| edge % 5)).unwrap();
    statistics.record_arch_step(&one_path(&space, |_, edge| edge % 3), 1.0 / 3.0).unwrap();
    let text = serde_json::to_string(&statistics).unwrap();
    let back: Statistics = serde_json::from_str(&text).unwrap();
    assert_eq!(back, statistics);
    assert!(back.fits(&space) && !back.fits(&SearchSpace::darts()));
    assert_eq!(serde_json::from_str::<StatisticsConfig>("{}").unwrap(), StatisticsConfig::default());
    let config = r#"{"window": "whole_search", "accuracy": {"exponential_moving_average": {"decay": 0.5}}}"#;
    let config: StatisticsConfig = serde_json::from_str(config).unwrap();
    assert_eq!(config, StatisticsConfig { window: CountWindow::WholeSearch, ..ema(0.5) });
}
