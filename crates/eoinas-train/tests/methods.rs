//! Every method on the same loop.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::path::Path;

use candle_core::Device;
use common::*;
use eoinas_core::{CellGenotype, EdgeOpTable, Event, SearchSpace};
use eoinas_nn::Operations;
use eoinas_train::{
    Learner, Outcome, Search, SearchConfig, SearchMethod,
    config::{MethodConfig, MethodKind},
    methods::{PDarts, ZeroCostPt},
    probes::Probe,
    stop::MaxSteps,
};

fn config(method: MethodKind) -> SearchConfig {
    let mut config = of(method, 2);
    if let MethodConfig::RandomWs(method) = &mut config.method {
        method.candidates = 4;
    }
    if let MethodConfig::PcDarts(method) = &mut config.method {
        // Of four.
        method.partial_channels = 2;
    }
    if method == MethodKind::ZeroCostPt {
        // Of one step and one pass each.
        config = SearchConfig { epochs: 4, method: ZeroCostPt::default().by(Probe::GateSaliency).into(), ..config };
    }
    if let Some(finalists) = &mut config.finalists {
        (finalists.candidates, finalists.epochs) = (3, 1);
    }
    config
}

#[test]
fn every_method_runs_to_a_cell_and_resumes_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    for method in MethodKind::ALL {
        let name = method.name();
        let (whole, parts) = (dir.path().join(name), dir.path().join(format!("{name}-parts")));
        let mut search = Search::create(config(method), &whole, options()).unwrap();
        let before = search.learner().alphas.clone();
        assert!(matches!(search.run().unwrap(), Outcome::Done(_)));
        let mut stop = options();
        stop.rules.push(Box::new(MaxSteps(3)));
        let stopped = Search::create(config(method), &parts, stop).unwrap().run().unwrap();
        assert!(matches!(stopped, Outcome::Stopped(_)), "{name}");
        assert!(matches!(Search::resume(&parts, options()).unwrap().run().unwrap(), Outcome::Done(_)), "{name}");
        assert_same(&whole, &parts);
        let events = events(&whole);
        let Some(Event::RunStarted(started)) = events.first() else { panic!("{name}") };
        assert_eq!(started.method, config(method).method.build().unwrap().identity().name);

        let moved = moved(&before, &search.learner().alphas, search.space());
        let no_gradient = [MethodKind::Uniform, MethodKind::RandomWs, MethodKind::ZeroCostPt, MethodKind::Recommended]
            .contains(&method);
        if no_gradient {
            assert_eq!(moved, 0)
        } else {
            assert!(moved > 100, "{method}: {moved}")
        }
        let valid = events.iter().any(|event| match event {
            Event::EpochEnd(epoch) => epoch.valid_accuracy.is_some(),
            _ => false,
        });
        let reads = method != MethodKind::Snas && !no_gradient;
        assert_eq!(valid, reads, "{method}: validation half read");
    }
}

/// How many entries are not the same.
fn moved(before: &EdgeOpTable<f32>, after: &EdgeOpTable<f32>, space: &SearchSpace) -> usize {
    let pairs = space.kinds().flat_map(|kind| before.matrix(kind).iter().zip(after.matrix(kind)));
    pairs.filter(|(before, after)| before != after).count()
}

/// Mean training loss of the first and of the last quarter of the epochs.
fn losses(config: SearchConfig, run: &Path) -> (f64, f64) {
    let quarter = config.epochs / 4;
    Search::create(config, run, options()).unwrap().run().unwrap();
    let losses: Vec<f64> = events(run)
        .into_iter()
        .filter_map(|event| match event {
            Event::EpochEnd(epoch) => Some(epoch.train_loss),
            _ => None,
        })
        .collect();
    let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
    (mean(&losses[..quarter]), mean(&losses[losses.len() - quarter..]))
}

#[test]
fn every_method_lowers_the_loss() {
    let dir = tempfile::tempdir().unwrap();
    for method in MethodKind::ALL {
        // Those that run all ops take longer for a step and fewer of them.
        use MethodKind::*;
        let all_ops = matches!(method, Darts | Darts2 | PcDarts | Snas | Drnas);
        // A stage is a search with DARTS, and begins with fresh weights.
        if method == Pdarts {
            continue;
        }
        // Variants whose steps are those of another method, and those that train nothing.
        if matches!(method, EoinasScaleFree | GdasPruning | RandomWs | BetaDarts | DartsPt | ZeroCostPt | Recommended) {
            continue;
        }
        let config = SearchConfig { epochs: if all_ops { 8 } else { 16 }, ..config(method) };
        let (first, last) = losses(config, &dir.path().join(method.name()));
        assert!(last < first - 0.05, "{method}: {first} to {last}");
    }
}

#[test]
fn several_paths_an_update_learn_are_counted_and_resume_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    let config = set(&config(MethodKind::Gdas), "paths_per_step", "3");
    let mut search = Search::create(config.clone(), &whole, options()).unwrap();
    search.run().unwrap();
    // 2 epochs of 2 steps of 3 paths.
    let statistics = search.learner().prune.statistics();
    for id in search.space().edges() {
        assert_eq!(statistics.counts()[id].iter().sum::<u64>(), 12);
    }
    let mut stop = options();
    stop.rules.push(Box::new(MaxSteps(3)));
    Search::create(config.clone(), &parts, stop).unwrap().run().unwrap();
    Search::resume(&parts, options()).unwrap().run().unwrap();
    assert_same(&whole, &parts);
    let (first, last) = losses(SearchConfig { epochs: 8, ..config }, &dir.path().join("longer"));
    assert!(last < first - 0.05, "{first} to {last}");
}

/// Several fair paths, means that they pair, and prunings that wait: the first one is due after the first epoch, whose 2
/// steps of 8 paths give each op 2 draws at most.
#[test]
fn prunings_wait_for_their_evidence_and_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, parts) = (dir.path().join("whole"), dir.path().join("parts"));
    let mut config = of(MethodKind::Eoinas, 3);
    for (name, value) in [
        ("paths_per_step", "8"),
        ("draws", "fair"),
        ("statistics.accuracy", "mean"),
        ("least_draws", "4"),
        ("prune", r#"{"kind": "periodic", "first": 1, "every": 1, "count": 7}"#),
    ] {
        config = set(&config, name, value);
    }
    Search::create(config.clone(), &whole, options()).unwrap().run().unwrap();
    let mut stop = options();
    stop.rules.push(Box::new(MaxSteps(3)));
    Search::create(config.clone(), &parts, stop).unwrap().run().unwrap();
    assert!(matches!(Search::resume(&parts, options()).unwrap().run().unwrap(), Outcome::Done(_)));
    assert_same(&whole, &parts);

    let events = events(&whole);
    let notes: Vec<&String> = events
        .iter()
        .filter_map(|event| match event {
            Event::Warning { text } if text.contains("least_draws") => Some(text),
            _ => None,
        })
        .collect();
    assert!(notes[0].starts_with("prunings due after epoch 1 wait for evidence (least_draws): 28 edges"), "{notes:?}");
    assert!(notes.last().unwrap().starts_with("the last prunings are decided on too little evidence"), "{notes:?}");
    let mut pruned = [0; 3];
    for event in &events {
        let Event::Pruned { epoch, op, evidence, .. } = event else { continue };
        pruned[*epoch as usize] += 1;
        if *epoch == 1 {
            let evidence = evidence.as_ref().unwrap();
            assert!(evidence.ops.iter().all(|op| op.draws == 4), "{evidence:?}");
            assert!(evidence.against_next(*op).unwrap().error.is_some());
        }
    }
    assert_eq!(pruned, [0, 28, 28 * 6], "the last one by too little evidence");
    let log = std::fs::read_to_string(whole.join("log.txt")).unwrap();
    assert!(log.contains(" points against "), "{log}");
    // Nobody has to wait by default.
    assert_eq!(serde_json::to_value(&config.method).unwrap()["eoinas"]["least_draws"], 4);
    assert_eq!(eoinas_train::methods::EoiNas::quick().least_draws, 0);
}

/// With equal weights the validation half decides, but trains nothing.
#[test]
fn darts_pt_decides_every_edge_with_and_without_trained_alphas() {
    let dir = tempfile::tempdir().unwrap();
    for (trained, run) in [("true", "trained"), ("false", "equal")] {
        let config = set(&of(MethodKind::DartsPt, 2), "train_alphas", trained);
        let mut search = Search::create(config, &dir.path().join(run), options()).unwrap();
        let before = search.learner().alphas.clone();
        assert!(matches!(search.run().unwrap(), Outcome::Done(_)));
        let (learner, space) = (search.learner(), search.space());
        assert_eq!(moved(&before, &learner.alphas, space) > 0, trained == "true");
        assert!(space.edges().all(|id| learner.alive().count(id) == 1));
    }
    let late = set(&of(MethodKind::DartsPt, 2), "pretrain", "1.0");
    let error = late.validate().unwrap_err().to_string();
    assert!(error.contains("pretrain") && error.contains("below 1"), "{error}");
}

#[test]
fn methods_go_with_partial_channels() {
    let dir = tempfile::tempdir().unwrap();
    for method in [MethodKind::Eoinas, MethodKind::Darts, MethodKind::Uniform] {
        let (whole, parts) = (dir.path().join(method.name()), dir.path().join(format!("{method}-parts")));
        let config = SearchConfig { epochs: 1, ..set(&config(method), "partial_channels", "2") };
        let mut search = Search::create(config.clone(), &whole, options()).unwrap();
        assert!(matches!(search.run().unwrap(), Outcome::Done(_)), "{method}");
        let mut stop = options();
        stop.rules.push(Box::new(MaxSteps(1)));
        Search::create(config, &parts, stop).unwrap().run().unwrap();
        Search::resume(&parts, options()).unwrap().run().unwrap();
        assert_same(&whole, &parts);
    }
    let error = set(&tiny(), "partial_channels", "4").validate().unwrap_err().to_string();
    assert!(error.contains("partial_channels is 4 with 4 channels"), "{error}");
    let error = set(&tiny(), "paths_per_step", "0").validate().unwrap_err().to_string();
    assert!(error.contains("paths_per_step is 0"), "{error}");
}

/// Tensors of the first stages' networks are not those of the last one's: every stop is resumed in its own.
#[test]
fn pdarts_deepens_drops_ops_and_resumes_in_every_stage() {
    let dir = tempfile::tempdir().unwrap();
    let config = SearchConfig { epochs: 3, ..config(MethodKind::Pdarts) };
    assert_eq!(config.network.cells, 3);
    let whole = dir.path().join("whole");
    let mut search = Search::create(config.clone(), &whole, options()).unwrap();
    search.run().unwrap();
    let learner = search.learner();
    assert_eq!(learner.supernet.skeleton().cells, 7);
    for id in search.space().edges() {
        assert_eq!(learner.alive().count(id), 3);
    }
    // Two steps a stage: within the first two, and at the end of the second.
    for stops in [vec![1, 2], vec![4]] {
        let run = dir.path().join(format!("{stops:?}"));
        for (index, steps) in stops.into_iter().enumerate() {
            let mut stop = options();
            stop.rules.push(Box::new(MaxSteps(steps)));
            match index {
                0 => Search::create(config.clone(), &run, stop).unwrap().run().unwrap(),
                _ => Search::resume(&run, stop).unwrap().run().unwrap(),
            };
        }
        Search::resume(&run, options()).unwrap().run().unwrap();
        assert_same(&whole, &run);
    }
}

#[test]
fn pdarts_keeps_two_skip_connections_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let mut search = Search::create(config(MethodKind::Pdarts), &dir.path().join("run"), options()).unwrap();
    let mut learner = Learner::new(
        search.config(),
        PDarts::default().learner(),
        search.space(),
        search.learner().supernet.skeleton(),
        &Operations::built_in(),
        &Device::Cpu,
    )
    .unwrap();
    search.run().unwrap();
    let space = search.space();
    let skip = space.ops().iter().position(|op| op.is_skip()).unwrap();
    for id in space.edges() {
        // The later the edge, the stronger its skip connection; one op beside it comes second.
        learner.alphas[id.op(skip)] = 3.0 + 0.01 * id.edge as f32;
        learner.alphas[id.op(skip + 1)] = 2.0;
    }
    let skips = |limit: usize| -> Vec<usize> {
        let genotype = PDarts { skip_limit: limit, ..PDarts::default() }.derive(&learner).unwrap();
        let of_cell = |cell: &CellGenotype| cell.nodes.iter().flatten().filter(|edge| edge.op.is_skip()).count();
        genotype.cells.iter().map(of_cell).collect()
    };
    assert_eq!(skips(8), [8, 8]);
    assert_eq!(skips(2), [2, 8], "cells that reduce have no limit");
    assert_eq!(skips(0), [0, 8]);
}

#[test]
fn uniform_sampling_draws_every_op_of_every_edge() {
    let dir = tempfile::tempdir().unwrap();
    let config = SearchConfig { epochs: 40, ..config(MethodKind::Uniform) };
    let mut search = Search::create(config, &dir.path().join("run"), options()).unwrap();
    search.run().unwrap();
    let counts = search.learner().prune.statistics().counts();
    // 80 draws of one of 8 ops: a share of 10 on average; never an op that is not drawn at this seed.
    for id in search.space().edges() {
        let counts = &counts[id];
        assert_eq!(counts.iter().sum::<u64>(), 80);
        assert!(counts.iter().all(|&count| (1..=25).contains(&count)), "{counts:?}");
    }
}

#[test]
fn a_method_is_named_and_a_wrong_name_gets_the_choice() {
    for method in MethodKind::ALL {
        assert_eq!(method.name().parse(), Ok(method));
        assert_eq!(serde_json::to_value(method).unwrap(), method.name());
    }
    let error = "dart".parse::<MethodKind>().unwrap_err().to_string();
    assert!(error.contains("no method `dart`; choose one of eoinas, gdas"), "{error}");
}

/// Every op of an edge is run once in as many steps, and a stopped run draws the same.
#[test]
fn fair_draws_run_each_op_in_its_turn_and_resume_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let ops = SearchSpace::darts().ops().len();
    for method in [MethodKind::Eoinas, MethodKind::Gdas, MethodKind::Uniform] {
        let config = set(&set(&config(method), "draws", "fair"), "paths_per_step", &ops.to_string());
        let (whole, parts) = (dir.path().join(method.name()), dir.path().join(format!("{}-parts", method.name())));
        let mut search = Search::create(SearchConfig { epochs: 1, ..config.clone() }, &whole, options()).unwrap();
        assert!(matches!(search.run().unwrap(), Outcome::Done(_)));
        let events = events(&whole);
        let end = events.iter().find_map(|event| if let Event::EpochEnd(end) = event { Some(end) } else { None });
        // Prunings begin a new count; before the first one all ops of all edges were drawn equally often.
        let counts = end.unwrap().search.as_ref().unwrap().counts.as_ref().unwrap();
        let counts: std::collections::BTreeSet<u64> =
            search.space().edges().flat_map(|edge| counts[edge].to_vec()).collect();
        assert_eq!(counts.len(), 1, "{}: {counts:?}", method.name());
        assert!(method == MethodKind::Eoinas || !counts.contains(&0), "{}: {counts:?}", method.name());
        let mut stop = options();
        stop.rules.push(Box::new(MaxSteps(2)));
        let stopped = Search::create(SearchConfig { epochs: 1, ..config }, &parts, stop).unwrap().run().unwrap();
        assert!(matches!(stopped, Outcome::Stopped(_)), "{stopped:?}");
        assert!(matches!(Search::resume(&parts, options()).unwrap().run().unwrap(), Outcome::Done(_)));
        assert_same(&whole, &parts);
    }
    let mixture = set(&set(&config(MethodKind::Eoinas), "draws", "fair"), "path", "mixture");
    let error = Search::create(mixture, &dir.path().join("no"), options()).unwrap_err().to_string();
    assert!(error.starts_with("draws is fair; expected independent"), "{error}");
}
