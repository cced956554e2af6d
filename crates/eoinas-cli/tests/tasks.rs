//! Other tasks than classes of pictures, end to end: search, derive, train, save, export, classify.
#![cfg(feature = "images")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::{Device, Tensor};
use common::{eoinas, text};
use eoinas_core::{Event, Genotype, NumberInfo, Record, Score, TargetInfo, Targets, ValueKind};
use eoinas_data::{Augment, Dataset, DatasetInfo, InMemory, Samples, Values};
use eoinas_nn::{DerivedNetwork, Operations, saved::SavedNetwork};
use eoinas_train::{
    Options, Outcome, Search, SearchConfig, TrainConfig, Trained, Training,
    config::{DataConfig, NetworkConfig},
};
use image::{Rgb, RgbImage};
use serde_json::Value;

/// Numbers that look drawn, from 0 to 1.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.next()
    }
}

/// Samples of one part, and what is to be said of each.
type Made = (Samples, Targets);

fn set(info: &DatasetInfo, (samples, targets): Made) -> Arc<dyn Dataset> {
    Arc::new(InMemory::new(info.clone(), targets, samples).unwrap())
}

/// Both parts as datasets.
struct Task {
    train: Arc<dyn Dataset>,
    test: Arc<dyn Dataset>,
}

impl Task {
    fn new(info: DatasetInfo, (train, test): (usize, usize), make: impl Fn(usize, &mut Draws) -> Made) -> Self {
        let mut draws = Draws(20_240_601);
        Self { train: set(&info, make(train, &mut draws)), test: set(&info, make(test, &mut draws)) }
    }

    fn options(&self) -> Options {
        let test_dataset = Some(Arc::clone(&self.test));
        Options { dataset: Some(Arc::clone(&self.train)), test_dataset, ..Options::default() }
    }

    /// Searches and trains in `root`, checks what every task has to have, and gives the result and the saved network.
    fn run(&self, root: &Path, epochs: usize) -> (Trained, PathBuf) {
        // A preset's number of images is that of its own set.
        let config = SearchConfig {
            epochs: 3,
            batch_size: 16,
            data: DataConfig { train_images: None, ..DataConfig::default() },
            network: NetworkConfig { channels: 4, cells: 3, stem_multiplier: 1, layers: None, max_ops: None },
            ..SearchConfig::quick()
        };
        let mut search = Search::create(config, &root.join("search"), self.options()).unwrap();
        let Outcome::Done(found) = search.run().unwrap() else { panic!("stopped") };
        let genotype = Genotype::parse(&found.genotype).unwrap();
        assert!(genotype.fits(search.space()).is_ok());

        let config = TrainConfig {
            epochs,
            batch_size: 16,
            network: NetworkConfig { channels: 8, cells: 3, stem_multiplier: 1, layers: None, max_ops: None },
            augment: Augment::none(),
            ..TrainConfig::quick()
        };
        let dir = root.join("training");
        let mut training = Training::create((config, genotype.into()), &dir, self.options()).unwrap();
        let Outcome::Done(trained) = training.run().unwrap() else { panic!("stopped") };
        let target = &self.train.info().target;
        assert_eq!(found.score().measure, trained.score().measure);
        check_record(&dir, target, &trained.score());

        let saved = SavedNetwork::read(&dir.join("network")).unwrap();
        assert_eq!(
            (&saved.description.target, saved.description.normalisation.values),
            (target, self.train.info().values)
        );
        self.check_inference(training.trainee().network(), &saved);
        (trained, dir.join("network"))
    }

    /// The inference program of what was saved says what the trained network says.
    fn check_inference(&self, network: &DerivedNetwork, saved: &SavedNetwork) {
        let info = self.test.info();
        let count = self.test.len().min(5);
        let mut values = Vec::new();
        for index in 0..count {
            values.extend(match self.sample(index) {
                Samples::Bytes(bytes) => saved.description.normalisation.apply(&bytes),
                Samples::Floats(floats) => saved.description.normalisation.apply_floats(&floats),
            });
        }
        let images = Tensor::from_vec(values, (count, info.height, info.width, info.channels), &Device::Cpu).unwrap();
        let flat = |logits: Tensor| logits.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let wanted = flat(network.logits(&images).unwrap());
        let inference = saved.build(&Operations::built_in(), &Device::Cpu).unwrap().into_inference().unwrap();
        let got = flat(inference.logits(&images).unwrap());
        assert!(wanted.iter().zip(&got).all(|(a, b)| (a - b).abs() < 1e-3 * (1.0 + a.abs())), "{wanted:?} {got:?}");
    }

    fn sample(&self, index: usize) -> Samples {
        let info = self.test.info();
        let mut samples = Samples::zeros(info.values, info.image_len());
        let values: Values<'_> = samples.as_values();
        self.test.read(index, values).unwrap();
        samples
    }

    /// What `eoinas classify` says of a test sample.
    fn classify(&self, network: &Path, index: usize) -> Value {
        let info = self.test.info();
        let path = match self.sample(index) {
            Samples::Bytes(bytes) => {
                let path = network.with_file_name(format!("{index}.png"));
                let pixel = |x: u32, y: u32| {
                    let at = (y as usize * info.width + x as usize) * info.channels;
                    Rgb(std::array::from_fn(|channel| bytes[at + channel % info.channels]))
                };
                RgbImage::from_fn(info.width as u32, info.height as u32, pixel).save(&path).unwrap();
                path
            }
            Samples::Floats(floats) => {
                let path = network.with_file_name(format!("{index}.csv"));
                let rows = floats
                    .chunks(info.channels)
                    .map(|row| row.iter().map(f32::to_string).collect::<Vec<_>>().join(","));
                fs::write(&path, rows.collect::<Vec<_>>().join("\n")).unwrap();
                path
            }
        };
        let output = eoinas("classify").arg(network).arg(&path).arg("--json").output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// The record says what its scores are, or has accuracies.
fn check_record(run: &Path, target: &TargetInfo, score: &Score) {
    let record = fs::read_to_string(run.join("events.jsonl")).unwrap();
    let events: Vec<Event> = record.lines().map(|line| Record::from_line(line).unwrap().event).collect();
    let Some(Event::RunStarted(started)) = events.first() else { panic!("{record}") };
    let classes = score.measure.is_accuracy();
    assert_eq!(started.measure.as_ref(), Some(&score.measure).filter(|_| !classes));
    assert_eq!(started.dataset.target.as_ref(), Some(target).filter(|_| !classes));
    let last = events.iter().rev().find_map(|event| match event {
        Event::Evaluated { accuracy, score, .. } => Some((*accuracy, *score)),
        _ => None,
    });
    let expected = if classes { (score.value, None) } else { (0.0, Some(score.value)) };
    assert_eq!(last, Some(expected));
    assert!(record.contains("\"score\"") != classes && record.contains("_score\"") != classes);
}

fn export(network: &Path, told: &str) {
    let out = network.with_file_name("network.onnx");
    let output = eoinas("export").arg(network).arg("--out").arg(&out).output().unwrap();
    assert!(
        output.status.success() && text(&output.stdout).contains(told),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    assert!(out.metadata().unwrap().len() > 1000);
}

fn pictures(name: &str, target: TargetInfo, channels: usize) -> DatasetInfo {
    DatasetInfo {
        name: name.into(),
        target,
        values: ValueKind::Bytes,
        channels,
        height: 16,
        width: 16,
        mean: vec![0.2; channels],
        std: vec![0.3; channels],
        flip: false,
        notes: vec![],
    }
}

#[test]
fn the_angle_of_a_bar() {
    const SPAN: f32 = 60.0;
    let angle = NumberInfo { name: "angle".into(), unit: "degrees".into(), mean: 0.0, std: SPAN / 3f32.sqrt() };
    let info = pictures("bars", TargetInfo::Numbers(vec![angle]), 1);
    let task = Task::new(info, (256, 64), |count, draws| {
        let (mut pixels, mut angles) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let angle = draws.between(-SPAN, SPAN);
            let (sine, cosine) = angle.to_radians().sin_cos();
            let (top, left) = (draws.between(7.0, 8.0), draws.between(7.0, 8.0));
            pixels.extend((0..256).map(|at| {
                let (y, x) = ((at / 16) as f32 - top, (at % 16) as f32 - left);
                let (along, across) = ((x * cosine + y * sine).abs(), (y * cosine - x * sine).abs());
                (255.0 * (2.0 - across).clamp(0.0, 1.0) * (7.5 - along).clamp(0.0, 1.0)) as u8
            }));
            angles.push(angle);
        }
        (Samples::Bytes(pixels), Targets::Numbers { width: 1, values: angles })
    });
    let root = tempfile::tempdir().unwrap();
    let (trained, network) = task.run(root.path(), 12);
    println!("the angle of a bar: {}", trained.score());
    assert_eq!(trained.score().measure.name, "R2");
    assert!(trained.score().value > 0.7, "{trained:?}");
    assert_eq!((trained.accuracy, trained.top5, trained.best_accuracy), (0.0, 0.0, 0.0));
    export(&network, "pixels from 0 to 255 -> numbers [n, 1]");
    let mut worst = 0.0f64;
    for index in 0..6 {
        let said = task.classify(&network, index);
        assert_eq!((&said["numbers"][0]["name"], &said["numbers"][0]["unit"]), (&"angle".into(), &"degrees".into()));
        let eoinas_core::Target::Numbers(wanted) = task.test.target(index).unwrap() else { panic!() };
        worst = worst.max((said["numbers"][0]["value"].as_f64().unwrap() - f64::from(wanted[0])).abs());
    }
    assert!(worst < 60.0, "{worst} degrees");
}

#[test]
fn which_shapes_are_in_a_picture() {
    let info = pictures("shapes", TargetInfo::Labels(["square", "ring", "cross"].map(str::to_owned).to_vec()), 3);
    let task = Task::new(info, (320, 96), |count, draws| {
        let (mut pixels, mut has) = (Vec::new(), Vec::new());
        for _ in 0..count {
            let mut picture = [0u8; 16 * 16 * 3];
            for shape in 0..3 {
                let is_there = draws.next() < 0.5;
                has.push(is_there);
                let (top, left) = (draws.between(3.0, 12.0).round(), draws.between(3.0, 12.0).round());
                let colour: [f32; 3] = std::array::from_fn(|_| draws.between(120.0, 255.0));
                for at in (0..256).filter(|_| is_there) {
                    let (y, x) = (((at / 16) as f32 - top).abs(), ((at % 16) as f32 - left).abs());
                    let inside = match shape {
                        0 => y.max(x) <= 2.0,
                        1 => (2.0..3.5).contains(&y.hypot(x)),
                        _ => (y - x).abs() < 0.5 && y <= 3.0,
                    };
                    if inside {
                        (0..3).for_each(|channel| picture[at * 3 + channel] = colour[channel] as u8);
                    }
                }
            }
            pixels.extend(picture);
        }
        (Samples::Bytes(pixels), Targets::Labels { width: 3, values: has })
    });
    let root = tempfile::tempdir().unwrap();
    let (trained, network) = task.run(root.path(), 12);
    println!("which shapes are in a picture: {}", trained.score());
    assert_eq!(trained.score().measure.title(), "mean average precision");
    // Guessing gets about a half.
    assert!(trained.score().value > 0.75, "{trained:?}");
    export(&network, "pixels from 0 to 255 -> labels [n, 3]");
    let said = task.classify(&network, 0);
    let labels = said["labels"].as_array().unwrap();
    assert!(
        labels.len() == 3 && labels.iter().all(|label| (0.0..=1.0).contains(&label["probability"].as_f64().unwrap()))
    );
}

#[test]
fn signals_of_two_channels() {
    let info = DatasetInfo {
        values: ValueKind::Floats,
        height: 1,
        width: 256,
        mean: vec![0.0; 2],
        std: vec![0.8; 2],
        ..pictures("tones", TargetInfo::Classes(["low", "high", "rising"].map(str::to_owned).to_vec()), 2)
    };
    let task = Task::new(info, (160, 60), |count, draws| {
        let (mut values, mut classes) = (Vec::new(), Vec::new());
        for index in 0..count {
            let class = index as u32 % 3;
            let (low, high, phase) = (draws.between(0.05, 0.09), draws.between(0.25, 0.35), draws.between(0.0, 6.0));
            let mut at = phase;
            for step in 0..256 {
                at += match class {
                    0 => low,
                    1 => high,
                    _ => low + (high - low) * step as f32 / 256.0,
                };
                values.extend([at.sin() + draws.between(-0.4, 0.4), at.cos() + draws.between(-0.4, 0.4)]);
            }
            classes.push(class);
        }
        (Samples::Floats(values), Targets::Classes(classes))
    });
    let root = tempfile::tempdir().unwrap();
    let (trained, network) = task.run(root.path(), 10);
    println!("signals: {}", trained.score());
    // Guessing gets a third.
    assert!(trained.score().measure.is_accuracy() && trained.score().value > 0.7, "{trained:?}");
    export(&network, "images [n, 2, 1, 256] of floats as the data has them -> logits [n, 3]");
    let right = (0..9).filter(|index| {
        let said = task.classify(&network, *index);
        said["classes"][0]["class"] == ["low", "high", "rising"][index % 3]
    });
    assert!(right.count() >= 5);
}
