//! Scores from a supernet and from trainings.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::fs;

use common::*;
use eoinas_core::SearchSpace;
use eoinas_strategy::{Evaluator, RandomSearch, StrategyError, StrategySearch};
use eoinas_train::{
    CheckpointError, Outcome, Search, SearchConfig, SupernetEvaluator, TrainConfig, TrainError, TrainOptions,
    TrainingEvaluator, config::MethodKind, evaluate::evaluate_genotype, stop::MaxSteps,
};

#[test]
fn random_search_with_weight_sharing_scores_cells_by_the_saved_supernet() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let config = SearchConfig { epochs: 1, ..tiny().with_method(MethodKind::Uniform) };
    let mut trained = Search::create(config, &run, options()).unwrap();
    assert!(matches!(trained.run().unwrap(), Outcome::Found(_)));
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
    assert!(matches!(error, TrainError::Checkpoint(CheckpointError::None { .. })), "{error}");
}

#[test]
fn the_supernet_of_a_later_stage_is_read_and_the_run_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let config = tiny().with_method(MethodKind::Pdarts);
    let Outcome::Found(found) = Search::create(config, &run, options()).unwrap().run().unwrap() else {
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
fn a_training_scores_a_cell_once_and_goes_on_where_it_was_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let config = TrainConfig { epochs: 1, ..tiny_training() };
    let rules = || TrainOptions { rules: vec![Box::new(MaxSteps(1))], ..TrainOptions::default() };
    let search = |evaluator| StrategySearch::new(RandomSearch::new(SearchSpace::darts()), evaluator, 2, 0);
    let mut stopped = search(TrainingEvaluator::new(config.clone(), dir.path(), rules));
    assert!(matches!(stopped.step(), Err(StrategyError::Evaluate { index: 0, .. })));
    let mut whole = search(TrainingEvaluator::new(config.clone(), dir.path(), TrainOptions::default));
    let history = whole.run(|_| {}).unwrap().clone();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    // Nothing is trained again.
    let mut again = search(TrainingEvaluator::new(config, dir.path(), rules));
    assert_eq!(*again.run(|_| {}).unwrap(), history);
}
