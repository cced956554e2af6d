//! What holds for every pass of a supernet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers outside of `#[test]` functions

mod common;

#[path = "common/nets.rs"]
mod nets;

use std::collections::BTreeMap;

use candle_core::{Device, Tensor};
use common::flat;
use eoinas_core::{AliveOps, CellKind, EdgeId, EdgeOpTable, Gate, Gates, OpId, SearchSpace, Skeleton, Streams};
use eoinas_nn::{Adam, AdamState, Batch, NnError, Operations, PassOptions, Sgd, Supernet, Wanted};
use nets::{batch, gates, mixture, path, supernet, tiny};

fn darts() -> (SearchSpace, Skeleton, Supernet) {
    let space = SearchSpace::darts();
    let skeleton = tiny(&space, 3);
    let net = supernet(&space, &skeleton);
    (space, skeleton, net)
}

fn values(net: &Supernet) -> BTreeMap<String, Vec<f32>> {
    net.parameters().iter().map(|(_, p)| (p.name().to_owned(), flat(p.value()))).collect()
}

#[test]
fn a_sampled_path_runs_exactly_one_op_per_edge() {
    let (space, skeleton, net) = darts();
    for seed in 0..5 {
        let gates = path(&space, &net.alive(), seed);
        let batch = batch(&skeleton, 2, seed);
        for wanted in [Wanted::NOTHING, Wanted::WEIGHTS, Wanted::GATES, Wanted::BOTH] {
            let output = net.pass(&batch, &gates, wanted, &PassOptions::default()).unwrap();
            assert_eq!(output.ops_run, 3 * 14);
        }
    }
}

#[test]
fn an_edge_without_gates_runs_nothing() {
    let (space, skeleton, net) = darts();
    let gates = gates(&space, |_, edge| if edge % 2 == 0 { vec![Gate { op: 4, value: 1.0 }] } else { Vec::new() });
    let output = net.pass(&batch(&skeleton, 2, 0), &gates, Wanted::BOTH, &PassOptions::default()).unwrap();
    assert_eq!(output.ops_run, 3 * 7);
    assert!(output.gate_gradients.unwrap().kinds[0][1].is_empty());
}

#[test]
fn only_what_is_wanted_is_computed_and_all_ways_agree() {
    let (space, skeleton, net) = darts();
    let (batch, gates) = (batch(&skeleton, 3, 0), path(&space, &net.alive(), 4));
    let pass = |wanted| net.pass(&batch, &gates, wanted, &PassOptions::default()).unwrap();
    let (nothing, weights, arch, both) =
        (pass(Wanted::NOTHING), pass(Wanted::WEIGHTS), pass(Wanted::GATES), pass(Wanted::BOTH));
    for output in [&weights, &arch, &both] {
        assert_eq!((output.loss, output.correct), (nothing.loss, nothing.correct));
    }
    assert!(nothing.weight_gradients.is_none() && nothing.gate_gradients.is_none());
    assert!(weights.gate_gradients.is_none() && arch.weight_gradients.is_none());
    assert_eq!(arch.gate_gradients, both.gate_gradients);
    let (some, all) = (weights.weight_gradients.unwrap(), both.weight_gradients.unwrap());
    for ((id, a), (other, b)) in some.iter().zip(all.iter()) {
        assert_eq!((id, flat(a)), (other, flat(b)));
    }
    assert_eq!(some.len(), all.len());
    // The path's own weights and those outside of cells, no others.
    for (id, _) in some.iter() {
        let name = net.parameters().get(id).unwrap().name();
        let Some((_, rest)) = name.split_once(".edges.") else { continue };
        let mut parts = rest.split('.');
        let edge: usize = parts.next().unwrap().parse().unwrap();
        let kind = if name.starts_with("cells.0") { 0 } else { 1 };
        assert_eq!(space.ops()[gates.kinds[kind][edge][0].op].name(), parts.next().unwrap());
    }
}

#[test]
fn weights_off_the_path_stay_as_they_are() {
    let (space, skeleton, mut net) = darts();
    let before = values(&net);
    let output = {
        let gates = path(&space, &net.alive(), 1);
        net.pass(&batch(&skeleton, 3, 0), &gates, Wanted::WEIGHTS, &PassOptions::default()).unwrap()
    };
    let gradients = output.weight_gradients.unwrap();
    let used: Vec<String> =
        gradients.iter().map(|(id, _)| net.parameters().get(id).unwrap().name().to_owned()).collect();
    Sgd::default().step(net.parameters_mut(), &gradients, 0.1).unwrap();
    for (name, value) in values(&net) {
        let moved = value != before[&name];
        assert_eq!(moved, used.contains(&name), "{name}");
        assert_eq!(net.parameters().by_name(&name).unwrap().momentum().is_some(), moved, "{name}");
    }
}

fn trained(threads: usize) -> BTreeMap<String, Vec<f32>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let (space, skeleton, mut net) = darts();
        for step in 0..3 {
            let batch = batch(&skeleton, 7, step);
            let gates = if step == 1 { mixture(&space, &net.alive()) } else { path(&space, &net.alive(), step) };
            let options = PassOptions { skip_dropout: 0.2, step, ..PassOptions::default() };
            let output = net.pass(&batch, &gates, Wanted::BOTH, &options).unwrap();
            let gradients = output.weight_gradients.unwrap();
            Sgd::default().step(net.parameters_mut(), &gradients, 0.1).unwrap();
        }
        values(&net)
    })
}

#[test]
fn one_two_and_three_threads_give_the_same_bytes() {
    let one = trained(1);
    assert_eq!(one, trained(2));
    assert_eq!(one, trained(3));
}

fn op(kind: usize, edge: usize, op: usize) -> OpId {
    EdgeId { kind: CellKind(kind), edge }.op(op)
}

#[test]
fn a_pruned_op_is_gone_with_its_weights_and_momentum() {
    let (space, skeleton, mut net) = darts();
    let count = net.parameters().count();
    let gates = mixture(&space, &net.alive());
    let batch = batch(&skeleton, 2, 0);
    let output = net.pass(&batch, &gates, Wanted::WEIGHTS, &PassOptions::default()).unwrap();
    Sgd::default().step(net.parameters_mut(), &output.weight_gradients.unwrap(), 0.1).unwrap();
    net.prune(op(1, 3, 5)).unwrap();
    // sep_conv_5x5 in two reduction cells of 8 and 16 channels: two stages of depthwise and pointwise weights.
    let freed: u64 = [8u64, 16].iter().map(|c| 2 * (25 * c + c * c)).sum();
    assert_eq!(net.parameters().count(), count - freed);
    let left = |map: std::collections::HashMap<String, Tensor>| {
        map.keys().filter(|name| name.contains("edges.3.sep_conv_5x5")).count()
    };
    assert_eq!(
        (left(net.parameters().tensors()), left(net.parameters().momenta())),
        (4, 4),
        "the normal cell's are there"
    );
    let error = net.pass(&batch, &gates, Wanted::NOTHING, &PassOptions::default()).unwrap_err();
    assert!(matches!(error, NnError::Gate { id, why: "pruned" } if id == op(1, 3, 5)), "{error}");
    assert!(net.prune(op(1, 3, 5)).is_err());
    net.pass(&batch, &mixture(&space, &net.alive()), Wanted::BOTH, &PassOptions::default()).unwrap();
}

#[test]
fn a_checkpoint_comes_back_into_a_fresh_supernet() {
    let (space, skeleton, mut net) = darts();
    let gates = path(&space, &net.alive(), 1);
    let batch = batch(&skeleton, 4, 0);
    let step = |net: &mut Supernet| {
        let output = net.pass(&batch, &gates, Wanted::WEIGHTS, &PassOptions::default()).unwrap();
        Sgd::default().step(net.parameters_mut(), &output.weight_gradients.unwrap(), 0.1).unwrap();
    };
    step(&mut net);
    let unused = (4..8).find(|&op| op != gates.kinds[0][2][0].op).unwrap();
    net.prune(op(0, 2, unused)).unwrap();
    let copy = |map: std::collections::HashMap<String, Tensor>| {
        map.into_iter()
            .map(|(name, tensor)| (name, tensor.copy().unwrap()))
            .collect::<std::collections::HashMap<_, _>>()
    };
    let (weights, momenta) = (copy(net.parameters().tensors()), copy(net.parameters().momenta()));

    let mut other = Supernet::new(&space, &skeleton, &Operations::built_in(), &Streams::new(99), &Device::Cpu).unwrap();
    assert!(
        matches!(other.parameters_mut().load(&weights), Err(NnError::Tensor { problem, .. }) if problem.starts_with("is missing; "))
    );
    other.restrict(&net.alive()).unwrap();
    other.parameters_mut().load(&weights).unwrap();
    other.parameters_mut().load_momenta(&momenta).unwrap();
    step(&mut net);
    step(&mut other);
    assert_eq!(values(&net), values(&other));

    assert!(matches!(other.restrict(&AliveOps::all(&space)), Err(NnError::Gate { why: "pruned", .. })));
    let mut wrong = weights.clone();
    wrong.insert("stem.conv".to_owned(), Tensor::zeros((3, 3, 3, 5), candle_core::DType::F32, &Device::Cpu).unwrap());
    let before = values(&other);
    assert!(
        matches!(other.parameters_mut().load(&wrong), Err(NnError::Tensor { problem, .. }) if problem.starts_with("has shape "))
    );
    wrong = weights;
    wrong.insert("stem.extra".to_owned(), Tensor::zeros(1, candle_core::DType::F32, &Device::Cpu).unwrap());
    assert!(
        matches!(other.parameters_mut().load(&wrong), Err(NnError::Tensor { problem, .. }) if problem.starts_with("does not belong to this network; "))
    );
    assert_eq!(values(&other), before, "a failed load changes nothing");
}

/// Memory does not grow from step to step, also where ops of candle's own make tensors.
#[test]
fn buffers_are_used_again() {
    let (space, skeleton, net) = darts();
    let bench = SearchSpace::nas_bench_201();
    let of_bench = tiny(&bench, 3);
    let (operations, streams) = (Operations::built_in(), Streams::new(5));
    let wide = Skeleton { channels: 8, ..skeleton };
    let partial = Supernet::with_partial_channels(&space, &wide, &operations, &streams, &Device::Cpu, 4).unwrap();
    let nets =
        [("darts", &space, net), ("nas-bench-201", &bench, supernet(&bench, &of_bench)), ("partial", &space, partial)];
    for (what, space, mut net) in nets {
        let batch = batch(&net.skeleton().clone(), 4, 0);
        let gates = mixture(space, &net.alive());
        let mut idle = Vec::new();
        for _ in 0..4 {
            for wanted in [Wanted::WEIGHTS, Wanted::GATES, Wanted::NOTHING] {
                let output = net.pass(&batch, &gates, wanted, &PassOptions::default()).unwrap();
                if let Some(gradients) = output.weight_gradients {
                    Sgd::default().step(net.parameters_mut(), &gradients, 0.01).unwrap();
                }
            }
            idle.push(net.workspace().idle_values());
        }
        assert!(idle[0] > 0, "{what}");
        assert_eq!(idle[1..], [idle[1]; 3], "{what}");
    }
}

#[test]
fn gates_that_do_not_fit_are_refused() {
    let (space, skeleton, net) = darts();
    let batch = batch(&skeleton, 2, 0);
    let error = |gates: &Gates| net.pass(&batch, gates, Wanted::NOTHING, &PassOptions::default()).unwrap_err();
    let good = path(&space, &net.alive(), 0);
    let mut gates = good.clone();
    gates.kinds.pop();
    assert!(matches!(error(&gates), NnError::GateShape { got: 1, expected: 2, .. }));
    let mut gates = good.clone();
    gates.kinds[1].pop();
    assert!(matches!(error(&gates), NnError::GateShape { got: 13, expected: 14, .. }));
    let mut gates = good.clone();
    gates.kinds[0][5] = vec![Gate { op: 8, value: 1.0 }];
    assert!(matches!(error(&gates), NnError::Gate { why: "not in the space", .. }));
    let mut gates = good;
    gates.kinds[0][5] = vec![Gate { op: 1, value: 0.5 }, Gate { op: 1, value: 0.5 }];
    assert!(matches!(error(&gates), NnError::Gate { why: "listed twice", .. }));
}

#[test]
fn batches_that_do_not_fit_are_refused() {
    let (space, skeleton, net) = darts();
    let gates = path(&space, &net.alive(), 0);
    let images =
        |shape: (usize, usize, usize, usize)| Tensor::zeros(shape, candle_core::DType::F32, &Device::Cpu).unwrap();
    let pass = |batch: &Batch| net.pass(batch, &gates, Wanted::NOTHING, &PassOptions::default());
    let (h, w) = (skeleton.height, skeleton.width);
    assert!(matches!(Batch::new(images((2, h, w, 3)), vec![0]), Err(NnError::Batch { .. })));
    assert!(matches!(Batch::new(images((0, h, w, 3)), vec![]), Err(NnError::Batch { .. })));
    assert!(Batch::from_pixels(vec![0.0; 5], (1, h, w, 3), vec![0], &Device::Cpu).is_err());
    let error = pass(&Batch::new(images((1, h, w, 3)), vec![5]).unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the batch does not fit: a label is [5], expected less than the number of classes, 5"
    );
    assert!(matches!(pass(&Batch::new(images((1, h, w, 1)), vec![0]).unwrap()), Err(NnError::Batch { .. })));
}

#[test]
fn a_loss_that_is_not_finite_is_returned_and_not_learned_from() {
    let (space, skeleton, mut net) = darts();
    let pixels = vec![f32::INFINITY; 2 * skeleton.height * skeleton.width * 3];
    let batch = Batch::from_pixels(pixels, (2, skeleton.height, skeleton.width, 3), vec![0, 1], &Device::Cpu).unwrap();
    let gates = path(&space, &net.alive(), 0);
    let output = net.pass(&batch, &gates, Wanted::WEIGHTS, &PassOptions::default()).unwrap();
    assert!(!output.loss.is_finite());
    let before = values(&net);
    let norm = Sgd::default().step(net.parameters_mut(), &output.weight_gradients.unwrap(), 0.1).unwrap();
    assert!(!norm.is_finite());
    assert_eq!(values(&net), before);
}

#[test]
fn adam_leaves_pruned_entries_alone_and_clips_over_all_kinds() {
    let space = SearchSpace::darts();
    let mut alive = AliveOps::all(&space);
    alive.prune(EdgeId::new(CellKind(0), 0).op(0)).unwrap();
    let mut alphas = EdgeOpTable::filled(&space, 0f32);
    let mut gradients = EdgeOpTable::filled(&space, 0f32);
    gradients[EdgeId::new(CellKind(0), 0).op(0)] = 100.0;
    gradients[EdgeId::new(CellKind(0), 1).op(0)] = 6.0;
    gradients[EdgeId::new(CellKind(1), 1).op(0)] = 8.0;
    let mut state = AdamState::new(&space);
    let norm = Adam::default().step(&space, &mut state, &mut alphas, &gradients, &alive);
    assert_eq!(norm, 10.0);
    assert_eq!((alphas[EdgeId::new(CellKind(0), 0)][0], state.first[EdgeId::new(CellKind(0), 0)][0]), (0.0, 0.0));
    // Clipped to 5: gradients of 3 and 4, first moments of half of that.
    assert!((state.first[EdgeId::new(CellKind(0), 1)][0] - 1.5).abs() < 1e-5);
    assert!((state.first[EdgeId::new(CellKind(1), 1)][0] - 2.0).abs() < 1e-5);
    gradients[EdgeId::new(CellKind(0), 1).op(0)] = f32::NAN;
    let before = (state.clone(), alphas.clone());
    assert!(Adam::default().step(&space, &mut state, &mut alphas, &gradients, &alive).is_nan());
    assert_eq!((state, alphas), before);
}
