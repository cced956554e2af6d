//! From scores and strengths to cells.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::*;
use eoinas_core::{
    AliveOps, CellGenotype, CellSpec, Edge, EdgeId, EdgeMap, EdgeOpTable, GenotypeEdge, Op, SearchSpace,
};
use eoinas_prune::{Beta, EoiNas, PruneState, PruningError, StatisticsConfig, derive, derive_from_beta};

const OPS: [Op; 3] = [Op::None, Op::SkipConnect, Op::SepConv3x3];

/// `op from, op from; op from, ...`: nodes apart by semicolons.
fn text(cell: &CellGenotype) -> String {
    let node = |inputs: &Vec<GenotypeEdge>| {
        inputs.iter().map(|input| format!("{} {}", input.op, input.from)).collect::<Vec<_>>().join(", ")
    };
    cell.nodes.iter().map(node).collect::<Vec<_>>().join("; ")
}

/// As DARTS derives: `none` has no say however large its alpha is; the two edges with the largest other `beta`.
#[test]
fn from_beta_as_darts_does() {
    let space = small_space(&OPS, 2);
    let mut alphas = zeros(&space);
    alphas[EdgeId::new(NORMAL, 0)].copy_from_slice(&[9.0, 0.0, 1.0]); // node 2
    alphas[EdgeId::new(NORMAL, 1)].copy_from_slice(&[0.0, 1.0, 0.0]);
    alphas[EdgeId::new(NORMAL, 2)].copy_from_slice(&[0.0, 0.0, 3.0]); // node 3, second
    alphas[EdgeId::new(NORMAL, 3)].copy_from_slice(&[5.0, 0.0, 4.0]); // weak: `none` has most of the weight
    alphas[EdgeId::new(NORMAL, 4)].copy_from_slice(&[-9.0, 4.0, 0.0]); // first
    let genotype = derive_from_beta(&space, &alphas, &AliveOps::all(&space)).unwrap();
    let cell = &genotype.cells[0];
    assert_eq!(text(cell), "sep_conv_3x3 0, skip_connect 1; sep_conv_3x3 0, skip_connect 2");
    assert_eq!((cell.name.as_str(), cell.inputs, &cell.concat), ("normal", 2, &vec![2, 3]));
}

#[test]
fn equal_strengths_keep_the_first_edges_and_ops() {
    let space = SearchSpace::darts();
    let genotype = derive_from_beta(&space, &zeros(&space), &AliveOps::all(&space)).unwrap();
    assert_eq!(genotype.cells.iter().map(|cell| cell.name.as_str()).collect::<Vec<_>>(), ["normal", "reduce"]);
    for cell in &genotype.cells {
        assert_eq!(text(cell), ["max_pool_3x3 0, max_pool_3x3 1"; 4].join("; "));
    }
}

#[test]
fn pruned_ops_are_not_derived() {
    let space = small_space(&OPS, 1);
    let mut alphas = zeros(&space);
    alphas[EdgeId::new(NORMAL, 0).op(2)] = 9.0;
    let mut alive = AliveOps::all(&space);
    leave(&mut alive, NORMAL, 0, &[0, 1]);
    let genotype = derive_from_beta(&space, &alphas, &alive).unwrap();
    assert_eq!(text(&genotype.cells[0]), "skip_connect 0, skip_connect 1");
}

/// After the last pruning every `beta` is 1: only strengths from before it tell edges apart.
#[test]
fn strengths_are_those_before_the_last_pruning() {
    let space = small_space(&OPS, 2);
    let mut alphas = zeros(&space);
    for (edge, alpha) in [(2, 0.1), (3, 2.0), (4, 1.0)] {
        alphas[EdgeId::new(NORMAL, edge)].copy_from_slice(&[-1.0, 0.0, alpha]);
    }
    let mut state = PruneState::new(&space, StatisticsConfig::default()).unwrap();
    state.prune(&space, &alphas, &Beta {}, 1).unwrap();
    let strength = |alpha: f64| alpha.exp() / (1.0 + alpha.exp());
    state.prune(&space, &alphas, &Beta {}, 1).unwrap();
    for (edge, alpha) in [(2, 0.1), (3, 2.0), (4, 1.0)] {
        let got = state.strengths()[EdgeId::new(NORMAL, edge)].unwrap();
        assert!((got - strength(alpha)).abs() < 1e-7, "edge {edge}: {got}, over the two ops that were alive");
    }
    let genotype = state.derive(&space, &alphas, &Beta {}).unwrap();
    assert!(text(&genotype.cells[0]).ends_with("; sep_conv_3x3 1, sep_conv_3x3 2"), "{}", text(&genotype.cells[0]));
}

/// The statistics of the last window decide, with `none` counting nothing.
#[test]
fn strengths_come_from_the_statistics_of_the_last_window() {
    let space = small_space(&OPS, 2);
    let alphas = zeros(&space);
    let mut state = PruneState::new(&space, StatisticsConfig::default()).unwrap();
    // First window: edge 2 looks best. `none` and `sep_conv_3x3` stay on every edge.
    let record = |state: &mut PruneState, op: usize, accuracy: [f64; 5]| {
        state.record_weight_step(&one_path(&space, |_, _| op)).unwrap();
        for (edge, accuracy) in accuracy.into_iter().enumerate() {
            let gates = one_path(&space, |_, _| op);
            let mut single = gates.clone();
            single.kinds[0].iter_mut().enumerate().filter(|(e, _)| *e != edge).for_each(|(_, gates)| gates.clear());
            state.record_arch_step(&single, accuracy).unwrap();
        }
    };
    record(&mut state, 0, [0.8; 5]);
    record(&mut state, 1, [0.1; 5]);
    record(&mut state, 2, [0.5, 0.5, 0.9, 0.5, 0.5]);
    let first = state.prune(&space, &alphas, &EoiNas::default(), 1).unwrap();
    assert!(first.iter().all(|decision| decision.op == 1));
    // Second window: edges 3 and 4 are better; `none` has the best accuracy on edge 2, which counts for nothing.
    record(&mut state, 0, [0.2, 0.2, 1.0, 0.2, 0.2]);
    record(&mut state, 2, [0.5, 0.5, 0.3, 0.6, 0.7]);
    let last = state.prune(&space, &alphas, &EoiNas::default(), 1).unwrap();
    assert!(last.iter().all(|decision| decision.op == 0));
    let strength = |edge| state.strengths()[EdgeId::new(NORMAL, edge)].unwrap();
    for (edge, accuracy) in [(2, 0.3), (3, 0.6), (4, 0.7)] {
        assert!((strength(edge) - (0.5 + 0.5 * 100.0 * accuracy)).abs() < 1e-9);
    }
    let genotype = state.derive(&space, &alphas, &EoiNas::default()).unwrap();
    assert!(text(&genotype.cells[0]).ends_with("; sep_conv_3x3 1, sep_conv_3x3 2"), "{}", text(&genotype.cells[0]));
}

#[test]
fn nas_bench_201_keeps_every_edge_and_may_derive_none() {
    let space = SearchSpace::nas_bench_201();
    let mut alphas = zeros(&space);
    for (edge, op) in [0, 3, 1, 2, 4, 0].into_iter().enumerate() {
        alphas[EdgeId::new(NORMAL, edge).op(op)] = 1.0;
    }
    let genotype = derive_from_beta(&space, &alphas, &AliveOps::all(&space)).unwrap();
    assert_eq!(
        text(&genotype.cells[0]),
        "none 0; nor_conv_3x3 0, skip_connect 1; nor_conv_1x1 0, avg_pool_3x3 1, none 2"
    );
    genotype.fits(&space).unwrap();
}

#[test]
fn other_numbers_of_predecessors() {
    for (keep, expected) in [(1, vec![1, 1, 1]), (3, vec![2, 3, 3]), (99, vec![2, 3, 4])] {
        let mut cell = CellSpec::dense("normal", 2, 3, false);
        cell.keep = Some(keep);
        let space = SearchSpace::new("other", OPS.to_vec(), vec![cell]).unwrap();
        let genotype = derive_from_beta(&space, &zeros(&space), &AliveOps::all(&space)).unwrap();
        assert_eq!(genotype.cells[0].nodes.iter().map(Vec::len).collect::<Vec<_>>(), expected);
    }
}

/// A space of a user's own may have two edges from one node to another; only the stronger one is derived.
#[test]
fn inputs_are_distinct_even_over_parallel_edges() {
    let mut cell = CellSpec::dense("normal", 2, 1, false);
    cell.edges.insert(0, Edge { from: 0, to: 2, stride: 1 });
    let space = SearchSpace::new("parallel", OPS.to_vec(), vec![cell]).unwrap();
    let mut alphas = zeros(&space);
    alphas[EdgeId::new(NORMAL, 0).op(1)] = 2.0;
    alphas[EdgeId::new(NORMAL, 1).op(2)] = 3.0;
    let genotype = derive_from_beta(&space, &alphas, &AliveOps::all(&space)).unwrap();
    assert_eq!(text(&genotype.cells[0]), "sep_conv_3x3 0, skip_connect 1");
}

#[test]
fn an_edge_with_nothing_but_none_is_passed_over_and_a_node_without_any_other_is_an_error() {
    let space = small_space(&OPS, 1);
    let mut alive = AliveOps::all(&space);
    leave(&mut alive, NORMAL, 0, &[0]);
    let genotype = derive_from_beta(&space, &zeros(&space), &alive).unwrap();
    assert_eq!(text(&genotype.cells[0]), "skip_connect 1");
    leave(&mut alive, NORMAL, 1, &[0]);
    let error = derive_from_beta(&space, &zeros(&space), &alive).unwrap_err();
    assert!(matches!(&error, PruningError::NothingToDerive { cell, node: 2 } if cell == "normal"), "{error}");
}

#[test]
fn what_does_not_fit_is_named() {
    let (space, other) = (SearchSpace::darts(), SearchSpace::nas_bench_201());
    let alive = AliveOps::all(&space);
    let scores = EdgeOpTable::filled(&space, 0f64);
    let unknown = EdgeMap::filled(&space, None);
    let shape = |result| match result {
        Err(PruningError::Shape { what }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(shape(derive(&space, &AliveOps::all(&other), &scores, &unknown)), "alive ops");
    assert_eq!(shape(derive(&space, &alive, &EdgeOpTable::filled(&other, 0.0), &unknown)), "scores");
    assert_eq!(shape(derive(&space, &alive, &scores, &EdgeMap::filled(&other, None))), "edge strengths");
    assert!(derive(&space, &alive, &scores, &unknown).is_ok(), "without strengths, the scores");
}
