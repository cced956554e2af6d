//! Searches with a GPU's kernels, run on the CPU: the same noise as on the CPU, and checkpoints that go both ways.
#![cfg(feature = "emulation")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::*;
use eoinas_core::{Event, event::EpochEnd};
use eoinas_kernels::emulation;
use eoinas_train::{Options, Outcome, Search, SearchConfig, config::DataConfig, stop::MaxSteps};

fn config() -> SearchConfig {
    let data = DataConfig { train_images: Some(16), ..DataConfig::default() };
    SearchConfig { batch_size: 4, data, ..tiny() }
}

fn first_epoch(run: &std::path::Path) -> EpochEnd {
    let found = events(run).into_iter().find_map(|event| match event {
        Event::EpochEnd(epoch) => Some(epoch),
        _ => None,
    });
    *found.unwrap()
}

// One test: emulation is switched for the whole process.
#[test]
fn a_search_moves_between_devices() {
    let dir = tempfile::tempdir().unwrap();
    let (here, there, both) = (dir.path().join("cpu"), dir.path().join("gpu"), dir.path().join("both"));
    let until = |steps| {
        let mut options: Options = options();
        options.rules.push(Box::new(MaxSteps(steps)));
        options
    };

    emulation::set(false);
    assert!(matches!(Search::create(config(), &here, until(2)).unwrap().run().unwrap(), Outcome::Stopped(_)));
    emulation::set(true);
    assert!(matches!(Search::create(config(), &there, until(2)).unwrap().run().unwrap(), Outcome::Stopped(_)));
    // The alphas are not trained in the first epoch: the same paths are drawn, and the weights learn the same.
    let (a, b) = (first_epoch(&here), first_epoch(&there));
    let (counts, other) = (a.search.unwrap().counts, b.search.unwrap().counts);
    assert!(counts.is_some() && counts == other);
    assert!((a.train_loss - b.train_loss).abs() < 1e-3, "{} {}", a.train_loss, b.train_loss);

    emulation::set(false);
    assert!(matches!(Search::create(config(), &both, until(1)).unwrap().run().unwrap(), Outcome::Stopped(_)));
    emulation::set(true);
    assert!(matches!(Search::resume(&both, until(3)).unwrap().run().unwrap(), Outcome::Stopped(_)));
    emulation::set(false);
    assert!(matches!(Search::resume(&both, options()).unwrap().run().unwrap(), Outcome::Done(_)));
}
