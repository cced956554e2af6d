//! Settings that cannot work and folders that cannot be used end in one clear error, and nothing is overwritten.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path};

use common::*;
use eoinas_core::schedule::{Constant, Linear, ScheduleConfig};
use eoinas_data::SourceKind;
use eoinas_prune::{AccuracyUpdate, IndicatorConfig, Periodic, PruneScheduleConfig};
use eoinas_train::{
    MethodConfig, Outcome, Search, SearchConfig, StopReason, TrainError, config::SkipDropout, methods::EoiNas,
};

#[test]
fn every_bad_setting_has_an_error_of_its_own() {
    type Change = fn(&mut SearchConfig);
    /// Of the method that all of them search with.
    fn eoinas(config: &mut SearchConfig) -> &mut EoiNas {
        match &mut config.method {
            MethodConfig::Eoinas(method) => method,
            other => panic!("{other:?}"),
        }
    }
    let cases: [(Change, &str); 27] = [
        (|c| c.epochs = 0, "epochs is 0"),
        (|c| c.batch_size = 1, "batch_size is 1"),
        (|c| c.data.dataset = SourceKind::Cifar10, "data.dir is not set; expected the folder of cifar10"),
        (|c| c.data.dir = Some("pictures".into()), "data.dir is pictures; expected no folder beside the embedded set"),
        (|c| c.data.train_images = Some(1), "data.train_images is 1"),
        (|c| c.data.image_size = Some(2), "data.image_size is 2"),
        (|c| c.network.channels = 0, "network.channels is 0"),
        (|c| c.network.channels = 1, "network.channels is 1"),
        (|c| c.network.cells = 0, "network.cells is 0"),
        (|c| c.network.stem_multiplier = 0, "network.stem_multiplier is 0"),
        (
            |c| c.weights.learning_rate = Constant { value: f64::NAN }.into(),
            "weights.learning_rate is no schedule that works; expected constant",
        ),
        (|c| c.weights.momentum = 1.0, "weights.momentum is 1"),
        (|c| c.weights.weight_decay = -1.0, "weights.weight_decay is -1"),
        (|c| c.weights.clip = Some(0.0), "weights.clip is 0"),
        (
            |c| c.weights.learning_rate = Constant { value: -1.0 }.into(),
            "weights.learning_rate is -1 in epoch 0; expected a rate that is never negative",
        ),
        (|c| eoinas(c).arch.learning_rate = 0.0, "arch.learning_rate is 0"),
        (|c| eoinas(c).arch.betas = (0.5, 1.0), "arch.betas is 0.5, 1"),
        (|c| eoinas(c).arch.weight_decay = f64::INFINITY, "arch.weight_decay is inf"),
        (|c| eoinas(c).arch.clip = Some(-1.0), "arch.clip is -1"),
        (|c| eoinas(c).arch.init_std = -1.0, "initial values"),
        (
            |c| eoinas(c).temperature = ScheduleConfig::Constant(Constant { value: f64::NAN }),
            "temperature is no schedule that works; expected constant",
        ),
        (|c| eoinas(c).temperature = Linear { start: 1.0, end: 0.0, inclusive: true }.into(), "must stay positive"),
        (|c| eoinas(c).skip_dropout = Some(SkipDropout { rate: 1.0, decay: 0.0 }), "skip_dropout.rate is 1"),
        (|c| eoinas(c).skip_dropout = Some(SkipDropout { rate: 0.1, decay: -1.0 }), "skip_dropout.decay is -1"),
        (
            |c| eoinas(c).prune = PruneScheduleConfig::Periodic(Periodic { first: 0, every: 1, count: 1 }),
            "prune.first is 0",
        ),
        (
            |c| eoinas(c).indicator = IndicatorConfig::EoiNas(eoinas_prune::EoiNas { lambda: -1.0, min_samples: 1 }),
            "indicator.lambda is -1",
        ),
        (|c| c.keep_checkpoints = 0, "keep_checkpoints is 0"),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (change, part) in cases {
        let mut config = tiny();
        change(&mut config);
        let run = dir.path().join("run");
        let error = Search::create(config, &run, options()).unwrap_err();
        assert!(error.to_string().contains(part), "`{error}` lacks `{part}`");
        assert!(!run.exists(), "nothing is written for settings that cannot work");
    }
    let mut config = tiny();
    eoinas(&mut config).statistics.accuracy = AccuracyUpdate::ExponentialMovingAverage { decay: 1.5 };
    assert!(config.validate().unwrap_err().to_string().contains("statistics.accuracy.decay is 1.5"));
}

#[test]
fn presets_are_valid_and_survive_their_file() {
    for config in [SearchConfig::paper(), SearchConfig::authors(), SearchConfig::quick()] {
        config.validate().unwrap();
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<SearchConfig>(&text).unwrap(), config);
    }
    assert!(
        "fast"
            .parse::<eoinas_train::Preset>()
            .unwrap_err()
            .to_string()
            .contains("paper, authors, quick or recommended")
    );
}

#[test]
fn a_batch_larger_than_the_data_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let config = SearchConfig { batch_size: 33, ..tiny() };
    let error = Search::create(config, &dir.path().join("run"), options()).unwrap_err();
    assert!(error.to_string().contains("at most 32"), "{error}");
}

#[test]
fn a_folder_that_is_taken_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    fs::create_dir(&run).unwrap();
    fs::write(run.join("thesis.txt"), "mine").unwrap();
    let error = Search::create(tiny(), &run, options()).unwrap_err().to_string();
    assert!(error.contains("exists already") && error.contains("another folder"), "{error}");
    assert_eq!(fs::read_dir(&run).unwrap().count(), 1);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    // Below a file, that file is what is in the way.
    for (path, named) in [("/proc/run", "/proc/run"), ("/dev/null/run", "/dev/null is no folder")] {
        if Path::new("/proc").exists() {
            let error = Search::create(tiny(), Path::new(path), options()).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}

#[test]
fn a_missing_data_folder_is_named() {
    let dir = tempfile::tempdir().unwrap();
    for dataset in [SourceKind::Cifar10, SourceKind::Cifar100, SourceKind::Mnist] {
        let mut config = tiny();
        config.data.dataset = dataset;
        config.data.dir = Some(dir.path().join("no-such-folder"));
        let error = Search::create(config, &dir.path().join("run"), options()).unwrap_err();
        assert!(matches!(error, TrainError::Data(_)));
        assert!(error.to_string().contains("no-such-folder"), "{error}");
    }
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_good_state() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut config = tiny();
    config.weights.learning_rate = Constant { value: 1e30 }.into();
    config.weights.clip = None;
    let outcome = Search::create(config, &run, options()).unwrap().run().unwrap();
    let Outcome::Stopped(StopReason::NonFinite { what, .. }) = outcome else { panic!("{outcome:?}") };
    assert!(what.contains("loss") || what.contains("gradient"), "{what}");
    let weights = candle_core::safetensors::load(newest(&run).join("weights.safetensors"), &candle_core::Device::Cpu);
    for (name, tensor) in weights.unwrap() {
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values.iter().all(|value| value.is_finite()), "{name}");
    }
}

#[test]
fn what_learns_is_never_saved_spoilt() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let config = tiny().with_setting("arch.weight_decay", "1e300").unwrap();
    let outcome = Search::create(config, &run, options()).unwrap().run().unwrap();
    let Outcome::Stopped(StopReason::NonFinite { what, .. }) = &outcome else { panic!("{outcome:?}") };
    assert!(what.contains("optimizer.safetensors") || what.contains("loss"), "{what}");
    // The newest is one from before, and it can be gone on with.
    let steps = candle_core::safetensors::load(newest(&run).join("optimizer.safetensors"), &candle_core::Device::Cpu);
    for (name, tensor) in steps.unwrap() {
        let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(values.iter().all(|value| value.is_finite()), "{name}");
    }
    Search::resume(&run, options()).unwrap();
}

#[test]
fn too_many_skip_connections_stop_a_guarded_run() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let config = SearchConfig { max_skips: Some(0), seed: 3, ..tiny() };
    match Search::create(config, &run, options()).unwrap().run().unwrap() {
        Outcome::Stopped(StopReason::Collapse { skips, limit, .. }) => assert!(skips > limit),
        Outcome::Done(found) => assert!(!found.genotype.contains("skip_connect")),
        other => panic!("{other:?}"),
    }
}
