//! Means over the window, their errors, and prunings that wait for them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use eoinas_core::{EdgeId, Gates, Op, SearchSpace};
use eoinas_prune::{AccuracyUpdate, Beta, EoiNas, PruneState, PruningError, Statistics, StatisticsConfig};

const OPS: [Op; 4] = [Op::None, Op::SkipConnect, Op::SepConv3x3, Op::SepConv5x5];
const FIRST: EdgeId = EdgeId { kind: NORMAL, edge: 0 };

fn mean() -> StatisticsConfig {
    StatisticsConfig { accuracy: AccuracyUpdate::Mean, ..Default::default() }
}

/// A path of `op` on every edge.
fn path(space: &SearchSpace, op: usize) -> Gates {
    one_path(space, |_, _| op)
}

#[test]
fn means_over_several_paths_leave_the_difficulty_of_batches_out() {
    let space = small_space(&OPS, 2);
    let mut statistics = Statistics::new(&space, mean()).unwrap();
    // Op 3 is always 0.02 better than op 2; batches are easy or hard. Each is drawn with op 1 once more.
    for (base, op) in [(0.9, 2), (0.2, 3), (0.1, 2), (0.8, 3), (0.3, 2), (0.4, 3)] {
        let own = if op == 3 { 0.06 } else { 0.04 };
        let paths = [(path(&space, 1), base), (path(&space, op), base + own)];
        statistics.record_arch_batch(paths.iter().map(|(gates, accuracy)| (gates, *accuracy))).unwrap();
    }
    let [two, three] = [2, 3].map(|op| statistics.validated(FIRST.op(op)).unwrap());
    assert!((three.mean - two.mean - 0.01).abs() < 1e-12, "half of it, as the path is part of its batch's mean");
    assert_eq!((two.draws, three.draws), (3, 3));
    assert!(two.error.unwrap() < 1e-9 && three.error.unwrap() < 1e-9, "{two:?}");
    assert_eq!(statistics.accuracies()[FIRST][3], Some(three.mean));
    assert_eq!(statistics.accuracies()[FIRST][0], None);
    let level = [0.92, 0.23, 0.12, 0.83, 0.32, 0.43].iter().sum::<f64>() / 6.0;
    assert!((three.mean - (level + 0.03)).abs() < 1e-12, "{three:?}");
    // The plain means would say the contrary: 0.473 and 0.527 turned round by which batches each had.
    let mut plain = Statistics::new(&space, mean()).unwrap();
    for (accuracy, op) in [(0.94, 2), (0.26, 3), (0.14, 2)] {
        plain.record_arch_step(&path(&space, op), accuracy).unwrap();
    }
    let two = plain.validated(FIRST.op(2)).unwrap();
    assert!((two.mean - 0.54).abs() < 1e-12 && (two.error.unwrap() - 0.4).abs() < 1e-12, "{two:?}");
    assert_eq!(plain.validated(FIRST.op(3)).unwrap().error, None);
}

/// Differences of paths of pure noise lie as far from 0 as their errors say.
#[test]
fn errors_of_paired_means_are_as_large_as_they_say() {
    let space = small_space(&OPS, 1);
    let mut noise = 1u64;
    let mut next = move || {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        0.4 + 0.2 * (noise >> 11) as f64 / (1u64 << 53) as f64
    };
    let (mut squares, runs) = (0.0, 400);
    for _ in 0..runs {
        let mut statistics = Statistics::new(&space, mean()).unwrap();
        for _ in 0..40 {
            let paths: Vec<(Gates, f64)> = (0..4).map(|op| (path(&space, op), next())).collect();
            statistics.record_arch_batch(paths.iter().map(|(gates, accuracy)| (gates, *accuracy))).unwrap();
        }
        let [a, b] = [1, 2].map(|op| statistics.validated(FIRST.op(op)).unwrap());
        squares += ((a.mean - b.mean) / a.error.unwrap().hypot(b.error.unwrap())).powi(2);
    }
    let spread = (squares / f64::from(runs)).sqrt();
    assert!((spread - 1.0).abs() < 0.1, "{spread}");
}

#[test]
fn a_new_window_forgets_means_and_only_those_of_its_edge() {
    let space = small_space(&OPS, 2);
    for (config, kept) in [(mean(), None), (StatisticsConfig::default(), Some(0.5))] {
        let mut statistics = Statistics::new(&space, config).unwrap();
        statistics.record_weight_step(&path(&space, 1)).unwrap();
        statistics.record_arch_step(&path(&space, 1), 0.5).unwrap();
        assert_eq!(statistics.draws(FIRST.op(1)), 1);
        statistics.start_window_of(FIRST);
        assert_eq!(statistics.draws(FIRST.op(1)), 0);
        assert_eq!(statistics.validated(FIRST.op(1)), None);
        assert_eq!(statistics.accuracies()[FIRST][1], kept);
        let other = EdgeId::new(NORMAL, 1);
        assert_eq!((statistics.draws(other.op(1)), statistics.accuracies()[other][1]), (1, Some(0.5)));
        statistics.start_window();
        assert_eq!((statistics.draws(other.op(1)), statistics.accuracies()[other][1]), (0, kept));
    }
}

#[test]
fn statistics_of_0_1_0_are_read_and_begin_their_means_there() {
    let space = small_space(&OPS, 1);
    let mut now = Statistics::new(&space, StatisticsConfig::default()).unwrap();
    now.record_weight_step(&path(&space, 2)).unwrap();
    now.record_arch_step(&path(&space, 2), 0.5).unwrap();
    let mut old = serde_json::to_value(&now).unwrap();
    old.as_object_mut().unwrap().remove("moments").unwrap();
    let mut read: Statistics = serde_json::from_value(old).unwrap();
    assert!(read.fits(&space));
    assert_eq!((read.counts(), read.accuracies()), (now.counts(), now.accuracies()));
    assert_eq!(read.validated(FIRST.op(2)), None);
    read.record_arch_step(&path(&space, 2), 0.25).unwrap();
    assert_eq!(read.validated(FIRST.op(2)).unwrap().draws, 1);
    let back: Statistics = serde_json::from_str(&serde_json::to_string(&read).unwrap()).unwrap();
    assert_eq!(back, read);
}

#[test]
fn a_batch_with_one_bad_path_notes_nothing() {
    let space = small_space(&OPS, 1);
    let mut statistics = Statistics::new(&space, mean()).unwrap();
    let before = statistics.clone();
    let (good, bad) = (path(&space, 1), path(&space, 9));
    assert!(matches!(
        statistics.record_arch_batch([(&good, 0.5), (&bad, 0.5)]),
        Err(PruningError::OutOfRange { op: 9, .. })
    ));
    assert!(matches!(statistics.record_arch_batch([(&good, 0.5), (&good, 1.5)]), Err(PruningError::Accuracy { .. })));
    assert_eq!(statistics, before);
}

/// Trains and validates `op` on every edge.
fn draw(state: &mut PruneState, space: &SearchSpace, op: impl Fn(usize) -> usize, accuracy: f64) {
    let gates = one_path(space, |_, edge| op(edge));
    state.record_weight_step(&gates).unwrap();
    state.record_arch_step(&gates, accuracy).unwrap();
}

#[test]
fn decisions_say_what_was_validated_and_which_op_was_next() {
    let space = small_space(&OPS, 1);
    let mut state = PruneState::new(&space, StatisticsConfig::default()).unwrap();
    for (op, accuracy) in [(1, 0.5), (2, 0.6), (3, 0.7), (1, 0.52), (2, 0.64), (3, 0.7)] {
        draw(&mut state, &space, |_| op, accuracy);
    }
    let decisions = state.prune(&space, &zeros(&space), &EoiNas::default(), 1).unwrap();
    let evidence = decisions[0].evidence.as_ref().unwrap();
    assert_eq!((decisions[0].op, evidence.next, evidence.next_name.as_str()), (1, 2, "sep_conv_3x3"));
    assert_eq!(evidence.ops.iter().map(|op| op.op).collect::<Vec<_>>(), [1, 2, 3], "`none` was never validated");
    let difference = evidence.against_next(1).unwrap();
    assert!((difference.mean + 0.11).abs() < 1e-12, "{difference:?}");
    assert!((difference.error.unwrap() - 0.01f64.hypot(0.02)).abs() < 1e-12 && !difference.within_noise());
}

#[test]
fn prunings_wait_edge_by_edge_for_enough_draws_and_go_on_without_on_demand() {
    let space = small_space(&OPS, 1);
    let alphas = zeros(&space);
    let mut state = PruneState::new(&space, mean()).unwrap();
    let prune = |state: &mut PruneState, due, least| state.prune_due(&space, &alphas, &Beta {}, due, least).unwrap();
    // Edge 0 has every op twice, edge 1 one of them once.
    for step in 0..8 {
        draw(&mut state, &space, |edge| if edge == 1 && step == 7 { 0 } else { step % 4 }, 0.5);
    }
    let due = prune(&mut state, 1, 2);
    assert_eq!(due.decisions.iter().map(|decision| decision.edge).collect::<Vec<_>>(), [0]);
    assert_eq!(due.waiting.iter().map(|wait| (wait.edge.edge, wait.draws)).collect::<Vec<_>>(), [(1, 1)]);
    assert_eq!(state.statistics().draws(FIRST.op(3)), 0, "its window begins anew");
    assert_eq!(state.statistics().draws(EdgeId::new(NORMAL, 1).op(0)), 3, "that of the other goes on");
    draw(&mut state, &space, |_| 3, 0.5);
    let due = prune(&mut state, 1, 2);
    assert_eq!(due.decisions.iter().map(|decision| decision.edge).collect::<Vec<_>>(), [1]);
    assert!(due.waiting.is_empty());
    assert_eq!(prune(&mut state, 1, 2), eoinas_prune::Due::default(), "nothing more is owed");
    let due = prune(&mut state, 3, 2);
    assert!(due.decisions.is_empty() && due.waiting.len() == 2);
    let due = prune(&mut state, 3, 0);
    assert!(due.decisions.len() == 4 && due.waiting.is_empty());
    assert!(space.edges().all(|id| state.alive().count(id) == 1));
}
