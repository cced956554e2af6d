//! Settings, genotypes and images that cannot be trained end in one clear error before anything is written.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, sync::Arc};

use common::*;
use eoinas_core::{CoreError, Form, Genotype, SearchSpace, TargetInfo, schedule::Linear};
use eoinas_data::{Dataset, DatasetInfo, InMemory, SourceKind, ValueKind};
use eoinas_train::{Options, TrainConfig, TrainError, TrainPreset, Training, methods::EoiNas, stop::MaxSteps};

#[test]
fn every_bad_setting_has_an_error_of_its_own() {
    type Change = fn(&mut TrainConfig);
    let cases: [(Change, &str); 22] = [
        (|c| c.epochs = 0, "epochs is 0; expected at least one epoch"),
        (|c| c.batch_size = 1, "batch_size is 1"),
        (|c| c.batch_size = 41, "larger than the data (40 training images)"),
        (|c| c.accumulate = 0, "accumulate is 0"),
        (|c| c.data.dataset = SourceKind::Cifar10, "data.dir is not set; expected the folder of cifar10"),
        (|c| c.data.train_images = Some(1), "data.train_images is 1"),
        (|c| c.data.test_images = Some(0), "data.test_images is 0"),
        (|c| c.data.image_size = Some(2), "data.image_size is 2"),
        (|c| c.network.channels = 1, "network.channels is 1"),
        (|c| c.network.cells = 0, "network.cells is 0"),
        (|c| c.network.stem_multiplier = 0, "network.stem_multiplier is 0"),
        (|c| c.augment.cutout = 10_000, "augment.cutout is 10000"),
        (
            |c| c.weights.learning_rate = Linear { start: 0.1, end: -0.1, inclusive: false }.into(),
            "weights.learning_rate is -",
        ),
        (
            |c| c.weights.learning_rate = Linear { start: f64::NAN, end: 0.0, inclusive: false }.into(),
            "weights.learning_rate",
        ),
        (|c| c.weights.momentum = 1.0, "weights.momentum is 1"),
        (|c| c.weights.weight_decay = -1.0, "weights.weight_decay is -1"),
        (|c| c.weights.clip = Some(0.0), "weights.clip is 0"),
        (|c| c.drop_path = 1.0, "drop_path is 1"),
        (|c| c.auxiliary = -0.4, "auxiliary is -0.4"),
        (|c| c.label_smoothing = f64::NAN, "label_smoothing is NaN"),
        (|c| c.average = Some(1.0), "average is 1"),
        (|c| c.keep_checkpoints = 0, "keep_checkpoints is 0"),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (change, part) in cases {
        let mut config = tiny_training();
        change(&mut config);
        let run = dir.path().join("run");
        let error = Training::create((config, cell().into()), &run, Options::default()).unwrap_err();
        assert!(error.to_string().contains(part), "`{error}` lacks `{part}`");
        assert!(!run.exists(), "nothing is written for settings that cannot work");
    }
}

#[test]
fn presets_are_valid_and_survive_their_file() {
    for preset in TrainPreset::ALL {
        let mut config = preset.config();
        config.data.dataset = SourceKind::Cifar10;
        // It is written as an absolute path.
        config.data.dir = Some(std::path::absolute("images").unwrap());
        config.validate().unwrap();
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<TrainConfig>(&text).unwrap(), config);
        assert_eq!(preset.name().parse::<TrainPreset>().unwrap(), preset);
    }
    assert!("fast".parse::<TrainPreset>().unwrap_err().to_string().contains("paper-cifar, paper-imagenet or quick"));
}

#[test]
fn a_genotype_that_does_not_fit_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    // One kind of cell, where the space has two.
    let one = Genotype::parse("|skip_connect~0|+|none~0|skip_connect~1|").unwrap();
    let options = Options { space: Some(SearchSpace::darts()), ..Options::default() };
    assert!(matches!(
        Training::create((tiny_training(), one.into()), &run, options),
        Err(TrainError::Core(CoreError::Fit { .. }))
    ));
    // A network that the images are too small for.
    let config = TrainConfig { form: Form::NasBench201, ..tiny_training() };
    assert!(Training::create((config, cell().into()), &run, Options::default()).is_err());
    assert!(!run.exists());
}

fn set(classes: &[&str], images: usize) -> Arc<dyn Dataset> {
    let info = DatasetInfo {
        name: "mine".into(),
        target: TargetInfo::Classes(classes.iter().map(|&class| class.to_owned()).collect()),
        values: ValueKind::Bytes,
        channels: 3,
        height: 32,
        width: 32,
        mean: vec![0.5; 3],
        std: vec![0.25; 3],
        flip: true,
        notes: vec![],
    };
    let labels: Vec<u32> = (0..images).map(|i| (i % classes.len()) as u32).collect();
    let pixels: Vec<u8> = (0..images * info.image_len()).map(|i| (i * 7 % 251) as u8).collect();
    Arc::new(InMemory::new(info, labels, pixels).unwrap())
}

#[test]
fn parts_with_other_classes_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let own = |train, test| Options { dataset: Some(train), test_dataset: Some(test), ..Options::default() };
    let options = own(set(&["cat", "dog"], 40), set(&["dog", "cat"], 12));
    let error = Training::create((tiny_training(), cell().into()), &run, options).unwrap_err().to_string();
    assert!(error.contains("other classes") && error.contains("\"dog\", \"cat\""), "{error}");
    let options = own(set(&["cat"], 30), set(&["cat"], 12));
    let error = Training::create((tiny_training(), cell().into()), &run, options).unwrap_err().to_string();
    assert!(error.contains("40 images are needed, but there are 30"), "{error}");
    // A part of the images alone, and a search's method.
    let options = Options { dataset: Some(set(&["cat"], 40)), ..Options::default() };
    let error = Training::create((tiny_training(), cell().into()), &run, options).unwrap_err().to_string();
    assert!(error.contains("test_dataset is none") && error.contains("data.held_out"), "{error}");
    let options = Options { method: Some(Box::new(EoiNas::quick())), ..Options::default() };
    let error = Training::create((tiny_training(), cell().into()), &run, options).unwrap_err().to_string();
    assert!(error.contains("a training has no search method"), "{error}");
    assert!(!run.exists());
}

#[test]
fn checkpoints_of_another_network_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let options = Options { rules: vec![Box::new(MaxSteps(1))], ..Options::default() };
    Training::create((tiny_training(), cell().into()), &run, options).unwrap().run().unwrap();
    let config = run.join("config.json");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("\"channels\": 4", "\"channels\": 6")).unwrap();
    let error = Training::resume(&run, Options::default()).unwrap_err().to_string();
    assert!(error.contains("config.json was changed"), "{error}");
    list_settings(&run);
    let error = Training::resume(&run, Options::default()).unwrap_err().to_string();
    assert!(error.contains("subject.sha256"), "{error}");
    fs::write(&config, text).unwrap();
    list_settings(&run);
    fs::remove_file(newest(&run).join("average.safetensors")).unwrap();
    let error = Training::resume(&run, Options::default()).unwrap_err().to_string();
    assert!(error.contains("average.safetensors is missing"), "{error}");
}
