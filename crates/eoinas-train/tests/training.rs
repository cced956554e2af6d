//! Trainings on tiny sets, end to end.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path, time::Duration};

use common::*;
use eoinas_core::{Event, SearchSpace, Streams, count::Limits, event::Task, schedule::Constant};
use eoinas_data::SourceKind;
use eoinas_nn::{Batch, DerivedNetwork, Operations, PassOptions};
use eoinas_train::{
    Options, Outcome, RunDir, RunWriter, Runs, StopReason, TrainConfig, TrainError, Trained, Training, Trials, batch,
    machine::with_threads,
    stop::{Interrupt, MaxSteps},
    training::Trainee,
};

fn run_to_end(config: TrainConfig, run: &Path) -> Trained {
    let outcome = Training::create((config, cell().into()), run, Options::default()).unwrap().run().unwrap();
    let Outcome::Done(trained) = outcome else { panic!("{outcome:?}") };
    trained
}

fn stop_after(steps: u64) -> Options {
    Options { rules: vec![Box::new(MaxSteps(steps))], ..Options::default() }
}

#[test]
fn a_tiny_training_ends_with_a_result_and_all_its_files() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let trained = run_to_end(tiny_training(), &run);
    assert_eq!((trained.train_images, trained.test_images, trained.epochs), (40, 12, 3));
    assert!((0.0..=1.0).contains(&trained.accuracy) && trained.top5 >= trained.accuracy);
    assert!(trained.averaged_accuracy.is_some() && trained.best_accuracy >= trained.averaged_accuracy.unwrap());
    assert_eq!(trained.design.to_string(), cell().to_string());
    let result: Trained = RunDir::open(&run).unwrap().read_json("result.json").unwrap();
    assert_eq!(result, trained);
    let events = events(&run);
    let Some(Event::RunStarted(started)) = events.first() else { panic!() };
    assert_eq!((started.task, started.dataset.valid_images), (Task::Train, 12));
    assert!(started.genotype.is_some() && started.space.is_none());
    let ends: Vec<_> =
        events.iter().filter_map(|event| if let Event::EpochEnd(end) = event { Some(end) } else { None }).collect();
    assert_eq!(ends.len(), 3);
    assert_eq!(ends.iter().map(|end| end.steps).collect::<Vec<_>>(), [3, 6, 9]);
    assert!(ends.iter().all(|end| end.valid_top5 >= end.valid_accuracy && end.valid_loss.is_some()));
    assert_eq!(ends[0].learning_rate, 0.025);
    assert!((ends[1].drop_path - 0.2 / 3.0).abs() < 1e-9, "drop-path is on a line from 0");
    assert!(matches!(events.last(), Some(Event::RunEnded { epochs: 3, steps: 9 })));
    let checkpoints = fs::read_dir(run.join("checkpoints")).unwrap().count();
    assert!((1..=2).contains(&checkpoints), "the last and the best: {checkpoints}");
    assert!(newest(&run).ends_with("step-000000009"));
    let saved = eoinas_nn::saved::SavedNetwork::read(&run.join("network")).unwrap();
    assert_eq!(saved.description.architecture.genotype(), Some(&cell()));
    assert_eq!(saved.description.target.outputs(), 10);
    let error = Training::resume(&run, Options::default()).unwrap_err();
    assert!(matches!(error, TrainError::Finished { .. }), "{error}");
}

#[test]
fn stopping_anywhere_and_resuming_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    let expected = run_to_end(tiny_training(), &whole);
    for stops in [vec![0], vec![1], vec![3, 1], vec![4], vec![1; 8], vec![9]] {
        let run = dir.path().join(format!("{stops:?}"));
        for (index, &steps) in stops.iter().enumerate() {
            let mut training = match index {
                0 => Training::create((tiny_training(), cell().into()), &run, stop_after(steps)).unwrap(),
                _ => Training::resume(&run, stop_after(steps)).unwrap(),
            };
            assert_eq!(training.run().unwrap(), Outcome::Stopped(StopReason::MaxSteps { steps }), "{stops:?}");
        }
        let outcome = Training::resume(&run, Options::default()).unwrap().run().unwrap();
        let Outcome::Done(trained) = outcome else { panic!() };
        assert_same(&whole, &run);
        assert_eq!(Trained { seconds: expected.seconds, ..trained }, expected);
    }
}

#[test]
fn an_interrupt_before_an_evaluation_is_taken_up_again() {
    /// Raises the interrupt when the last step of the first epoch is done.
    #[derive(Debug)]
    struct Raise(Interrupt);
    impl eoinas_train::Observer for Raise {
        fn observe(&mut self, _: &eoinas_core::Record) -> eoinas_train::Result<()> {
            Ok(())
        }
        fn progress(&mut self, progress: &eoinas_train::stop::Progress, _: f64) {
            if progress.total_steps == 3 {
                self.0.raise();
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let (whole, run) = (dir.path().join("whole"), dir.path().join("run"));
    run_to_end(tiny_training(), &whole);
    let interrupt = Interrupt::default();
    let options = Options {
        rules: vec![Box::new(interrupt.clone())],
        observers: vec![Box::new(Raise(interrupt))],
        ..Options::default()
    };
    let outcome = Training::create((tiny_training(), cell().into()), &run, options).unwrap().run().unwrap();
    assert_eq!(outcome, Outcome::Stopped(StopReason::Interrupted));
    assert!(newest(&run).ends_with("step-000000003"));
    assert!(!events(&run).iter().any(|event| matches!(event, Event::EpochEnd(_))), "not evaluated yet");
    Training::resume(&run, Options::default()).unwrap().run().unwrap();
    assert_same(&whole, &run);
}

#[test]
fn one_and_two_threads_give_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let runs = [1, 2].map(|threads| {
        let run = dir.path().join(threads.to_string());
        with_threads(Some(threads), || run_to_end(tiny_training(), &run)).unwrap();
        run
    });
    assert_same(&runs[0], &runs[1]);
}

#[test]
fn a_network_whose_last_update_diverges_is_not_delivered() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    // One update, after which nobody asks for a training loss.
    let mut config = TrainConfig { epochs: 1, batch_size: 8, accumulate: 1, average: None, ..tiny_training() };
    config.data.train_images = Some(8);
    config.weights.learning_rate = Constant { value: 1e30 }.into();
    config.weights.clip = None;
    let outcome = Training::create((config, cell().into()), &run, Options::default()).unwrap().run().unwrap();
    assert!(matches!(outcome, Outcome::Stopped(StopReason::NonFinite { .. })), "{outcome:?}");
    assert!(!run.join("network").exists() && !run.join("result.json").exists());
    assert!(newest(&run).ends_with("step-000000000"));
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_state() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut config = tiny_training();
    config.weights.learning_rate = Constant { value: 1e30 }.into();
    config.weights.clip = None;
    let outcome = Training::create((config, cell().into()), &run, Options::default()).unwrap().run().unwrap();
    assert!(matches!(outcome, Outcome::Stopped(StopReason::NonFinite { .. })), "{outcome:?}");
    let tensors = candle_core::safetensors::load(newest(&run).join("weights.safetensors"), &candle_core::Device::Cpu);
    for (name, tensor) in tensors.unwrap() {
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values.iter().all(|value| value.is_finite()), "{name}");
    }
}

#[test]
fn a_training_learns() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = TrainConfig { epochs: 12, batch_size: 16, seed: 1, ..TrainConfig::quick() };
    // The set whose colours are a hint, so that seconds are enough.
    config.data.dataset = SourceKind::Embedded;
    config.data.train_images = Some(400);
    config.data.test_images = Some(200);
    config.network.channels = 4;
    config.network.cells = 3;
    let trained = run_to_end(config, &dir.path().join("run"));
    assert!(trained.accuracy > 0.3, "{trained:?}");
    assert!(trained.top5 > 0.7, "{trained:?}");
}

fn trainee(config: &TrainConfig) -> Trainee {
    let genotype = cell();
    let info = eoinas_data::Dataset::info(&eoinas_data::Embedded::new(eoinas_data::Part::Train, 1)).clone();
    let space = genotype.space().unwrap();
    let skeleton = config.skeleton(&genotype, &space, &info).unwrap();
    let device = candle_core::Device::Cpu;
    let streams = Streams::new(config.seed);
    let build = if config.auxiliary > 0.0 { DerivedNetwork::with_auxiliary } else { DerivedNetwork::new };
    let network = || Ok(build(&genotype, &space, &skeleton, &Operations::built_in(), &streams, &device)?);
    Trainee::new(config, network).unwrap()
}

fn weights(trainee: &Trainee) -> Vec<(String, Vec<f32>)> {
    let values = |t: &candle_core::Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    trainee.network().parameters().iter().map(|(_, p)| (p.name().to_owned(), values(p.value()))).collect()
}

/// The mean gradient of a mini-batch and itself is its gradient.
#[test]
fn accumulated_gradients_are_the_mean_over_all_images() {
    let config = TrainConfig { auxiliary: 0.0, average: None, ..tiny_training() };
    let pixels: Vec<f32> = (0..4 * 32 * 32 * 3).map(|i| ((i * 37 % 101) as f32 - 50.0) / 50.0).collect();
    let batch = Batch::from_pixels(pixels, (4, 32, 32, 3), vec![1, 5, 2, 9], &candle_core::Device::Cpu).unwrap();
    let learn = |times| {
        let mut trainee = trainee(&config);
        let norm = {
            for _ in 0..times {
                assert!(trainee.learn(&batch, &PassOptions::default()).is_ok());
            }
            trainee.update(0.1, 0).unwrap()
        };
        (norm, weights(&trainee))
    };
    let ((norm, once), (other_norm, three)) = (learn(1), learn(3));
    assert!((norm - other_norm).abs() < 1e-4 * norm, "{norm} {other_norm}");
    for ((name, a), (_, b)) in once.iter().zip(&three) {
        // Running statistics moved three times.
        if !name.contains("running") {
            let largest = a.iter().fold(0f32, |most, value| most.max(value.abs()));
            assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4 * largest), "{name}");
        }
    }
}

/// Against the definition, computed here: `d * average + (1 - d) * weight`, d = min(decay, (1 + t) / (10 + t)).
#[test]
fn the_average_follows_its_formula() {
    let config = TrainConfig { auxiliary: 0.0, average: Some(0.15), ..tiny_training() };
    let mut trainee = trainee(&config);
    let mut expected = weights(&trainee);
    let pixels: Vec<f32> = (0..4 * 32 * 32 * 3).map(|i| ((i * 31 % 97) as f32 - 48.0) / 48.0).collect();
    let batch = Batch::from_pixels(pixels, (4, 32, 32, 3), vec![1, 5, 2, 9], &candle_core::Device::Cpu).unwrap();
    for (update, decay) in [(0, 0.1), (1, 0.15), (2, 0.15)] {
        assert!(trainee.learn(&batch, &PassOptions::default()).is_ok());
        trainee.update(0.1, update).unwrap();
        for ((_, average), (_, weight)) in expected.iter_mut().zip(weights(&trainee)) {
            average.iter_mut().zip(weight).for_each(|(a, w)| *a = decay * *a + (1.0 - decay) * w);
        }
    }
    let averaged = trainee.averaged().unwrap();
    for ((_, expected), (_, parameter)) in expected.iter().zip(averaged.parameters().iter()) {
        let got = parameter.value().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() <= 1e-5 * b.abs().max(1e-2)), "{parameter:?}");
    }
}

#[test]
fn trials_share_images_resume_and_give_mean_and_deviation() {
    let dir = tempfile::tempdir().unwrap();
    let config = TrainConfig { epochs: 1, seed: 5, ..tiny_training() };
    let trials = Trials::random(config, &SearchSpace::darts(), 3);
    assert_eq!(trials.trials.len(), 3);
    assert_ne!(trials.trials[0].design, trials.trials[1].design);
    let mut run = RunWriter::create(&dir.path().join("trials")).unwrap();
    trials.create(&mut run).unwrap();
    let stopped = trials.run(&run, |_| stop_after(2)).unwrap();
    assert!(matches!(stopped, Outcome::Stopped(_)));
    assert!(matches!(Trials::open(run.path()), Err(TrainError::Busy { .. })));
    drop(run);
    let (trials, mut run) = Trials::open(&dir.path().join("trials")).unwrap();
    let outcome = trials.run(&run, |_| Options::default()).unwrap();
    let Outcome::Done(all) = &outcome else { panic!() };
    let (mean, deviation) = batch::accuracy(all).unwrap();
    let accuracies: Vec<f64> = all.iter().map(|trained| trained.accuracy).collect();
    assert!((mean - accuracies.iter().sum::<f64>() / 3.0).abs() < 1e-12 && deviation >= 0.0);
    // Done already: nothing is trained again.
    assert_eq!(trials.run(&run, |_| stop_after(0)).unwrap(), outcome);
    assert!(Trials::seeds(tiny_training(), &cell().into(), 0).create(&mut run).is_err());
}

#[test]
fn cells_of_equal_cost_differ_in_their_width() {
    let dir = tempfile::tempdir().unwrap();
    let config = TrainConfig { multiply_adds: Some(2_000_000), batch_statistics: true, ..tiny_training() };
    let trials = Trials::random(config.clone(), &SearchSpace::darts(), 4);
    let mut writer = RunWriter::create(&dir.path().join("run")).unwrap();
    trials.create(&mut writer).unwrap();
    let trained = trials.run(&writer, |_| Options::default()).unwrap().done().unwrap();
    for trained in &trained {
        let ratio = trained.multiply_adds as f64 / 2e6;
        assert!((0.7..1.4).contains(&ratio), "{ratio} of {}", trained.design);
    }
    let widths: Vec<u64> = trained.iter().map(|trained| trained.parameters).collect();
    assert!(widths.windows(2).any(|pair| pair[0] != pair[1]));
    let config = TrainConfig { multiply_adds: Some(10), ..config };
    let error = Training::create((config, cell().into()), &dir.path().join("no"), Options::default()).unwrap_err();
    assert!(error.to_string().starts_with("multiply_adds is 10; expected at least"), "{error}");
}

#[test]
fn networks_keep_to_limits_with_depth_and_width_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let limits = |parameters, multiply_adds| Limits { parameters, multiply_adds, ..Limits::default() };
    for (index, limits) in
        [limits(Some(20_000), None), limits(None, Some(3_000_000)), limits(Some(9000), Some(3_000_000))]
            .into_iter()
            .enumerate()
    {
        let config = TrainConfig { limits: limits.clone(), epochs: 1, ..tiny_training() };
        let mut training =
            Training::create((config, cell().into()), &dir.path().join(index.to_string()), Options::default()).unwrap();
        let trained = training.run().unwrap().done().unwrap();
        let most = |limit: Option<u64>| limit.unwrap_or(u64::MAX);
        let kept = trained.parameters <= most(limits.parameters) && trained.multiply_adds <= most(limits.multiply_adds);
        assert!(kept, "{limits}: {trained:?}");
        assert_eq!(trained.parameters, training.counts().parameters);
        assert!(trained.channels.is_some_and(|channels| channels > 1) && trained.cells.is_some_and(|cells| cells >= 3));
    }
    let refused = |config: TrainConfig| {
        Training::create((config, cell().into()), &dir.path().join("no"), Options::default()).unwrap_err().to_string()
    };
    let error = refused(TrainConfig { limits: limits(Some(10), None), ..tiny_training() });
    assert!(error.starts_with("limits.parameters is 10; expected at least what the smallest network"), "{error}");
    let both = TrainConfig { limits: limits(Some(10_000), None), multiply_adds: Some(1_000_000), ..tiny_training() };
    assert!(refused(both).contains("none beside `limits`"));
    assert!(!dir.path().join("no").exists());
}

#[test]
fn a_time_becomes_epochs_of_all_trainings_once() {
    let cells = [cell().into(), cell().into()];
    let fitted = tiny_training().fitted_to(Duration::from_secs(20), &cells, Options::default).unwrap();
    assert!(fitted.config.epochs > 1 && fitted.config.epochs <= 600, "{}", fitted.note);
    assert!(fitted.expected <= Duration::from_secs(22), "{:?}", fitted.expected);
    assert!(fitted.note.contains("epochs of each of 2 trainings"), "{}", fitted.note);
    assert_eq!(TrainConfig { epochs: tiny_training().epochs, ..fitted.config }, tiny_training());
    let error = tiny_training().fitted_to(Duration::from_millis(1), &cells, Options::default).unwrap_err().to_string();
    assert!(error.starts_with("time is 0 seconds; expected at least"), "{error}");
}
