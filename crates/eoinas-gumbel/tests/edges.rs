//! Weights of edges: closed forms against finite differences in f64, draws against their probabilities, a toy problem.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use eoinas_core::{CellKind, EdgeId, EdgeMap, SearchSpace, SeedStream, Streams};
use eoinas_gumbel::{EdgeMode, EdgeSample, GumbelError, edge_probabilities};

fn some(space: &SearchSpace) -> EdgeMap<f32> {
    let mut parameters = EdgeMap::filled(space, 0f32);
    for id in space.edges() {
        parameters[id] = ((7 * id.edge + 3 * id.kind.0) % 5) as f32 * 0.3 - 0.5;
    }
    parameters
}

fn sample(mode: EdgeMode, parameters: &EdgeMap<f32>, temperature: f64, seed: u64) -> EdgeSample {
    let mut rng = Streams::new(seed).rng(SeedStream::Named("arch-edges"), 0, 0);
    mode.sample(parameters, &SearchSpace::darts(), temperature, &mut rng).unwrap()
}

/// Softmax over the edges of each node of `(parameters + noise) / temperature`, in f64 and written anew.
fn soft(space: &SearchSpace, logits: &EdgeMap<f64>, temperature: f64) -> EdgeMap<f64> {
    let mut soft = EdgeMap::filled(space, 0f64);
    for (kind, cell) in space.kinds().zip(space.cells()) {
        for node in cell.intermediate() {
            let exp = |edge: usize| (logits[EdgeId::new(kind, edge)] / temperature).exp();
            let sum: f64 = cell.edges_into(node).map(exp).sum();
            cell.edges_into(node).for_each(|edge| soft[EdgeId::new(kind, edge)] = exp(edge) / sum);
        }
    }
    soft
}

/// Compares the pullback of `sum of dweights * weights` with its central differences; the weights that depend on the
/// parameters are `counted`.
fn check_pullback(
    mode: EdgeMode,
    sample: &EdgeSample,
    logits: &EdgeMap<f64>,
    counted: impl Fn(CellKind, usize) -> bool,
) {
    let space = SearchSpace::darts();
    let mut dweights = EdgeMap::filled(&space, 0f64);
    for id in space.edges().filter(|id| counted(id.kind, id.edge)) {
        dweights[id] = ((5 * id.edge + id.kind.0) % 7) as f64 - 2.5;
    }
    let loss = |logits: &EdgeMap<f64>| -> f64 {
        let soft = soft(&space, logits, sample.temperature);
        space.edges().map(|id| dweights[id] * soft[id]).sum()
    };
    let mut gradient = EdgeMap::filled(&space, 1f32);
    mode.pullback_into(&space, sample, &dweights, 0.5, &mut gradient).unwrap();
    for id in space.edges() {
        let at = |step: f64| {
            let mut logits = logits.clone();
            logits[id] += step;
            loss(&logits)
        };
        let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
        let got = 2.0 * (f64::from(gradient[id]) - 1.0);
        assert!((slope - got).abs() < 1e-6, "{mode:?}, {id}: slope {slope}, gradient {got}");
    }
}

#[test]
fn normalised_weights_are_the_softmax_over_the_edges_of_a_node() {
    let space = SearchSpace::darts();
    let parameters = some(&space);
    let normalised = sample(EdgeMode::Normalised, &parameters, 5.0, 0);
    let logits = parameters.map(|&parameter| f64::from(parameter));
    let expected = soft(&space, &logits, 1.0);
    for id in space.edges() {
        let (got, want) = (normalised.weights[id], expected[id]);
        assert!((f64::from(got) - want).abs() < 1e-7, "{got} {want}");
    }
    assert_eq!(normalised.soft, edge_probabilities(&parameters, &space).unwrap());
    check_pullback(EdgeMode::Normalised, &normalised, &logits, |_, _| true);
}

#[test]
fn a_sampled_topology_keeps_two_edges_a_node_and_its_gradient_is_that_of_the_relaxed_sample() {
    let space = SearchSpace::darts();
    let parameters = some(&space);
    let drawn = sample(EdgeMode::Sampled, &parameters, 0.7, 3);
    for (kind, cell) in space.kinds().zip(space.cells()) {
        for node in cell.intermediate() {
            let kept = cell.edges_into(node).filter(|edge| drawn.weights[EdgeId::new(kind, *edge)] == 1.0).count();
            let left_out = cell.edges_into(node).filter(|edge| drawn.weights[EdgeId::new(kind, *edge)] == 0.0).count();
            assert_eq!((kept, left_out), (2, node - 2));
        }
    }
    // The noise is in the relaxed sample: its logarithm gives the logits back, up to what a node's edges have in common.
    let logits = drawn.soft.map(|&soft| if soft > 0.0 { 0.7 * soft.ln() } else { 0.0 });
    check_pullback(EdgeMode::Sampled, &drawn, &logits, |kind, edge| {
        edge > 1 && drawn.weights[EdgeId::new(kind, edge)] == 1.0
    });
    // The first node has two predecessors: no choice, no gradient.
    assert!(space.kinds().all(|kind| drawn.soft.kind(kind)[..2] == [0.0, 0.0]));
    let mut gradient = EdgeMap::filled(&space, 0f32);
    let dweights = EdgeMap::filled(&space, 3f64);
    EdgeMode::Sampled.pullback_into(&space, &drawn, &dweights, 1.0, &mut gradient).unwrap();
    assert!(space.kinds().all(|kind| gradient.kind(kind)[..2] == [0.0, 0.0]));
}

/// ROME, Section 3.5: `p_1 + sum over i > 1 of p_i p_1 / (1 - p_i)`.
#[test]
fn edges_are_drawn_without_replacement() {
    let space = SearchSpace::darts();
    let parameters = some(&space);
    let probabilities = edge_probabilities(&parameters, &space).unwrap();
    let (draws, kind) = (20_000u64, CellKind(0));
    let mut counts = EdgeMap::filled(&space, 0u32);
    for seed in 0..draws {
        let drawn = sample(EdgeMode::Sampled, &parameters, 5.0, seed);
        for id in space.edges().filter(|id| drawn.weights[*id] == 1.0) {
            counts[id] += 1;
        }
    }
    let cell = space.cell(kind).unwrap();
    for node in 3..6 {
        let p = |edge: usize| probabilities[EdgeId::new(kind, edge)];
        for edge in cell.edges_into(node) {
            let second = cell.edges_into(node).filter(|other| *other != edge).map(|i| p(i) * p(edge) / (1.0 - p(i)));
            let expected = p(edge) + second.sum::<f64>();
            let got = f64::from(counts[EdgeId::new(kind, edge)]) / draws as f64;
            // Four standard errors at most.
            assert!((got - expected).abs() < 4.0 * (0.25 / draws as f64).sqrt(), "edge {edge}: {got}, {expected}");
        }
    }
}

/// Every node has two edges that lower the loss by 1 each, another two at random nothing: descent finds them.
#[test]
fn descent_finds_the_best_edges() {
    let space = SearchSpace::darts();
    let good = |kind: CellKind, node: usize| if kind.0 == 0 { [0, node - 1] } else { [1, node - 1] };
    let mut parameters = EdgeMap::filled(&space, 0f32);
    for step in 0..600 {
        let mut rng = Streams::new(1).rng(SeedStream::Named("toy"), 0, step);
        let drawn = EdgeMode::Sampled.sample(&parameters, &space, 1.0, &mut rng).unwrap();
        let mut dweights = EdgeMap::filled(&space, 0f64);
        for id in space.edges().filter(|id| drawn.weights[*id] == 1.0) {
            let spec = space.cell(id.kind).unwrap().edges[id.edge];
            dweights[id] = if good(id.kind, spec.to).contains(&spec.from) { -1.0 } else { 0.0 };
        }
        EdgeMode::Sampled.pullback_into(&space, &drawn, &dweights, -0.1, &mut parameters).unwrap();
    }
    for (kind, cell) in space.kinds().zip(space.cells()) {
        for node in 3..6 {
            let mut edges: Vec<usize> = cell.edges_into(node).collect();
            edges.sort_by(|a, b| parameters[EdgeId::new(kind, *b)].total_cmp(&parameters[EdgeId::new(kind, *a)]));
            let mut found = [cell.edges[edges[0]].from, cell.edges[edges[1]].from];
            found.sort_unstable();
            assert_eq!(found, good(kind, node), "kind {}, node {node}", kind.0);
        }
    }
}

#[test]
fn equal_edges_have_weight_one_and_no_gradient_and_bad_input_is_refused() {
    let space = SearchSpace::darts();
    let mut parameters = some(&space);
    let equal = sample(EdgeMode::Equal, &parameters, 1.0, 0);
    assert_eq!(equal.weights, EdgeMap::filled(&space, 1.0));
    let mut gradient = EdgeMap::filled(&space, 0f32);
    EdgeMode::Equal.pullback_into(&space, &equal, &EdgeMap::filled(&space, 1.0), 1.0, &mut gradient).unwrap();
    assert_eq!(gradient, EdgeMap::filled(&space, 0.0));

    let other = SearchSpace::nas_bench_201();
    let mut rng = Streams::new(0).rng(SeedStream::ArchPath, 0, 0);
    let mut draw = |parameters: &EdgeMap<f32>, temperature| {
        EdgeMode::Sampled.sample(parameters, &space, temperature, &mut rng).unwrap_err()
    };
    assert!(matches!(draw(&some(&other), 1.0), GumbelError::Shape { what: "edge parameters" }));
    assert!(matches!(draw(&parameters, 0.0), GumbelError::Temperature { .. }));
    parameters[EdgeId::new(CellKind(1), 4)] = f32::NAN;
    assert!(matches!(draw(&parameters, 1.0), GumbelError::EdgeParameter { kind: 1, edge: 4, .. }));
    assert!(EdgeMode::Sampled.has_effect(&space) && !EdgeMode::Sampled.has_effect(&other));
    assert!(EdgeMode::Normalised.has_effect(&other));
}
