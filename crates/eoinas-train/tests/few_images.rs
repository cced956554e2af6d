//! Trainings on few images: weights from another network, early stopping, folds, weighted classes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use candle_core::{Device, Tensor, safetensors};
use common::*;
use eoinas_core::{Event, Target, TargetInfo};
use eoinas_data::{Dataset, DatasetInfo, Embedded, Part, Subset, Values};
use eoinas_train::{
    Options, Outcome, RunWriter, Runs, TrainConfig, TrainError, Trained, Training, Trials, batch,
    stop::MaxSteps,
    training::{ClassWeights, EarlyStopping, Fold},
};

/// The embedded set's images 0 to 4 of 10 classes become two classes: even and odd ones.
#[derive(Debug)]
struct Parity(Embedded, DatasetInfo);

impl Dataset for Parity {
    fn info(&self) -> &DatasetInfo {
        &self.1
    }
    fn len(&self) -> usize {
        self.0.len()
    }
    fn read(&self, index: usize, values: Values<'_>) -> Result<Target, eoinas_data::DataError> {
        self.0.read(index, values)?;
        self.target(index)
    }
    fn target(&self, index: usize) -> Result<Target, eoinas_data::DataError> {
        let Target::Class(class) = self.0.target(index)? else { unreachable!() };
        Ok(Target::Class(class % 2))
    }
}

fn parity(part: Part, images: usize) -> Arc<dyn Dataset> {
    let data = Embedded::new(part, images);
    let target = TargetInfo::Classes(vec!["even".into(), "odd".into()]);
    let info = DatasetInfo { target, mean: vec![0.1; 3], ..data.info().clone() };
    Arc::new(Parity(data, info))
}

fn options() -> Options {
    Options { dataset: Some(parity(Part::Train, 40)), test_dataset: Some(parity(Part::Test, 12)), ..Options::default() }
}

fn stop_after(steps: u64) -> Options {
    Options { rules: vec![Box::new(MaxSteps(steps))], ..options() }
}

fn plain() -> TrainConfig {
    TrainConfig { auxiliary: 0.0, drop_path: 0.0, ..tiny_training() }
}

fn to_end(config: TrainConfig, run: &Path, options: Options) -> Trained {
    let outcome = Training::create((config, cell().into()), run, options).unwrap().run().unwrap();
    outcome.done().unwrap()
}

/// A network of ten classes, in DIR/before.
fn trained_before(dir: &Path) -> std::path::PathBuf {
    let run = dir.join("before");
    to_end(plain(), &run, Options::default());
    run
}

fn tensors(path: &Path) -> BTreeMap<String, Vec<f32>> {
    let values = |tensor: Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let loaded = safetensors::load(path, &Device::Cpu).unwrap();
    loaded.into_iter().map(|(name, tensor)| (name, values(tensor))).collect()
}

fn first(run: &Path) -> BTreeMap<String, Vec<f32>> {
    tensors(&run.join("checkpoints/step-000000000/weights.safetensors"))
}

#[test]
fn all_but_the_head_begins_with_the_weights_of_another_network() {
    let dir = tempfile::tempdir().unwrap();
    let before = trained_before(dir.path());
    let theirs = tensors(&before.join("network/model.safetensors"));
    let run = dir.path().join("run");
    let (config, design) = TrainConfig { keep_checkpoints: 9, ..plain() }.with_init(&before, 0.5).unwrap();
    assert_eq!(design, cell().into());
    let mut training = Training::create((config.clone(), cell().into()), &run, options()).unwrap();
    let at_first = first(&run);
    let (head, below): (Vec<_>, Vec<_>) = at_first.iter().partition(|(name, _)| name.starts_with("classifier."));
    assert_eq!(head.len(), 2);
    assert!(below.into_iter().all(|(name, values)| theirs[name] == *values));
    // The head is that of a training from scratch.
    let scratch = dir.path().join("scratch");
    Training::create((plain(), cell().into()), &scratch, options()).unwrap();
    let scratch = first(&scratch);
    assert!(head.into_iter().all(|(name, values)| scratch[name] == *values));
    assert!(training.run().unwrap().done().is_some());
    // Images are normalised as they were for that network, and whoever uses the new one is told so.
    let saved = |run: &Path| eoinas_nn::saved::SavedNetwork::read(&run.join("network")).unwrap().description;
    assert_eq!(saved(&run).normalisation, saved(&before).normalisation);
    assert_ne!(saved(&run).normalisation.mean, [0.1; 3]);
    assert_eq!(saved(&run).target.names(), ["even", "odd"]);
    // Another rate is another run.
    let last = tensors(&newest(&run).join("weights.safetensors"));
    assert!(theirs.iter().any(|(name, values)| !name.starts_with("classifier.") && last[name] != *values));
    let other = TrainConfig {
        init: config.init.map(|init| eoinas_train::training::InitConfig { rate: 1.0, ..init }),
        ..plain()
    };
    let error = Training::complete((other, cell().into()), &run, options()).unwrap_err();
    assert!(matches!(error, TrainError::OtherSettings { .. }), "{error}");
}

#[test]
fn frozen_layers_and_their_statistics_stay_and_the_head_learns() {
    let dir = tempfile::tempdir().unwrap();
    let before = trained_before(dir.path());
    let run = dir.path().join("run");
    let (config, design) = TrainConfig { average: None, ..plain() }.with_init(&before.join("network"), 0.0).unwrap();
    Training::create((config, design), &run, options()).unwrap().run().unwrap();
    let (theirs, ours) =
        (tensors(&before.join("network/model.safetensors")), tensors(&run.join("network/model.safetensors")));
    let scratch = dir.path().join("scratch");
    Training::create((plain(), cell().into()), &scratch, options()).unwrap();
    let fresh = first(&scratch);
    for (name, values) in &ours {
        match name.starts_with("classifier.") {
            true => assert_ne!(fresh[name], *values, "{name}"),
            false => assert_eq!(theirs[name], *values, "{name}"),
        }
    }
}

/// One update by plain SGD moves the layers below by the factor, and the head by the whole rate.
#[test]
fn a_lower_rate_is_that_of_the_layers_below_the_head() {
    let dir = tempfile::tempdir().unwrap();
    let before = trained_before(dir.path());
    let moved = |rate: f64| {
        let run = dir.path().join(rate.to_string());
        let mut config =
            TrainConfig { epochs: 1, batch_size: 40, accumulate: 1, average: None, keep_checkpoints: 9, ..plain() };
        config.weights.momentum = 0.0;
        let (config, design) = config.with_init(&before, rate).unwrap();
        Training::create((config, design), &run, options()).unwrap().run().unwrap();
        (first(&run), tensors(&newest(&run).join("weights.safetensors")))
    };
    let ((start, whole), (_, quarter)) = (moved(1.0), moved(0.25));
    for (name, start) in start.iter().filter(|(name, _)| !name.contains("running")) {
        let factor = if name.starts_with("classifier.") { 1.0 } else { 0.25 };
        for ((start, whole), quarter) in start.iter().zip(&whole[name]).zip(&quarter[name]) {
            let (got, expected) = (quarter - start, factor * (whole - start));
            assert!((got - expected).abs() <= 1e-6 + 1e-3 * expected.abs(), "{name}: {got} {expected}");
        }
    }
}

#[test]
fn a_training_with_everything_resumes_to_the_same_bytes_without_the_first_network() {
    let dir = tempfile::tempdir().unwrap();
    let before = trained_before(dir.path());
    let early_stopping = Some(EarlyStopping { epochs: 2, held_out: 0.25 });
    let config = TrainConfig { early_stopping, class_weights: ClassWeights::Balanced, epochs: 6, ..plain() };
    let (config, design) = config.with_init(&before, 0.1).unwrap();
    let whole = dir.path().join("whole");
    let expected = to_end(config.clone(), &whole, options());
    let run = dir.path().join("run");
    Training::create((config.clone(), design), &run, stop_after(3)).unwrap().run().unwrap();
    // What it began with is asked for when it begins and no more.
    let model = before.join("network/model.safetensors");
    let mut bytes = fs::read(&model).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&model, bytes).unwrap();
    let trained = Training::resume(&run, options()).unwrap().run().unwrap().done().unwrap();
    assert_same(&whole, &run);
    assert_eq!(Trained { seconds: expected.seconds, ..trained }, expected);
    let error = Training::create((config, cell().into()), &dir.path().join("other"), options()).unwrap_err();
    assert!(matches!(error, TrainError::Changed { .. }) && error.to_string().contains("another one"), "{error}");
}

#[test]
fn a_training_stops_early_and_delivers_the_best_epoch() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let early_stopping = Some(EarlyStopping { epochs: 2, held_out: 0.25 });
    // Nothing is learned at this rate: the first epoch is the best, and two more are tried.
    let mut config = TrainConfig { epochs: 9, early_stopping, average: None, ..plain() };
    config.weights.learning_rate = eoinas_core::schedule::Constant { value: 0.0 }.into();
    config.augment = eoinas_data::Augment::none();
    let trained = to_end(config, &run, options());
    let ends: Vec<f64> = events(&run)
        .iter()
        .filter_map(|event| if let Event::EpochEnd(end) = event { end.valid_accuracy } else { None })
        .collect();
    let best = ends.iter().position(|score| *score == trained.best_accuracy).unwrap();
    assert_eq!((trained.best_epoch, trained.epochs, ends.len()), (best, best + 3, best + 3));
    assert_eq!((trained.train_images, trained.held_out_images, trained.test_images), (30, Some(10), 12));
    let kept = tensors(&run.join(format!("checkpoints/step-{:09}/weights.safetensors", 2 * (best + 1))));
    assert_eq!(tensors(&run.join("network/model.safetensors")), kept);
    let says = |event: &Event| matches!(event, Event::Evaluated { what, .. } if what.contains("the best by held-out images, test part"));
    assert!(events(&run).iter().any(says));
}

#[test]
fn every_image_is_tested_once_by_folds() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = TrainConfig { epochs: 1, seed: 5, ..plain() };
    config.data.test_images = None;
    config.data.train_images = None;
    let trials = Trials::folds(config, &cell().into(), 3);
    let options = |_: &_| Options { dataset: Some(parity(Part::Train, 40)), ..Options::default() };
    let mut run = RunWriter::create(&dir.path().join("folds")).unwrap();
    trials.create(&mut run).unwrap();
    let stopped = trials.run(&run, |item| Options { rules: vec![Box::new(MaxSteps(2))], ..options(item) }).unwrap();
    assert!(matches!(stopped, Outcome::Stopped(_)));
    drop(run);
    let (trials, run) = Trials::open(&dir.path().join("folds")).unwrap();
    assert!(trials.are_folds());
    let all = trials.run(&run, options).unwrap().done().unwrap();
    assert_eq!(
        all.iter().map(|trained| (trained.train_images, trained.test_images)).collect::<Vec<_>>(),
        [(26, 14), (27, 13), (27, 13)]
    );
    let (accuracy, (low, high)) = batch::pooled_accuracy(&all).unwrap();
    let right: f64 = all.iter().map(|trained| trained.accuracy * trained.test_images as f64).sum();
    assert!((accuracy - right / 40.0).abs() < 1e-12 && low < accuracy && accuracy < high);
    assert!(run.join("fold-2").join("result.json").exists() && run.join("config.json").exists());
}

#[test]
fn uneven_classes_are_weighted_by_their_numbers() {
    let dir = tempfile::tempdir().unwrap();
    // 20 even images, 5 odd ones.
    let data = parity(Part::Train, 40);
    let class = |index: &usize| matches!(data.target(*index), Ok(Target::Class(0)));
    let (even, odd): (Vec<usize>, Vec<usize>) = (0..40).partition(class);
    let indices = even.into_iter().chain(odd.into_iter().take(5)).collect();
    let uneven: Arc<dyn Dataset> = Arc::new(Subset::new(data.clone(), indices).unwrap());
    let mut config = TrainConfig { class_weights: ClassWeights::Balanced, ..plain() };
    config.data.train_images = None;
    let training = |config: TrainConfig, name: &str, options: Options| {
        Training::create((config, cell().into()), &dir.path().join(name), options)
    };
    let options = || Options { dataset: Some(uneven.clone()), ..options() };
    let run = training(config.clone(), "run", options()).unwrap();
    assert_eq!(run.data().class_counts, [20, 5]);
    let warned = |event: &Event| matches!(event, Event::Warning { text } if text.ends_with("even 0.62, odd 2.50"));
    assert!(events(&dir.path().join("run")).iter().any(warned));
    let task = Some(Arc::new(eoinas_nn::task::Classes) as Arc<dyn eoinas_nn::Task>);
    let error = training(config, "own", Options { task, ..options() }).unwrap_err().to_string();
    assert!(error.contains("class_weights is balanced") && error.contains("its own loss"), "{error}");
}

#[test]
fn what_contradicts_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let before = trained_before(dir.path());
    let with = |rate| plain().with_init(&before, rate).unwrap().0;
    let refused = |config: TrainConfig| {
        let error =
            Training::create((config, cell().into()), &dir.path().join("no"), options()).unwrap_err().to_string();
        assert!(!dir.path().join("no").exists());
        error
    };
    let mut wider = with(0.1);
    wider.network.channels = 8;
    let error = refused(wider);
    assert!(error.contains("network.channels is 8; expected 4, as the network in "), "{error}");
    for (config, said) in [
        (
            TrainConfig { multiply_adds: Some(1_000_000), ..with(0.1) },
            "multiply_adds is 1000000; expected none beside `init`",
        ),
        (TrainConfig { drop_path: 0.2, ..with(0.0) }, "drop_path is 0.2; expected 0"),
        (TrainConfig { auxiliary: 0.4, ..with(0.0) }, "auxiliary is 0.4; expected 0"),
        (TrainConfig { batch_statistics: true, ..with(0.0) }, "batch_statistics is true; expected false"),
        (with(1.5), "init.rate is 1.5; expected 0 (frozen) to 1"),
        (
            TrainConfig { early_stopping: Some(EarlyStopping { epochs: 0, held_out: 0.2 }), ..plain() },
            "early_stopping.epochs is 0",
        ),
        (
            TrainConfig { early_stopping: Some(EarlyStopping { epochs: 1, held_out: 1.0 }), ..plain() },
            "early_stopping.held_out is 1",
        ),
    ] {
        let error = refused(config);
        assert!(error.contains(said), "{error}");
    }
    let mut fold = plain();
    fold.data.fold = Some(Fold { fold: 3, of: 3 });
    assert!(refused(fold.clone()).contains("data.fold.fold is 3; expected 0 to 2"));
    fold.data.fold = Some(Fold { fold: 0, of: 3 });
    assert!(refused(fold).contains("data.test_images is 12; expected none beside `data.fold`"));
    let error = plain().with_init(&dir.path().join("nothing"), 0.1).unwrap_err().to_string();
    assert!(error.contains("network.json"), "{error}");
}
