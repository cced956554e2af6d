//! Indicators, and which op each edge loses.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use eoinas_core::{AliveOps, EdgeId, EdgeOpTable, Op, SearchSpace};
use eoinas_prune::{
    Beta, EdgeView, EoiNas, Evidence, Indicator, IndicatorConfig, OpView, PruneReason, PruneState, PruningError,
    ScaleFree, Statistics, StatisticsConfig, decide,
};
use proptest::prelude::*;

const OPS: [Op; 4] = [Op::None, Op::SkipConnect, Op::SepConv3x3, Op::SepConv5x5];

/// The indicators of edge 0 of the normal cell.
fn edge_0(
    indicator: &dyn Indicator,
    alphas: &EdgeOpTable<f32>,
    alive: &AliveOps,
    statistics: &Statistics,
    space: &SearchSpace,
) -> Vec<Option<f64>> {
    let evidence = Evidence::new(space, alphas, alive, statistics).unwrap();
    evidence.indicators(indicator).unwrap()[EdgeId::new(NORMAL, 0)].to_vec()
}

/// The op that edge 0 of the normal cell loses.
fn loses(
    indicator: &dyn Indicator,
    alphas: &EdgeOpTable<f32>,
    alive: &AliveOps,
    statistics: &Statistics,
    space: &SearchSpace,
) -> (usize, PruneReason) {
    let evidence = Evidence::new(space, alphas, alive, statistics).unwrap();
    let decisions = decide(&evidence, indicator).unwrap();
    let decision = decisions.iter().find(|d| (d.kind, d.edge) == (NORMAL, 0)).unwrap();
    (decision.op, decision.reason)
}

#[test]
fn eq_7_by_hand() {
    let space = small_space(&OPS, 1);
    let mut alphas = zeros(&space);
    alphas[EdgeId::new(NORMAL, 0).op(1)] = 2f32.ln(); // beta: 0.2, 0.4, 0.2, 0.2
    let statistics = statistics(&space, NORMAL, 0, &[10, 20, 0, 5], &[Some(0.5), Some(0.6), Some(0.9), None]);
    let got = edge_0(&EoiNas::default(), &alphas, &AliveOps::all(&space), &statistics, &space);
    // beta + 0.5 * percent / count; an op without draws or without an accuracy has no indicator.
    for (got, expected) in got.iter().zip([Some(0.2 + 0.5 * 5.0), Some(0.4 + 0.5 * 3.0), None, None]) {
        assert_eq!(got.is_some(), expected.is_some());
        assert!((got.unwrap_or(0.0) - expected.unwrap_or(0.0)).abs() < 1e-7, "{got:?}, expected {expected:?}");
    }
}

/// The numbers of the notes on the method: 0.03 after 977 draws at 60 %, 3 after 10.
#[test]
fn size_of_the_second_term() {
    let space = small_space(&OPS, 1);
    let alive = AliveOps::all(&space);
    let statistics = statistics(&space, NORMAL, 0, &[977, 10, 1, 1], &[Some(0.6), Some(0.6), None, None]);
    let got = edge_0(&EoiNas::default(), &zeros(&space), &alive, &statistics, &space);
    assert!((got[0].unwrap() - 0.25 - 0.0307).abs() < 1e-4);
    assert!((got[1].unwrap() - 0.25 - 3.0).abs() < 1e-12);
}

#[test]
fn scale_free_does_not_depend_on_steps_or_unit() {
    let space = small_space(&OPS, 1);
    let alive = AliveOps::all(&space);
    let indicator = ScaleFree::default();
    let few = statistics(&space, NORMAL, 0, &[10, 20, 30, 40], &[Some(0.1), Some(0.2), Some(0.3), Some(0.2)]);
    let many = statistics(&space, NORMAL, 0, &[100, 200, 300, 400], &[Some(0.3), Some(0.6), Some(0.9), Some(0.6)]);
    let (few, many) = [few, many].map(|s| edge_0(&indicator, &zeros(&space), &alive, &s, &space)).into();
    // Accuracy over share: 1, 1, 1, 1/2; scaled to a mean of 1/4.
    for ((few, many), ratio) in few.iter().zip(&many).zip([1.0, 1.0, 1.0, 0.5]) {
        let expected = 0.25 + 0.5 * ratio / 3.5;
        assert!((few.unwrap() - expected).abs() < 1e-12 && (many.unwrap() - expected).abs() < 1e-12);
    }
}

#[test]
fn scale_free_of_nothing_but_zero_accuracies_is_finite() {
    let space = small_space(&OPS, 1);
    let statistics = statistics(&space, NORMAL, 0, &[3; 4], &[Some(0.0); 4]);
    let got = edge_0(&ScaleFree::default(), &zeros(&space), &AliveOps::all(&space), &statistics, &space);
    assert_eq!(got, [Some(0.375); 4]);
}

#[test]
fn min_samples_is_what_counts_as_evidence() {
    let space = small_space(&OPS, 1);
    let statistics = statistics(&space, NORMAL, 0, &[0, 1, 4, 5], &[Some(0.5); 4]);
    for (min_samples, with_evidence) in [(0, 3), (1, 3), (4, 2), (5, 1), (6, 0)] {
        for indicator in [
            IndicatorConfig::EoiNas(EoiNas { min_samples, ..Default::default() }),
            IndicatorConfig::ScaleFree(ScaleFree { min_samples, ..Default::default() }),
        ] {
            let got = edge_0(&indicator, &zeros(&space), &AliveOps::all(&space), &statistics, &space);
            assert_eq!(got.iter().flatten().count(), with_evidence, "{indicator:?}");
        }
    }
}

#[test]
fn beta_is_over_the_alive_ops_and_pruned_ops_have_no_indicator() {
    let space = small_space(&OPS, 1);
    let mut alphas = zeros(&space);
    alphas[EdgeId::new(NORMAL, 0).op(0)] = 30.0;
    let mut alive = AliveOps::all(&space);
    let nothing = Statistics::new(&space, StatisticsConfig::default()).unwrap();
    alive.prune(EdgeId::new(NORMAL, 0).op(0)).unwrap();
    let third = Some(1.0 / 3.0);
    assert_eq!(edge_0(&Beta {}, &alphas, &alive, &nothing, &space), [None, third, third, third]);
}

#[test]
fn the_lowest_indicator_goes() {
    let space = small_space(&OPS, 1);
    let alive = AliveOps::all(&space);
    let mut alphas = zeros(&space);
    alphas[EdgeId::new(NORMAL, 0).op(3)] = -1.0;
    let statistics = statistics(&space, NORMAL, 0, &[10; 4], &[Some(0.5), Some(0.6), Some(0.2), Some(0.4)]);
    assert_eq!(loses(&EoiNas::default(), &alphas, &alive, &statistics, &space), (2, PruneReason::LowestIndicator));
    assert_eq!(loses(&Beta {}, &alphas, &alive, &statistics, &space), (3, PruneReason::LowestIndicator));
}

#[test]
fn ties_go_to_the_lower_beta_then_to_the_lower_index() {
    /// The same for all.
    #[derive(Debug)]
    struct Same;
    impl Indicator for Same {
        fn name(&self) -> String {
            "same".to_owned()
        }

        fn value(&self, _edge: &EdgeView<'_>, _op: &OpView<'_>) -> Option<f64> {
            Some(1.0)
        }
    }
    let space = small_space(&OPS, 1);
    let alive = AliveOps::all(&space);
    let nothing = Statistics::new(&space, StatisticsConfig::default()).unwrap();
    let mut alphas = zeros(&space);
    assert_eq!(loses(&Same, &alphas, &alive, &nothing, &space).0, 0);
    assert_eq!(loses(&EoiNas::default(), &alphas, &alive, &nothing, &space), (0, PruneReason::LowestBeta));
    alphas[EdgeId::new(NORMAL, 0).op(2)] = -0.5;
    alphas[EdgeId::new(NORMAL, 0).op(3)] = -0.5;
    assert_eq!(loses(&Same, &alphas, &alive, &nothing, &space).0, 2);
    assert_eq!(loses(&EoiNas::default(), &alphas, &alive, &nothing, &space), (2, PruneReason::LowestBeta));
}

/// A fault of the authors' code: an op that was never sampled gives 0/0 or x/0 in Eq. 6, which their argmin prunes first
/// (NaN) or never (infinity). Here it has no indicator and is exempt; with no evidence at all, `beta` decides.
#[test]
fn an_op_that_was_never_sampled_is_not_judged() {
    let space = small_space(&OPS, 1);
    let alive = AliveOps::all(&space);
    let mut alphas = zeros(&space);
    alphas[EdgeId::new(NORMAL, 0).op(1)] = -2.0;
    alphas[EdgeId::new(NORMAL, 0).op(3)] = -3.0;
    // Op 3: 0/0. Op 1: x/0, its accuracy being kept from before the last pruning.
    let some = statistics(&space, NORMAL, 0, &[10, 0, 10, 0], &[Some(0.5), Some(0.4), Some(0.3), None]);
    assert_eq!(loses(&EoiNas::default(), &alphas, &alive, &some, &space), (2, PruneReason::LowestIndicator));
    let evidence = Evidence::new(&space, &alphas, &alive, &some).unwrap();
    let table = evidence.indicators(&EoiNas::default()).unwrap();
    assert_eq!(
        table[EdgeId::new(NORMAL, 0)].iter().map(Option::is_some).collect::<Vec<_>>(),
        [true, false, true, false]
    );
    let none = statistics(&space, NORMAL, 0, &[0; 4], &[None, Some(0.4), None, None]);
    assert_eq!(loses(&EoiNas::default(), &alphas, &alive, &none, &space), (3, PruneReason::LowestBeta));
}

/// A fault of the authors' code: after the first pruning the alphas of every edge are compacted with the first edge's
/// list, so that they belong to other ops. Here edge 0 loses op 0 and edge 1 loses op 3; compacting edge 1 as edge 0 was
/// would then give op 1's alpha to op 0, op 2's to op 1 and op 3's to op 2, and the second pruning would take op 2.
#[test]
fn alphas_stay_with_their_ops_on_every_edge() {
    let space = small_space(&[Op::SkipConnect, Op::MaxPool3x3, Op::SepConv3x3, Op::SepConv5x5], 1);
    let mut state = PruneState::new(&space, StatisticsConfig::default()).unwrap();
    let mut alphas = zeros(&space);
    alphas[EdgeId::new(NORMAL, 0)].copy_from_slice(&[-2.0, 3.0, 2.0, 1.0]);
    alphas[EdgeId::new(NORMAL, 1)].copy_from_slice(&[-1.0, 3.0, 2.0, -2.0]);
    let pruned = |decisions: Vec<eoinas_prune::PruneDecision>| decisions.iter().map(|d| d.op).collect::<Vec<_>>();
    assert_eq!(pruned(state.prune(&space, &alphas, &Beta {}, 1).unwrap()), [0, 3]);
    assert_eq!(pruned(state.prune(&space, &alphas, &Beta {}, 1).unwrap()), [3, 0]);
    assert_eq!(pruned(state.prune(&space, &alphas, &Beta {}, 1).unwrap()), [2, 2]);
    let evidence = Evidence::new(&space, &alphas, state.alive(), state.statistics()).unwrap();
    assert_eq!(
        evidence.edge(EdgeId::new(NORMAL, 1)).ops.iter().map(|op| (op.index, op.beta)).collect::<Vec<_>>(),
        [(1, 1.0)]
    );
}

#[test]
fn statistics_stay_with_their_ops_on_every_edge() {
    let space = small_space(&OPS, 1);
    let mut alive = AliveOps::all(&space);
    alive.prune(EdgeId::new(NORMAL, 0).op(1)).unwrap();
    let statistics = statistics(&space, NORMAL, 0, &[1, 2, 3, 4], &[Some(0.1), Some(0.2), Some(0.3), Some(0.4)]);
    let alphas = zeros(&space);
    let evidence = Evidence::new(&space, &alphas, &alive, &statistics).unwrap();
    let view = evidence.edge(EdgeId::new(NORMAL, 0));
    let rows: Vec<_> = view.ops.iter().map(|op| (op.index, op.op.name(), op.count, op.accuracy.unwrap())).collect();
    assert_eq!(rows, [(0, "none", 1, 0.1), (2, "sep_conv_3x3", 3, 0.3), (3, "sep_conv_5x5", 4, 0.4)]);
}

#[test]
fn none_goes_at_the_last_pruning() {
    let space = small_space(&OPS, 1);
    let mut alphas = zeros(&space);
    alphas[EdgeId::new(NORMAL, 0).op(0)] = 5.0;
    let nothing = Statistics::new(&space, StatisticsConfig::default()).unwrap();
    let mut alive = AliveOps::all(&space);
    leave(&mut alive, NORMAL, 0, &[0, 2, 3]);
    assert_eq!(loses(&Beta {}, &alphas, &alive, &nothing, &space), (2, PruneReason::LowestIndicator));
    leave(&mut alive, NORMAL, 0, &[0, 3]);
    assert_eq!(loses(&Beta {}, &alphas, &alive, &nothing, &space), (0, PruneReason::ZeroOp));
}

#[test]
fn none_may_win_where_it_can_be_derived() {
    let space = SearchSpace::nas_bench_201();
    let mut alphas = zeros(&space);
    alphas[EdgeId::new(NORMAL, 0).op(0)] = 5.0;
    let nothing = Statistics::new(&space, StatisticsConfig::default()).unwrap();
    let mut alive = AliveOps::all(&space);
    leave(&mut alive, NORMAL, 0, &[0, 3]);
    assert_eq!(loses(&Beta {}, &alphas, &alive, &nothing, &space), (3, PruneReason::LowestIndicator));
}

#[test]
fn edges_with_one_op_are_left_alone() {
    let space = small_space(&OPS, 2);
    let mut alive = AliveOps::all(&space);
    leave(&mut alive, NORMAL, 3, &[1]);
    let (alphas, nothing) = (zeros(&space), Statistics::new(&space, StatisticsConfig::default()).unwrap());
    let evidence = Evidence::new(&space, &alphas, &alive, &nothing).unwrap();
    let edges: Vec<_> = decide(&evidence, &Beta {}).unwrap().iter().map(|d| d.edge).collect();
    assert_eq!(edges, [0, 1, 2, 4]);
}

#[test]
fn the_paper_prunes_eight_ops_to_one() {
    let space = SearchSpace::darts();
    let mut state = PruneState::new(&space, StatisticsConfig::default()).unwrap();
    let alphas = zeros(&space);
    for pruning in 1..=7 {
        state.record_weight_step(&one_path(&space, |_, edge| edge % 8)).unwrap();
        let decisions = state.prune(&space, &alphas, &EoiNas::default(), 1).unwrap();
        assert_eq!(decisions.len(), 28);
        assert!(space.edges().all(|id| state.alive().count(id) == 8 - pruning));
        let counted: u64 = space.kinds().flat_map(|kind| state.statistics().counts().matrix(kind)).sum();
        assert_eq!(counted, if pruning == 7 { 28 } else { 0 }, "reset at every pruning but the last");
    }
    assert!(state.prune(&space, &alphas, &EoiNas::default(), 1).unwrap().is_empty());
    assert!(space.edges().all(|id| !state.alive().contains(id.op(0))), "no `none` is left");
}

#[test]
fn several_prunings_at_once_equal_one_after_the_other_on_the_same_evidence() {
    let space = SearchSpace::darts();
    let config = StatisticsConfig { window: eoinas_prune::CountWindow::WholeSearch, ..Default::default() };
    let mut once = PruneState::new(&space, config).unwrap();
    for step in 0..40 {
        let gates = one_path(&space, |kind, edge| (step * 3 + edge + kind.0) % 8);
        once.record_weight_step(&gates).unwrap();
        once.record_arch_step(&gates, (step % 7) as f64 / 7.0).unwrap();
    }
    let mut stepwise = once.clone();
    let alphas = zeros(&space);
    let decisions = once.prune(&space, &alphas, &EoiNas::default(), 99).unwrap();
    let separate: Vec<_> =
        (0..7).flat_map(|_| stepwise.prune(&space, &alphas, &EoiNas::default(), 1).unwrap()).collect();
    assert_eq!(decisions.len(), 7 * 28);
    assert_eq!(decisions, separate);
    assert_eq!(once, stepwise);
}

#[test]
fn an_indicator_that_is_not_finite_is_refused_and_changes_nothing() {
    /// Fine until two ops are left.
    #[derive(Debug)]
    struct Broken(f64);
    impl Indicator for Broken {
        fn name(&self) -> String {
            "broken".to_owned()
        }

        fn value(&self, edge: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64> {
            Some(if edge.ops.len() > 2 { op.beta } else { self.0 })
        }
    }
    let space = small_space(&OPS, 1);
    let mut state = PruneState::new(&space, StatisticsConfig::default()).unwrap();
    let before = state.clone();
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = state.prune(&space, &zeros(&space), &Broken(value), 3).unwrap_err();
        assert!(matches!(&error, PruningError::Indicator { kind: 0, edge: 0, name, .. } if name == "sep_conv_3x3"));
        assert!(error.to_string().starts_with("indicator Broken("), "{error}");
        assert_eq!(state, before);
    }
}

#[test]
fn inputs_that_do_not_fit_are_named() {
    let (space, other) = (SearchSpace::darts(), SearchSpace::nas_bench_201());
    let (alive, alphas) = (AliveOps::all(&space), zeros(&space));
    let statistics = |space| Statistics::new(space, StatisticsConfig::default()).unwrap();
    let shape = |result: Result<Evidence<'_>, PruningError>| match result {
        Err(PruningError::Shape { what }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(shape(Evidence::new(&space, &zeros(&other), &alive, &statistics(&space))), "alphas");
    assert_eq!(shape(Evidence::new(&space, &alphas, &AliveOps::all(&other), &statistics(&space))), "alive ops");
    assert_eq!(shape(Evidence::new(&space, &alphas, &alive, &statistics(&other))), "statistics");
    let mut diverged = alphas.clone();
    diverged[EdgeId::new(REDUCE, 4).op(7)] = f32::NEG_INFINITY;
    let error = Evidence::new(&space, &diverged, &alive, &statistics(&space)).unwrap_err();
    assert!(matches!(error, PruningError::Alpha { kind: 1, edge: 4, op: 7, value: f32::NEG_INFINITY }));
}

#[test]
fn indicators_by_name() {
    let read = |text: &str| serde_json::from_str::<IndicatorConfig>(text);
    assert_eq!(read(r#"{"kind": "beta"}"#).unwrap(), IndicatorConfig::Beta(Beta {}));
    assert_eq!(read(r#"{"kind": "scale_free"}"#).unwrap(), IndicatorConfig::ScaleFree(ScaleFree::default()));
    assert!(read(r#"{"kind": "eoi_nas", "lamda": 1.0}"#).is_err());
    assert_eq!(IndicatorConfig::default(), IndicatorConfig::EoiNas(EoiNas { lambda: 0.5, min_samples: 1 }));
    assert!(IndicatorConfig::default().validate().is_ok());
    for lambda in [-1.0, f64::NAN, f64::INFINITY] {
        let config = IndicatorConfig::EoiNas(EoiNas { lambda, min_samples: 1 });
        assert!(matches!(config.validate(), Err(PruningError::Config { field: "lambda", .. })));
    }
}

#[test]
fn state_written_and_read_back() {
    let space = SearchSpace::darts();
    let mut state = PruneState::new(&space, StatisticsConfig::default()).unwrap();
    state.record_weight_step(&one_path(&space, |_, edge| edge % 8)).unwrap();
    let decisions = state.prune(&space, &zeros(&space), &EoiNas::default(), 2).unwrap();
    let back: PruneState = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    assert_eq!(back, state);
    assert!(back.fits(&space) && !back.fits(&SearchSpace::nas_bench_201()));
    let text = serde_json::to_string(&decisions[0]).unwrap();
    assert!(text.starts_with(r#"{"kind":0,"edge":0,"op":"#), "{text}");
    assert_eq!(serde_json::from_str::<eoinas_prune::PruneDecision>(&text).unwrap(), decisions[0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Any alphas, counts and accuracies: every pruning takes one alive op from each edge, never the last one, judges no
    /// op without evidence as long as there is one with it, and ends with a cell of distinct inputs without `none`.
    #[test]
    fn any_search_ends_in_a_cell(
        alphas_ in prop::collection::vec(prop::sample::select(vec![-1e4f32, -1.0, 0.0, 0.3, 1e4]), 9 * 4),
        steps in prop::collection::vec((prop::collection::vec(0usize..4, 9), 0f64..=1.0), 0..40),
        indicator in prop::sample::select(vec![
            IndicatorConfig::Beta(Beta {}), IndicatorConfig::default(), IndicatorConfig::ScaleFree(ScaleFree::default()),
        ]),
    ) {
        let space = small_space(&OPS, 3);
        let mut alphas = zeros(&space);
        alphas.matrix_mut(NORMAL).copy_from_slice(&alphas_);
        let mut state = PruneState::new(&space, StatisticsConfig::default()).unwrap();
        for pruning in 0..3 {
            for (ops, accuracy) in steps.iter().skip(pruning * 13).take(13) {
                let op = |kind, edge: usize| {
                    let alive: Vec<usize> = state.alive().ops(EdgeId::new(kind, edge)).collect();
                    alive[ops[edge] % alive.len()]
                };
                let gates = one_path(&space, op);
                state.record_weight_step(&gates).unwrap();
                state.record_arch_step(&gates, *accuracy).unwrap();
            }
            let before = state.clone();
            for decision in state.prune(&space, &alphas, &indicator, 1).unwrap() {
                prop_assert!(before.alive().contains(EdgeId::new(decision.kind, decision.edge).op(decision.op)));
                let own = decision.indicator.iter().find(|(op, _)| *op == decision.op).unwrap().1;
                match decision.reason {
                    PruneReason::LowestIndicator => {
                        prop_assert!(decision.indicator.iter().filter_map(|(_, i)| *i).all(|i| i >= own.unwrap()));
                    }
                    PruneReason::LowestBeta => prop_assert!(decision.indicator.iter().all(|(_, i)| i.is_none())),
                    reason => {
                        prop_assert_eq!(reason, PruneReason::ZeroOp);
                        prop_assert_eq!(decision.op, 0);
                    }
                }
            }
            prop_assert!(space.edges().all(|id| state.alive().count(id) == 3 - pruning));
        }
        let genotype = state.derive(&space, &alphas, &indicator).unwrap();
        prop_assert!(genotype.fits(&space).is_ok());
        for inputs in &genotype.cells[0].nodes {
            prop_assert_eq!(inputs.len(), 2);
            prop_assert!(inputs[0].from < inputs[1].from);
            prop_assert!(inputs.iter().all(|input| !input.op.is_zero()));
        }
    }
}
