//! A cell that was searched on one set is trained on another.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path};

use common::*;
use eoinas_core::Genotype;
use eoinas_data::SourceKind;
use eoinas_train::{Options, Outcome, Search, TrainConfig, Training};

/// CIFAR-100's files: records of a coarse label, a fine label, and 3,072 bytes.
fn cifar100(dir: &Path) {
    for (name, images) in [("train.bin", 200), ("test.bin", 100)] {
        let record = |i: usize| {
            let label = (i % 100) as u8;
            let pixels = (0..3072).map(move |p| ((p * (i % 100 + 3)) % 256) as u8);
            [label / 5, label].into_iter().chain(pixels)
        };
        fs::write(dir.join(name), (0..images).flat_map(record).collect::<Vec<u8>>()).unwrap();
    }
}

#[test]
fn from_ten_classes_to_a_hundred() {
    let dir = tempfile::tempdir().unwrap();
    cifar100(dir.path());
    let search = dir.path().join("search");
    assert!(matches!(Search::create(tiny(), &search, options()).unwrap().run().unwrap(), Outcome::Done(_)));
    let genotype = Genotype::parse(&fs::read_to_string(search.join("genotype.txt")).unwrap()).unwrap();
    let mut config = TrainConfig { epochs: 1, batch_size: 20, accumulate: 1, ..tiny_training() };
    config.data.dataset = SourceKind::Cifar100;
    config.data.dir = Some(dir.path().to_owned());
    config.data.train_images = Some(100);
    config.data.test_images = None;
    let run = dir.path().join("training");
    let outcome = Training::create((config, genotype.into()), &run, Options::default()).unwrap().run().unwrap();
    let Outcome::Done(trained) = outcome else { panic!("{outcome:?}") };
    assert_eq!((trained.train_images, trained.test_images), (100, 100));
    let saved = eoinas_nn::saved::SavedNetwork::read(&run.join("network")).unwrap();
    assert_eq!(saved.description.target.outputs(), 100);
}
