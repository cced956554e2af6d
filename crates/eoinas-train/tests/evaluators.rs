//! Scores from a supernet and from trainings.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;

use common::*;
use eoinas_core::{Event, SearchSpace};
use eoinas_strategy::{
    Evaluator, MetaQnn, RandomSearch, StrategyError, StrategySearch,
    chain::{Chain, ChainSpace},
};
use eoinas_train::{
    Options, Outcome, Search, SearchConfig, SupernetEvaluator, TrainConfig, TrainError, Training, TrainingEvaluator,
    config::MethodKind, evaluate::evaluate_genotype, stop::MaxSteps, training::TrainData,
};

#[test]
fn random_search_with_weight_sharing_scores_cells_by_the_saved_supernet() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let config = SearchConfig { epochs: 1, ..tiny().with_method(MethodKind::Uniform) };
    let mut trained = Search::create(config, &run, options()).unwrap();
    assert!(matches!(trained.run().unwrap(), Outcome::Done(_)));
    let evaluator = SupernetEvaluator::open(&run, options()).unwrap();
    let strategy = RandomSearch::new(SearchSpace::darts());
    let mut search = StrategySearch::new(strategy, evaluator, 4, 0);
    let history = search.run(|_| {}).unwrap().clone();
    assert_eq!(history.entries.len(), 4);
    // The saved weights are those of the search itself.
    let mut again = SupernetEvaluator::open(&run, options()).unwrap();
    for entry in &history.entries {
        let genotype = eoinas_core::Genotype::parse(&entry.genotype).unwrap();
        let data = eoinas_train::data::SearchData::new(
            trained.config(),
            eoinas_train::data::open_dataset(&trained.config().data).unwrap(),
        );
        let tally = evaluate_genotype(&trained.learner().supernet, &genotype, &data.unwrap().whole_valid).unwrap();
        assert_eq!(tally.accuracy().unwrap(), entry.evaluation.score);
        assert_eq!(again.evaluate(&genotype).unwrap(), entry.evaluation);
    }
    fs::remove_dir_all(run.join("checkpoints")).unwrap();
    let error = SupernetEvaluator::open(&run, options()).unwrap_err();
    assert!(matches!(error, TrainError::NoCheckpoint { .. }), "{error}");
}

#[test]
fn the_supernet_of_a_later_stage_is_read_and_the_run_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let config = tiny().with_method(MethodKind::Pdarts);
    let Outcome::Done(found) = Search::create(config, &run, options()).unwrap().run().unwrap() else {
        panic!("stopped")
    };
    // As a run leaves it that is just writing a checkpoint.
    let unfinished = run.join("checkpoints/.tmp-step-000000099");
    fs::create_dir(&unfinished).unwrap();
    let genotype = eoinas_core::Genotype::parse(&found.genotype).unwrap();
    let score = SupernetEvaluator::open(&run, options()).unwrap().evaluate(&genotype).unwrap().score;
    assert_eq!(score, found.validation_accuracy);
    assert!(unfinished.exists());
}

#[test]
fn held_out_images_train_nothing_and_are_the_same_for_every_cell_of_a_seed() {
    let config = |held_out, seed| {
        let mut config = TrainConfig { seed, ..tiny_training() };
        config.data.held_out = Some(held_out);
        config
    };
    let dir = tempfile::tempdir().unwrap();
    let made = std::cell::Cell::new(0);
    let data = |config: TrainConfig| {
        made.set(made.get() + 1);
        let run = dir.path().join(made.get().to_string());
        Training::create((config, cell().into()), &run, Options::default()).unwrap().data().clone()
    };
    let pixels = |data: &TrainData| data.test.epoch(0, 0).flat_map(|batch| batch.unwrap().images).collect::<Vec<f32>>();
    let (half, again, other) = (data(config(0.5, 0)), data(config(0.5, 0)), data(config(0.5, 1)));
    assert_eq!((half.train.images_per_epoch(), half.test.images_per_epoch()), (20, 20));
    assert_eq!(pixels(&half), pixels(&again));
    assert_ne!(pixels(&half), pixels(&other));
    for wrong in [0.0, 1.0, f64::NAN] {
        let error = config(wrong, 0).validate().unwrap_err().to_string();
        assert!(error.contains("data.held_out is"), "{error}");
    }
    // Settings that were written before there was a choice.
    let mut old = serde_json::to_value(tiny_training()).unwrap();
    old["data"].as_object_mut().unwrap().remove("held_out").unwrap();
    assert_eq!(serde_json::from_value::<TrainConfig>(old).unwrap(), tiny_training());
}

#[test]
fn a_training_scores_a_cell_once_and_goes_on_where_it_was_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let config = TrainConfig { epochs: 1, ..tiny_training() };
    let rules = || Options { rules: vec![Box::new(MaxSteps(1))], ..Options::default() };
    let search = |evaluator| StrategySearch::new(RandomSearch::new(SearchSpace::darts()), evaluator, 2, 0);
    let mut stopped = search(TrainingEvaluator::new(config.clone(), dir.path(), rules));
    assert!(matches!(stopped.step(), Err(StrategyError::Evaluate { index: 0, .. })));
    let mut whole = search(TrainingEvaluator::new(config.clone(), dir.path(), Options::default));
    let history = whole.run(|_| {}).unwrap().clone();
    let runs: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|run| run.unwrap().path()).collect();
    assert_eq!(runs.len(), 2);
    // A tenth of 40 images is held out; the 12 of the test part are not read.
    for run in &runs {
        let Some(Event::RunStarted(started)) = events(run).into_iter().next() else { panic!("no start") };
        assert_eq!((started.dataset.train_images, started.dataset.valid_images), (36, 4));
        let what = events(run).into_iter().find_map(|event| match event {
            Event::Evaluated { what, images: 4, .. } if what.starts_with("trained") => Some(what),
            _ => None,
        });
        assert_eq!(what.as_deref(), Some("trained network, held-out training images"));
    }
    // Being stopped changed nothing.
    let elsewhere = tempfile::tempdir().unwrap();
    let mut unstopped = search(TrainingEvaluator::new(config.clone(), elsewhere.path(), Options::default));
    assert_eq!(*unstopped.run(|_| {}).unwrap(), history);
    // Nothing is trained again.
    let mut again = search(TrainingEvaluator::new(config, dir.path(), rules));
    assert_eq!(*again.run(|_| {}).unwrap(), history);
}

#[test]
fn chains_are_scored_by_trainings_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    // A preset's auxiliary head and paths are a cell's, and left out.
    let config = TrainConfig { epochs: 1, drop_path: 0.1, ..tiny_training() };
    let space = ChainSpace {
        depth: 3,
        kernels: vec![3],
        channels: vec![4],
        pools: vec![(2, 2)],
        units: vec![8],
        ..ChainSpace::default()
    };
    let strategy = || MetaQnn::chains(space.clone()).unwrap();
    let evaluator = || TrainingEvaluator::new(config.clone(), dir.path(), Options::default);
    let history = StrategySearch::<_, _, Chain>::new(strategy(), evaluator(), 3, 0).run(|_| {}).unwrap().clone();
    for entry in &history.entries {
        let chain: Chain = entry.genotype.parse().unwrap();
        assert!((0.0..=1.0).contains(&entry.evaluation.score), "{chain}");
        let again: eoinas_strategy::Evaluation = evaluator().evaluate(&chain).unwrap();
        assert_eq!(again, entry.evaluation);
    }
    let model = fs::read_dir(dir.path()).unwrap().map(|run| run.unwrap().path().join("model.json"));
    let models: Vec<String> = model.map(|path| fs::read_to_string(path).unwrap()).collect();
    assert!(models.iter().all(|model| model.contains("\"name\": \"chain\"")), "{models:?}");
}
