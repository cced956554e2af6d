//! The shipped relaxations over whole search spaces.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use eoinas_core::{AliveOps, CellKind, EdgeId, EdgeOpTable, Gates, SearchSpace, SeedStream, Streams};
use eoinas_gumbel::{Categorical, Greedy, GumbelError, Mixture, PathMode, Relaxation, Sampled, Softmax, gumbel};
use proptest::prelude::*;
use rand::Rng;

const ALL: [&dyn Relaxation; 5] = [&Sampled, &Mixture, &Softmax, &Categorical, &Greedy];
const NORMAL: CellKind = CellKind(0);

fn rng(index: u64) -> impl Rng {
    Streams::new(3).rng(SeedStream::ArchPath, 0, index)
}

/// Different alphas everywhere, between -1 and 1.
fn some_alphas(space: &SearchSpace) -> EdgeOpTable<f32> {
    let mut alphas = EdgeOpTable::filled(space, 0f32);
    for id in space.edges() {
        for (op, alpha) in alphas[id].iter_mut().enumerate() {
            *alpha = ((id.kind.0 * 31 + id.edge * 7 + op * 13) % 41) as f32 / 20.5 - 1.0;
        }
    }
    alphas
}

fn some_pruned(space: &SearchSpace) -> AliveOps {
    let mut alive = AliveOps::all(space);
    for id in space.edges() {
        for step in 0..(id.kind.0 + id.edge) % space.ops().len() {
            alive.prune(id.op((id.edge + step) % space.ops().len())).unwrap();
        }
    }
    alive
}

/// A gradient for every gate, different everywhere.
fn some_gradients(gates: &Gates) -> Gates {
    let mut dgates = gates.clone();
    for (index, gate) in dgates.kinds.iter_mut().flatten().flatten().enumerate() {
        gate.value = ((index * 17) % 23) as f32 / 11.0 - 1.0;
    }
    dgates
}

#[test]
fn every_edge_gets_the_gates_of_its_relaxation() {
    for space in [SearchSpace::darts(), SearchSpace::nas_bench_201()] {
        let (alphas, alive) = (some_alphas(&space), some_pruned(&space));
        for (index, relaxation) in ALL.into_iter().enumerate() {
            let sample = relaxation.sample(&alphas, &alive, &space, 2.0, &mut rng(index as u64)).unwrap();
            assert!(sample.gates.iter().map(|(id, _)| id).eq(space.edges()));
            assert!(sample.soft.fits(&space));
            for (id, gates) in sample.gates.iter() {
                if matches!(index, 1 | 2) {
                    assert_eq!(
                        gates.iter().map(|g| g.op).collect::<Vec<_>>(),
                        alive.ops(EdgeId::new(id.kind, id.edge)).collect::<Vec<_>>()
                    );
                    assert!((gates.iter().map(|g| f64::from(g.value)).sum::<f64>() - 1.0).abs() < 1e-6);
                } else {
                    assert_eq!(gates.len(), 1, "exactly one op an edge");
                    assert_eq!(gates[0].value, 1.0);
                    assert!(alive.contains(id.op(gates[0].op)));
                    let h = &sample.soft[id];
                    assert!(h.iter().all(|h| *h <= sample.soft[id.op(gates[0].op)]), "argmax of h");
                }
            }
        }
    }
}

#[test]
fn sampled_and_mixture_agree_on_the_same_noise() {
    let space = SearchSpace::darts();
    let (alphas, alive) = (some_alphas(&space), some_pruned(&space));
    let hard = Sampled.sample(&alphas, &alive, &space, 0.7, &mut rng(5)).unwrap();
    let soft = Mixture.sample(&alphas, &alive, &space, 0.7, &mut rng(5)).unwrap();
    let limit = Categorical.sample(&alphas, &alive, &space, 0.7, &mut rng(5)).unwrap();
    assert_eq!(hard.soft, soft.soft);
    assert_eq!(hard.gates, limit.gates);
}

/// One vector per kind and edge in the order of the space, one number for every op whether it is alive or not.
#[test]
fn noise_is_drawn_in_space_order_and_for_pruned_ops_too() {
    let space = SearchSpace::nas_bench_201();
    let zero = EdgeOpTable::filled(&space, 0f32);
    let sample = Mixture.sample(&zero, &AliveOps::all(&space), &space, 1.0, &mut rng(0)).unwrap();
    let mut generator = rng(0);
    for id in space.edges() {
        let e: Vec<f64> = (0..5).map(|_| f64::from(gumbel(&mut generator)).exp()).collect();
        let sum: f64 = e.iter().sum();
        for (h, e) in sample.soft[id].iter().zip(e) {
            assert!((h - e / sum).abs() < 1e-12);
        }
    }
    let mut alive = AliveOps::all(&space);
    alive.prune(EdgeId::new(NORMAL, 0).op(0)).unwrap();
    let pruned = Mixture.sample(&zero, &alive, &space, 1.0, &mut rng(0)).unwrap();
    assert_ne!(pruned.soft[EdgeId::new(NORMAL, 0)], sample.soft[EdgeId::new(NORMAL, 0)]);
    for edge in 1..6 {
        assert_eq!(
            pruned.soft[EdgeId::new(NORMAL, edge)],
            sample.soft[EdgeId::new(NORMAL, edge)],
            "edge {edge} was left alone"
        );
    }
}

#[test]
fn samples_are_pinned_by_value() {
    let space = SearchSpace::darts();
    let zero = EdgeOpTable::filled(&space, 0f32);
    let alive = AliveOps::all(&space);
    let mut rng = Streams::new(0).rng(SeedStream::WeightPath, 20, 0);
    let sample = Sampled.sample(&zero, &alive, &space, 5.0, &mut rng).unwrap();
    let ops: Vec<usize> = sample.gates.kinds.iter().flatten().map(|gates| gates[0].op).collect();
    assert_eq!(ops, GOLDEN_OPS);
    let h: Vec<f32> = sample.soft[EdgeId::new(NORMAL, 0)].iter().map(|h| *h as f32).collect();
    assert_eq!(h, GOLDEN_H);
}

/// Computed apart from this code, from the published ChaCha8 and Eq. 5.
const GOLDEN_OPS: [usize; 28] = [2, 5, 2, 4, 6, 2, 1, 4, 3, 7, 3, 4, 2, 2, 0, 5, 1, 2, 1, 4, 0, 6, 6, 5, 2, 3, 1, 0];
const GOLDEN_H: [f32; 8] =
    [0.121_897_124, 0.098_562_16, 0.200_015_43, 0.116_944_134, 0.090_010_92, 0.158_643_71, 0.108_583_845, 0.105_342_68];

#[test]
fn without_noise_nothing_is_drawn() {
    let space = SearchSpace::darts();
    let (alphas, alive) = (some_alphas(&space), some_pruned(&space));
    for relaxation in [&Softmax as &dyn Relaxation, &Greedy] {
        let mut generator = rng(1);
        let first = relaxation.sample(&alphas, &alive, &space, 1.0, &mut generator).unwrap();
        assert_eq!(generator.next_u64(), rng(1).next_u64());
        assert_eq!(first.gates, relaxation.sample(&alphas, &alive, &space, 1.0, &mut rng(2)).unwrap().gates);
    }
}

#[test]
fn softmax_is_beta_whatever_the_temperature() {
    let space = SearchSpace::darts();
    let (alphas, alive) = (some_alphas(&space), some_pruned(&space));
    let beta = eoinas_core::softmax::beta(&alphas, &alive, &space);
    for temperature in [1e-3, 1.0, 5.0] {
        assert_eq!(Softmax.sample(&alphas, &alive, &space, temperature, &mut rng(0)).unwrap().soft, beta);
    }
}

#[test]
fn greedy_takes_the_first_of_the_largest_alive_alphas() {
    let space = SearchSpace::darts();
    let mut alphas = EdgeOpTable::filled(&space, 0f32);
    let mut alive = AliveOps::all(&space);
    alphas[EdgeId::new(NORMAL, 1).op(4)] = 0.5;
    alphas[EdgeId::new(NORMAL, 1).op(6)] = 0.5;
    alphas[EdgeId::new(NORMAL, 2).op(4)] = 0.5;
    alive.prune(EdgeId::new(NORMAL, 2).op(4)).unwrap();
    let sample = Greedy.sample(&alphas, &alive, &space, 1.0, &mut rng(0)).unwrap();
    let op = |edge: usize| sample.gates.kinds[0][edge][0].op;
    assert_eq!([op(0), op(1), op(2)], [0, 4, 0]);
}

/// Pearson's chi-square of 20,000 draws against `softmax(alphas)` over the alive ops, for the two relaxations that run one
/// sampled op. 6 degrees of freedom: above 22.5 with a probability of 0.001.
#[test]
fn sample_frequencies_follow_softmax() {
    let space = SearchSpace::darts();
    let mut alphas = EdgeOpTable::filled(&space, 0f32);
    alphas[EdgeId::new(NORMAL, 0)].copy_from_slice(&[0.3, -0.5, 1.2, 0.0, 9.0, 0.7, -1.0, 0.1]);
    let mut alive = AliveOps::all(&space);
    alive.prune(EdgeId::new(NORMAL, 0).op(4)).unwrap();
    let beta = eoinas_core::softmax::beta(&alphas, &alive, &space);
    for (stream, relaxation) in [&Sampled as &dyn Relaxation, &Categorical].into_iter().enumerate() {
        let mut counts = [0u32; 8];
        let draws = 20_000;
        for index in 0..draws {
            let mut rng = Streams::new(11).rng(SeedStream::WeightPath, stream as u64, index);
            let sample = relaxation.sample(&alphas, &alive, &space, 3.0, &mut rng).unwrap();
            counts[sample.gates.kinds[0][0][0].op] += 1;
        }
        assert_eq!(counts[4], 0, "a pruned op is never sampled");
        let chi_square: f64 = counts
            .iter()
            .zip(&beta[EdgeId::new(NORMAL, 0)])
            .filter(|(_, p)| **p > 0.0)
            .map(|(n, p)| (f64::from(*n) - p * draws as f64).powi(2) / (p * draws as f64))
            .sum();
        assert!(chi_square < 22.5, "chi-square {chi_square}, counts {counts:?}");
    }
}

/// dL/dalpha of the mixture, `L = sum of gate * its gradient`, by central differences through new samples.
#[test]
fn mixture_gradient_agrees_with_finite_differences_of_samples() {
    let space = SearchSpace::nas_bench_201();
    let (alphas, alive) = (some_alphas(&space), some_pruned(&space));
    let base = Mixture.sample(&alphas, &alive, &space, 1.5, &mut rng(9)).unwrap();
    let dgates = some_gradients(&base.gates);
    let gradient = Mixture.pullback(&base, &dgates).unwrap();
    let loss = |alphas: &EdgeOpTable<f32>| -> f64 {
        let sample = Mixture.sample(alphas, &alive, &space, 1.5, &mut rng(9)).unwrap();
        let gates = dgates.iter().flat_map(|(id, gates)| gates.iter().map(move |gate| (id.op(gate.op), gate.value)));
        gates.map(|(op, value)| f64::from(value) * sample.soft[op]).sum()
    };
    for id in space.edges() {
        for op in 0..5 {
            let (mut up, mut down) = (alphas.clone(), alphas.clone());
            up[id.op(op)] += 1.0 / 1024.0;
            down[id.op(op)] -= 1.0 / 1024.0;
            let step = f64::from(up[id][op]) - f64::from(down[id][op]);
            let expected = (loss(&up) - loss(&down)) / step;
            let got = f64::from(gradient[id][op]);
            assert!((got - expected).abs() < 1e-6, "{id} op {op}: {got}, expected {expected}");
        }
    }
}

/// Straight-through: the gradient of the one gate goes through the Jacobian of `h` at the temperature.
#[test]
fn sampled_gradient_is_the_row_of_the_jacobian() {
    let space = SearchSpace::darts();
    let (alphas, alive) = (some_alphas(&space), some_pruned(&space));
    let t = 0.8;
    let sample = Sampled.sample(&alphas, &alive, &space, t, &mut rng(4)).unwrap();
    let dgates = some_gradients(&sample.gates);
    let gradient = Sampled.pullback(&sample, &dgates).unwrap();
    for (id, gates) in dgates.iter() {
        let (h, gate) = (&sample.soft[id], gates[0]);
        for op in 0..8 {
            let own = if op == gate.op { 1.0 } else { 0.0 };
            let expected = f64::from(gate.value) * h[gate.op] * (own - h[op]) / t;
            assert!((f64::from(gradient[EdgeId::new(id.kind, id.edge)][op]) - expected).abs() < 1e-6);
            assert!(
                alive.contains(EdgeId::new(id.kind, id.edge).op(op))
                    || gradient[EdgeId::new(id.kind, id.edge)][op] == 0.0
            );
        }
    }
}

#[test]
fn hard_relaxations_pass_no_gradient() {
    let space = SearchSpace::darts();
    let (alphas, alive) = (some_alphas(&space), some_pruned(&space));
    for relaxation in [&Categorical as &dyn Relaxation, &Greedy] {
        let sample = relaxation.sample(&alphas, &alive, &space, 0.8, &mut rng(4)).unwrap();
        let gradient = relaxation.pullback(&sample, &some_gradients(&sample.gates)).unwrap();
        assert_eq!(gradient, EdgeOpTable::filled(&space, 0f32));
    }
}

#[test]
fn several_paths_average() {
    let space = SearchSpace::darts();
    let (alphas, alive) = (some_alphas(&space), some_pruned(&space));
    let mut mean = EdgeOpTable::filled(&space, 0f32);
    let mut expected = EdgeOpTable::filled(&space, 0f64);
    for path in 0..7 {
        let sample = Sampled.sample(&alphas, &alive, &space, 1.0, &mut rng(path)).unwrap();
        let dgates = some_gradients(&sample.gates);
        Sampled.pullback_into(&sample, &dgates, 1.0 / 7.0, &mut mean).unwrap();
        let single = Sampled.pullback(&sample, &dgates).unwrap();
        for kind in space.kinds() {
            let sums = expected.matrix_mut(kind).iter_mut();
            sums.zip(single.matrix(kind)).for_each(|(sum, one)| *sum += f64::from(*one) / 7.0);
        }
    }
    for kind in space.kinds() {
        assert!(mean.matrix(kind).iter().zip(expected.matrix(kind)).all(|(a, b)| (f64::from(*a) - b).abs() < 1e-6));
    }
}

#[test]
fn bad_input_is_named() {
    let space = SearchSpace::darts();
    let other = SearchSpace::nas_bench_201();
    let (mut alphas, mut alive) = (some_alphas(&space), AliveOps::all(&space));
    for relaxation in ALL {
        let sample = |alphas: &EdgeOpTable<f32>, alive: &AliveOps, t: f64| {
            relaxation.sample(alphas, alive, &space, t, &mut rng(0))
        };
        assert_eq!(sample(&some_alphas(&other), &alive, 1.0), Err(GumbelError::Shape { what: "alphas" }));
        assert_eq!(sample(&alphas, &AliveOps::all(&other), 1.0), Err(GumbelError::Shape { what: "alive ops" }));
        for t in [0.0, -1.0, f64::INFINITY] {
            assert_eq!(sample(&alphas, &alive, t), Err(GumbelError::Temperature { value: t }));
        }
        assert!(matches!(sample(&alphas, &alive, f64::NAN), Err(GumbelError::Temperature { .. })));
    }
    alphas[EdgeId::new(CellKind(1), 2).op(3)] = f32::INFINITY;
    for relaxation in ALL {
        let error = relaxation.sample(&alphas, &alive, &space, 1.0, &mut rng(0)).unwrap_err();
        assert_eq!(error, GumbelError::Alpha { kind: 1, edge: 2, op: 3, value: f32::INFINITY });
        assert!(error.to_string().contains("cell kind 1, edge 2, op 3 is inf"), "{error}");
    }
    alive.prune(EdgeId::new(CellKind(1), 2).op(3)).unwrap();
    assert!(Sampled.sample(&alphas, &alive, &space, 1.0, &mut rng(0)).is_ok(), "the alpha of a pruned op is not read");
}

#[test]
fn gradients_of_another_pass_are_refused() {
    let space = SearchSpace::darts();
    let (alphas, alive) = (some_alphas(&space), AliveOps::all(&space));
    let sample = Sampled.sample(&alphas, &alive, &space, 1.0, &mut rng(0)).unwrap();
    let mut dgates = some_gradients(&sample.gates);
    let op = (dgates.kinds[1][5][0].op + 1) % 8;
    dgates.kinds[1][5][0].op = op;
    assert_eq!(Sampled.pullback(&sample, &dgates), Err(GumbelError::Gate { kind: 1, edge: 5, op }));
    dgates.kinds[1][5][0].op = 99;
    assert_eq!(Sampled.pullback(&sample, &dgates), Err(GumbelError::Gate { kind: 1, edge: 5, op: 99 }));
    dgates.kinds.pop();
    assert_eq!(Sampled.pullback(&sample, &dgates), Err(GumbelError::Shape { what: "gate gradients" }));
    let mut out = EdgeOpTable::filled(&SearchSpace::nas_bench_201(), 0f32);
    let dgates = sample.gates.zeros_like();
    let error = Sampled.pullback_into(&sample, &dgates, 1.0, &mut out).unwrap_err();
    assert_eq!(error, GumbelError::Shape { what: "alpha gradients" });
}

#[test]
fn path_modes_by_name() {
    assert_eq!(serde_json::to_string(&PathMode::default()).unwrap(), "\"sampled\"");
    assert_eq!(serde_json::from_str::<PathMode>("\"mixture\"").unwrap(), PathMode::Mixture);
    assert_eq!(format!("{:?} {:?}", PathMode::Sampled.relaxation(), PathMode::Mixture.relaxation()), "Sampled Mixture");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any alphas, any alive ops, any temperature: finite gates and gradients, and nothing for pruned ops.
    #[test]
    fn every_relaxation_is_finite_and_leaves_pruned_ops_alone(
        values_ in prop::collection::vec(prop::sample::select(vec![-1e4f32, -3.0, 0.0, 0.1, 3.0, 1e4]), 30),
        pruned in prop::collection::vec((0usize..6, 0usize..5), 0..30),
        t in prop::sample::select(vec![f64::MIN_POSITIVE, 1e-9, 1e-3, 1.0, 5.0, 1e9]),
        seed in any::<u64>(),
    ) {
        let space = SearchSpace::nas_bench_201();
        let mut alphas = EdgeOpTable::filled(&space, 0f32);
        alphas.matrix_mut(NORMAL).copy_from_slice(&values_);
        let mut alive = AliveOps::all(&space);
        for (edge, op) in pruned {
            let _ = alive.prune(EdgeId::new(NORMAL, edge).op(op)); // the last op and an op pruned before stay as they are
        }
        for relaxation in ALL {
            let mut rng = Streams::new(seed).rng(SeedStream::ArchPath, 0, 0);
            let sample = relaxation.sample(&alphas, &alive, &space, t, &mut rng).unwrap();
            let gradient = relaxation.pullback(&sample, &some_gradients(&sample.gates)).unwrap();
            for (id, gates) in sample.gates.iter() {
                prop_assert!(!gates.is_empty());
                prop_assert!(gates.iter().all(|g| g.value.is_finite() && alive.contains(EdgeId::new(id.kind, id.edge).op(g.op))));
                for (op, g) in gradient[EdgeId::new(id.kind, id.edge)].iter().enumerate() {
                    prop_assert!(g.is_finite());
                    prop_assert!(alive.contains(EdgeId::new(id.kind, id.edge).op(op)) || *g == 0.0);
                }
            }
        }
    }
}
