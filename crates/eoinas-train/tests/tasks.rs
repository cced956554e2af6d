//! Searches and trainings of numbers and labels: stopped anywhere they go on to the same bytes, and what does not go
//! together is refused. `eoinas-cli/tests/tasks.rs` has tasks that are learned.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::sync::Arc;

use candle_core::Tensor;
use common::*;
use eoinas_core::{EdgeOpTable, Event, Measure, NumberInfo, SearchSpace, TargetInfo, TargetKind, Targets, ValueKind};
use eoinas_data::{Augment, Dataset, DatasetInfo, InMemory};
use eoinas_kernels::Workspace;
use eoinas_nn::{
    Task,
    task::{Answers, Grade, Loss, Numbers},
};
use eoinas_train::{
    MethodKind, Options, Outcome, Search, SearchConfig, StopReason, StopRule, TrainConfig, Training,
    config::DataConfig,
    stop::{MaxSteps, Progress},
    training::TrainDataConfig,
};

/// Signals of two channels whose targets are of either kind.
fn signals(numbers: bool, first: &str, count: usize) -> Arc<dyn Dataset> {
    let names = [first, "other"].map(str::to_owned).to_vec();
    let number = |name: &String| NumberInfo { name: name.clone(), unit: "V".into(), mean: 0.5, std: 0.5 };
    let info = DatasetInfo {
        name: "signals".into(),
        target: if numbers {
            TargetInfo::Numbers(names.iter().map(number).collect())
        } else {
            TargetInfo::Labels(names)
        },
        values: ValueKind::Floats,
        channels: 2,
        height: 1,
        width: 24,
        mean: vec![0.0; 2],
        std: vec![1.0; 2],
        flip: false,
        notes: vec![],
    };
    let mix = |i: usize| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) % 1000) as f32 / 500.0 - 1.0;
    let values: Vec<f32> = (0..count * info.image_len()).map(mix).collect();
    let share = |i: usize| values[i * 24];
    let targets = match numbers {
        true => Targets::Numbers { width: 2, values: (0..2 * count).map(share).collect() },
        false => Targets::Labels { width: 2, values: (0..2 * count).map(|i| share(i) > 0.0).collect() },
    };
    Arc::new(InMemory::new(info, targets, values).unwrap())
}

fn options(numbers: bool, steps: Option<u64>) -> Options {
    let rules: Vec<Box<dyn StopRule>> = steps.into_iter().map(|steps| Box::new(MaxSteps(steps)) as _).collect();
    let (dataset, test_dataset) = (Some(signals(numbers, "first", 48)), Some(signals(numbers, "first", 24)));
    Options { dataset, test_dataset, rules, ..Options::default() }
}

fn searched(method: MethodKind) -> SearchConfig {
    SearchConfig { data: DataConfig::default(), batch_size: 8, ..of(method, 3) }
}

fn trained() -> TrainConfig {
    let data = TrainDataConfig::default();
    TrainConfig { data, augment: Augment::none(), auxiliary: 0.0, label_smoothing: 0.0, ..tiny_training() }
}

#[test]
fn runs_of_numbers_and_labels_stop_and_go_on_to_the_same_bytes() {
    for numbers in [true, false] {
        let measure = if numbers { "R2" } else { "mAP" };
        let dir = tempfile::tempdir().unwrap();
        for method in [MethodKind::Eoinas, MethodKind::Mdenas, MethodKind::RandomWs] {
            let config = set_candidates(searched(method));
            let [whole, parts] = ["whole", "parts"].map(|name| dir.path().join(format!("{method}-{name}")));
            let outcome = Search::create(config.clone(), &whole, options(numbers, None)).unwrap().run().unwrap();
            let Outcome::Done(found) = outcome else { panic!("{outcome:?}") };
            assert_eq!((found.score().measure.name.as_str(), found.validation_accuracy), (measure, 0.0));
            let stopped = Search::create(config, &parts, options(numbers, Some(4))).unwrap().run().unwrap();
            assert_eq!(stopped, Outcome::Stopped(StopReason::MaxSteps { steps: 4 }));
            Search::resume(&parts, options(numbers, None)).unwrap().run().unwrap();
            assert_same(&whole, &parts);
            let ends = events(&whole).into_iter().filter_map(|event| match event {
                Event::EpochEnd(end) => Some((end.train_score, end.valid_score, end.valid_accuracy)),
                _ => None,
            });
            let ends: Vec<_> = ends.collect();
            assert!(ends.iter().all(|(train, _, accuracy)| train.is_some() && accuracy.is_none()), "{ends:?}");
            assert!(method == MethodKind::RandomWs || ends.iter().any(|(_, valid, _)| valid.is_some()), "{ends:?}");
            // C^a is a share, whatever the score is.
            let shares = events(&whole).into_iter().filter_map(|event| match event {
                Event::EpochEnd(end) => end.search?.accuracies,
                _ => None,
            });
            let shares: Vec<f64> = shares.flat_map(|table| values(&table)).collect();
            assert!(shares.iter().all(|share| (0.0..=1.0).contains(share)), "{shares:?}");
        }
        let [whole, parts] = ["whole", "parts"].map(|name| dir.path().join(name));
        let task = || (trained(), cell().into());
        let outcome = Training::create(task(), &whole, options(numbers, None)).unwrap().run().unwrap();
        let Outcome::Done(trained) = outcome else { panic!("{outcome:?}") };
        assert_eq!(trained.score().measure.name, measure);
        assert!(trained.averaged_score.is_some() && trained.best_score >= trained.averaged_score);
        assert_eq!((trained.accuracy, trained.averaged_accuracy), (0.0, None));
        let stopped = Training::create(task(), &parts, options(numbers, Some(4))).unwrap().run().unwrap();
        assert!(matches!(stopped, Outcome::Stopped(_)));
        Training::resume(&parts, options(numbers, None)).unwrap().run().unwrap();
        assert_same(&whole, &parts);
    }
}

fn set_candidates(config: SearchConfig) -> SearchConfig {
    config.with_setting("candidates", "3").unwrap_or(config)
}

fn values(table: &EdgeOpTable<Option<f64>>) -> Vec<f64> {
    let space = SearchSpace::darts();
    let ops = space.edges().flat_map(|edge| (0..space.ops().len()).map(move |op| edge.op(op)));
    ops.filter_map(|op| *table.entry(op).unwrap()).collect()
}

/// Stops as soon as the score of an epoch is known.
#[derive(Debug)]
struct Known;

impl StopRule for Known {
    fn check(&mut self, progress: &Progress) -> Option<StopReason> {
        let score = progress.score?;
        Some(StopReason::Other { message: format!("{} {}", progress.measure.name, score.is_finite()) })
    }
}

#[test]
fn stop_rules_see_the_score_and_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    for (numbers, told) in [(true, "R2 true"), (false, "mAP true")] {
        let rules: Vec<Box<dyn StopRule>> = vec![Box::new(Known)];
        let options = Options { rules, ..options(numbers, None) };
        let mut search = Search::create(searched(MethodKind::Gdas), &dir.path().join(told), options).unwrap();
        assert_eq!(search.run().unwrap(), Outcome::Stopped(StopReason::Other { message: told.to_owned() }));
        assert_eq!(search.state().epoch, 1);
    }
}

/// Numbers, by their mean absolute error: the lower the better.
#[derive(Debug)]
struct Absolute(Numbers);

impl Task for Absolute {
    fn kind(&self) -> TargetKind {
        TargetKind::Numbers
    }

    fn measure(&self) -> Measure {
        Measure { name: "error".to_owned(), higher_is_better: false }
    }

    fn loss(&self, ws: &Workspace, logits: &Tensor, targets: &Targets, smoothing: f32) -> eoinas_nn::Result<Loss> {
        self.0.loss(ws, logits, targets, smoothing)
    }

    fn grade(&self, logits: &Tensor, targets: &Targets, loss: &Loss) -> eoinas_nn::Result<Grade> {
        self.0.grade(logits, targets, loss)
    }

    fn score(&self, answers: &Answers) -> f64 {
        let errors = answers.given.iter().zip(&answers.wanted).map(|(given, wanted)| f64::from((given - wanted).abs()));
        errors.sum::<f64>() / answers.given.len() as f64
    }
}

#[test]
fn a_task_of_ones_own_decides_in_its_own_direction() {
    let dir = tempfile::tempdir().unwrap();
    let number = |name: &str| NumberInfo { name: name.into(), unit: "V".into(), mean: 0.5, std: 0.5 };
    let own = |steps| {
        let task: Arc<dyn Task> = Arc::new(Absolute(Numbers::new(["first", "other"].map(number).to_vec())));
        Options { task: Some(task), ..options(true, steps) }
    };
    let run = dir.path().join("run");
    Training::create((trained(), cell().into()), &run, own(Some(4))).unwrap().run().unwrap();
    // Without it the run would go on with scores of another kind.
    let error = Training::resume(&run, options(true, None)).unwrap_err().to_string();
    assert!(error.contains("the score of the task is R2; expected error, by which the run began"), "{error}");
    let Outcome::Done(trained) = Training::resume(&run, own(None)).unwrap().run().unwrap() else { panic!("stopped") };
    assert_eq!(trained.score().measure.name, "error");
    let scores = events(&run).into_iter().filter_map(|event| match event {
        Event::Evaluated { what, score, .. } if what.starts_with("averaged") => score,
        _ => None,
    });
    assert_eq!(trained.best_score, scores.reduce(f64::min), "the lowest one");
    let error = Search::create(
        searched(MethodKind::Gdas),
        &dir.path().join("labels"),
        Options { task: own(None).task, ..options(false, None) },
    );
    let error = error.unwrap_err().to_string();
    assert!(error.contains("task is one of numbers; expected one of labels"), "{error}");
}

#[test]
fn what_does_not_go_together_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |config: TrainConfig, options: Options| {
        let error =
            Training::create((config, cell().into()), &dir.path().join("run"), options).unwrap_err().to_string();
        assert!(!dir.path().join("run").exists());
        error
    };
    let error = refused(TrainConfig { label_smoothing: 0.1, ..trained() }, options(true, None));
    assert!(error.contains("label_smoothing is 0.1; expected 0: the images have numbers"), "{error}");
    let other = Options { test_dataset: Some(signals(true, "second", 24)), ..options(true, None) };
    let error = refused(trained(), other);
    assert!(error.contains("the numbers of the test part") && error.contains("\"first\""), "{error}");
    let other = Options { test_dataset: Some(signals(false, "first", 24)), ..options(true, None) };
    let error = refused(trained(), other);
    assert!(error.contains("the targets of the test part"), "{error}");
    let error = refused(TrainConfig { auxiliary: 0.4, ..trained() }, options(true, None));
    assert!(error.contains("train without the auxiliary head"), "{error}");
    let error = refused(TrainConfig { augment: Augment::search(), ..trained() }, options(true, None));
    assert!(error.contains("augment.pad is 4; expected 0"), "{error}");
}
