//! Edge normalisation (PC-DARTS) and sampled topology (ROME) with the methods they go with.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::Path;

use common::*;
use eoinas_core::{CellKind, EdgeId, Event, SearchSpace};
use eoinas_gumbel::EdgeMode;
use eoinas_prune::Beta;
use eoinas_train::{
    Learner, Options, Outcome, Search, SearchConfig, TrainError,
    config::{MethodKind, NetworkConfig},
    stop::MaxSteps,
};

fn config(method: MethodKind, edges: EdgeMode) -> SearchConfig {
    set(&of(method, 2), "edges", &serde_json::to_string(&edges).unwrap())
}

fn pc_darts() -> SearchConfig {
    set(&config(MethodKind::Darts, EdgeMode::Normalised), "partial_channels", "2")
}

fn run(config: &SearchConfig, run: &Path) -> Search {
    let mut search = Search::create(config.clone(), run, options()).unwrap();
    assert!(matches!(search.run().unwrap(), Outcome::Done(_)));
    search
}

#[test]
fn methods_run_to_a_cell_with_weighed_edges_and_resume_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    use {EdgeMode::*, MethodKind::*};
    // Two epochs where both the method and its edges are the papers' own; one step before the stop and one after it else.
    let with = [
        (Darts, Normalised, 2),
        (Darts2, Normalised, 1),
        (Pdarts, Normalised, 2),
        (Snas, Normalised, 1),
        (Eoinas, Sampled, 2),
        (Gdas, Sampled, 2),
    ];
    for (index, (method, edges, epochs)) in with.into_iter().enumerate() {
        let (whole, parts) = (dir.path().join(index.to_string()), dir.path().join(format!("{index}-parts")));
        let config = SearchConfig { epochs, ..config(method, edges) };
        let config = if method == Darts { set(&config, "partial_channels", "2") } else { config };
        let search = run(&config, &whole);
        let mut stop = options();
        stop.rules.push(Box::new(MaxSteps(2 * epochs as u64 - 1)));
        assert!(matches!(Search::create(config, &parts, stop).unwrap().run().unwrap(), Outcome::Stopped(_)));
        assert!(matches!(Search::resume(&parts, options()).unwrap().run().unwrap(), Outcome::Done(_)));
        assert_same(&whole, &parts);
        let learned = |edge: &f32| edge.abs() > 1e-4;
        let moved =
            search.space().kinds().map(|kind| search.learner().edges.kind(kind).iter().filter(|e| learned(e)).count());
        assert!(moved.sum::<usize>() >= 20, "{method:?} {edges:?}: {:?}", search.learner().edges);
        recorded(&whole, search.space());
    }
}

/// The record says how the edges that enter a node share its weight.
fn recorded(run: &Path, space: &SearchSpace) {
    let shot = |event| match event {
        Event::EpochEnd(end) => end.search,
        _ => None,
    };
    let shots: Vec<_> = events(run).into_iter().filter_map(shot).collect();
    assert!(!shots.is_empty());
    for edges in shots.into_iter().map(|shot| shot.edges.unwrap()) {
        assert!(edges.fits(space));
        for (kind, cell) in space.kinds().zip(space.cells()) {
            for node in cell.intermediate() {
                let sum: f64 = cell.edges_into(node).map(|edge| edges[EdgeId::new(kind, edge)]).sum();
                assert!((sum - 1.0).abs() < 1e-9, "{sum}");
            }
        }
    }
}

/// Derivation weighs an edge's best op by the edge (PC-DARTS), or goes by the edges alone (ROME).
#[test]
fn edges_decide_what_a_node_keeps() {
    let dir = tempfile::tempdir().unwrap();
    for edges in [EdgeMode::Equal, EdgeMode::Normalised, EdgeMode::Sampled] {
        let config = SearchConfig { epochs: 1, ..config(MethodKind::Darts, edges) };
        let search = Search::create(config.clone(), &dir.path().join(format!("{edges:?}")), options()).unwrap();
        let skeleton = search.learner().supernet.skeleton().clone();
        let space = SearchSpace::darts();
        let (operations, settings) = (eoinas_nn::Operations::built_in(), config.method.build().unwrap().learner());
        let mut learner =
            Learner::new(&config, settings, &space, &skeleton, &operations, search.learner().supernet.device())
                .unwrap();
        let kind = CellKind(0);
        // Node 5 has edges 9 to 13 from nodes 0 to 4. Ops speak for nodes 1 and 2, edges most of all for nodes 2 and 4.
        for (edge, op, edge_logit) in [(9, 0.0, 0.0), (10, 3.0, 0.0), (11, 2.0, 0.5), (12, 0.0, 0.0), (13, 0.0, 1.5)] {
            learner.alphas[EdgeId::new(kind, edge)].fill(0.0);
            learner.alphas[EdgeId::new(kind, edge).op(4)] = op;
            learner.edges[EdgeId::new(kind, edge)] = edge_logit;
        }
        let cell = learner.derive(&Beta {}).unwrap();
        let from: Vec<usize> = cell.cells[0].nodes[3].iter().map(|input| input.from).collect();
        // beta: 0.125, 0.74, 0.51, 0.125, 0.125; edges: 0.11, 0.11, 0.18, 0.11, 0.49; products of nodes 1, 2, 4: 0.082,
        // 0.093, 0.061.
        let expected = if edges == EdgeMode::Sampled { [2, 4] } else { [1, 2] };
        assert_eq!(from, expected, "{edges:?}");
        learner.edges[EdgeId::new(kind, 13)] = 2.5;
        let cell = learner.derive(&Beta {}).unwrap();
        let from: Vec<usize> = cell.cells[0].nodes[3].iter().map(|input| input.from).collect();
        // Products of nodes 1, 2, 4 now: 0.042, 0.048, 0.087.
        assert_eq!(from, if edges == EdgeMode::Equal { [1, 2] } else { [2, 4] }, "{edges:?}");
    }
}

#[test]
fn an_edge_that_is_not_sampled_counts_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let config = set(&config(MethodKind::Gdas, EdgeMode::Sampled), "paths_per_step", "3");
    let search = run(&config, &dir.path().join("run"));
    let statistics = search.learner().prune.statistics();
    // 2 epochs of 2 steps of 3 paths, two edges into each of four nodes.
    for kind in search.space().kinds() {
        assert_eq!(statistics.counts().matrix(kind).iter().sum::<u64>(), 12 * 8);
        let first_node = (0..2).map(|edge| statistics.counts()[EdgeId::new(kind, edge)].iter().sum::<u64>());
        assert_eq!(first_node.collect::<Vec<_>>(), [12, 12]);
    }
}

#[test]
fn losses_fall_with_weighed_edges() {
    let dir = tempfile::tempdir().unwrap();
    // Half of the edges train in a path: three paths give every op about as many updates as one path of all edges does.
    let rome = set(&config(MethodKind::Gdas, EdgeMode::Sampled), "paths_per_step", "3");
    let configs = [(pc_darts(), 6), (rome, 16)];
    for (index, (config, epochs)) in configs.into_iter().enumerate() {
        let config = SearchConfig { epochs, ..config };
        let (path, quarter) = (dir.path().join(index.to_string()), config.epochs / 4);
        run(&config, &path);
        let losses = events(&path).into_iter().filter_map(|event| match event {
            Event::EpochEnd(epoch) => Some(epoch.train_loss),
            _ => None,
        });
        let losses: Vec<f64> = losses.collect();
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (first, last) = (mean(&losses[..quarter]), mean(&losses[losses.len() - quarter..]));
        assert!(last < first - 0.05, "{index}: {first} to {last}");
    }
}

#[test]
fn what_edges_do_not_go_with_is_refused_and_old_settings_are_read() {
    for method in [MethodKind::Uniform, MethodKind::Mdenas] {
        let error = of(method, 2).with_setting("edges", "sampled").unwrap_err().to_string();
        assert!(error.contains("edges is sampled") && error.contains(method.name()), "{error}");
    }
    let dir = tempfile::tempdir().unwrap();
    let table = SearchConfig {
        network: NetworkConfig { channels: 4, cells: 3, stem_multiplier: 1, layers: None, max_ops: None },
        data: tiny().data,
        batch_size: 16,
        ..SearchConfig::nas_bench_201(1)
    };
    let space = Options { space: Some(SearchSpace::nas_bench_201()), ..options() };
    let table = set(&table, "edges", "sampled");
    let error = Search::create(table, &dir.path().join("table"), space).unwrap_err().to_string();
    assert!(error.contains("`nas-bench-201` every node keeps all of its edges"), "{error}");

    let mut old = serde_json::to_value(tiny()).unwrap();
    old["method"]["eoinas"].as_object_mut().unwrap().remove("edges").unwrap();
    assert_eq!(serde_json::from_value::<SearchConfig>(old).unwrap(), tiny());
    assert_eq!(set(&tiny(), "edges", "normalised").method.build().unwrap().learner().edges, EdgeMode::Normalised);
}

#[test]
fn a_checkpoint_without_its_edges_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut stop = options();
    stop.rules.push(Box::new(MaxSteps(1)));
    let without = set(&set(&pc_darts(), "edges", "equal"), "partial_channels", "null");
    Search::create(without, &path, stop).unwrap().run().unwrap();
    let text = std::fs::read_to_string(path.join("config.json")).unwrap();
    std::fs::write(path.join("config.json"), text.replace("\"equal\"", "\"normalised\"")).unwrap();
    // Or else the changed file is found out by itself.
    list_settings(&path);
    let error = Search::resume(&path, options()).unwrap_err().to_string();
    assert!(error.contains("darts with edges = \"equal\"") && error.contains("\"normalised\""), "{error}");
    // Version 0.1.0 did not note the method; the tensors tell.
    let manifest = newest(&path).join("manifest.json");
    let mut value: serde_json::Value = serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    value["subject"].as_object_mut().unwrap().remove("method").unwrap();
    value["version"] = 1.into();
    value.as_object_mut().unwrap().retain(|field, _| !["sha256", "record", "made_on"].contains(&field.as_str()));
    std::fs::write(manifest, value.to_string()).unwrap();
    let error = Search::resume(&path, options()).unwrap_err();
    assert!(matches!(&error, TrainError::State { what, .. } if what.contains("edges.normal")), "{error}");
}
