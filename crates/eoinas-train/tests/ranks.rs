//! One run of several ranks ends in the same bytes as that of one process. The ranks are threads here.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{path::Path, sync::Arc, thread};

use common::*;
use eoinas_train::{
    FinalistsConfig, MethodKind, Outcome, RunDir, Search, SearchConfig, StopReason, TrainConfig, TrainError, Training,
    config::NetworkConfig,
    machine::with_threads,
    ranks::{self, Collective, Threads},
    stop::MaxSteps,
};

/// Runs `work` on so many ranks, each in a pool of its own, with a folder for each.
fn on<R: Send>(ranks: usize, folder: &Path, work: impl Fn(&Path, &dyn Collective) -> R + Sync) -> Vec<R> {
    let one = |rank: Arc<dyn Collective>| {
        let own = folder.join(format!("rank-{}", rank.rank()));
        with_threads(Some(2), || ranks::among(rank.clone(), || work(&own, rank.as_ref()))).unwrap()
    };
    thread::scope(|scope| {
        let all: Vec<_> = Threads::start(ranks).into_iter().map(|rank| scope.spawn(|| one(rank))).collect();
        all.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

fn search(config: &SearchConfig, run: &Path) {
    let outcome = Search::create(config.clone(), run, options()).unwrap().run().unwrap();
    assert!(matches!(outcome, Outcome::Done(_)));
}

fn same_with_any_number(config: &SearchConfig, counts: &[usize]) {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    search(config, &whole);
    for &ranks in counts {
        let folder = dir.path().join(ranks.to_string());
        on(ranks, &folder, |run, _| search(config, run));
        for rank in 0..ranks {
            assert_same(&whole, &folder.join(format!("rank-{rank}")));
        }
    }
}

#[test]
fn a_search_is_the_same_on_any_number_of_ranks() {
    same_with_any_number(&tiny(), &[1, 2, 4]);
}

/// 13 images make 13 pieces; the last batch of the validation half has 6, and is everybody's as a whole for 8 ranks.
#[test]
fn so_is_one_of_batches_that_do_not_divide() {
    same_with_any_number(&SearchConfig { epochs: 2, batch_size: 13, ..tiny() }, &[3, 8]);
}

/// Pieces of two images, the last of one; dropout on skip connections draws for each image.
#[test]
fn so_is_one_of_larger_pieces_and_with_all_ops_of_an_edge() {
    let config = SearchConfig { epochs: 1, batch_size: 35, ..tiny() };
    let config =
        SearchConfig { data: eoinas_train::config::DataConfig { train_images: Some(72), ..config.data }, ..config };
    same_with_any_number(&config, &[2]);
    let mixture = SearchConfig { epochs: 1, network: tiny().network, data: tiny().data, ..SearchConfig::authors() };
    same_with_any_number(&SearchConfig { batch_size: 16, ..mixture }, &[3]);
}

#[test]
fn so_are_other_methods() {
    for method in [MethodKind::Darts2, MethodKind::PcDarts, MethodKind::Snas] {
        let config = of(method, 1);
        let network = NetworkConfig { channels: 8, ..config.network.clone() };
        same_with_any_number(&SearchConfig { network, ..config }, &[2]);
    }
}

#[test]
fn so_are_finals() {
    let network = NetworkConfig { cells: 3, ..tiny().network };
    let finals = FinalistsConfig { candidates: 3, epochs: 1, batch_size: 16, network, ..FinalistsConfig::default() };
    same_with_any_number(&SearchConfig { finalists: Some(finals), ..of(MethodKind::Eoinas, 1) }, &[2]);
}

#[test]
fn a_stopped_search_goes_on_with_another_number_of_ranks() {
    let dir = tempfile::tempdir().unwrap();
    let whole = dir.path().join("whole");
    search(&tiny(), &whole);
    // One rank asks for the stop, and all stop; step by step with fewer and more of them.
    let stop = |run: &Path, ranks: &dyn Collective, from: &Path| {
        let mut options = options();
        if ranks.rank() == ranks.ranks() - 1 {
            options.rules.push(Box::new(MaxSteps(2)));
        }
        let mut search = match from.exists() {
            false => Search::create(tiny(), run, options).unwrap(),
            true => {
                ranks::copied(ranks, from, run).unwrap();
                Search::resume(if ranks.rank() == 0 { from } else { run }, options).unwrap()
            }
        };
        search.run().unwrap()
    };
    let none = dir.path().join("none");
    let first = on(2, &dir.path().join("two"), |run, ranks| stop(run, ranks, &none));
    assert!(first.iter().all(|outcome| *outcome == Outcome::Stopped(StopReason::MaxSteps { steps: 2 })), "{first:?}");
    let from = dir.path().join("two/rank-0");
    for ranks in [4, 1] {
        on(ranks, &dir.path().join(ranks.to_string()), |run, ranks| stop(run, ranks, &from));
    }
    if let Ok(mut search) = Search::resume(&from, options()) {
        search.run().unwrap();
    }
    assert_same(&whole, &from);
}

/// Drop-path, an auxiliary head, averaged weights.
#[test]
fn a_training_is_the_same_on_any_number_of_ranks() {
    let dir = tempfile::tempdir().unwrap();
    let train = |run: &Path| {
        let config = TrainConfig { epochs: 2, ..tiny_training() };
        let outcome = Training::create((config, cell().into()), run, options()).unwrap().run().unwrap();
        assert!(matches!(outcome, Outcome::Done(_)));
    };
    let whole = dir.path().join("whole");
    train(&whole);
    for ranks in [2, 3] {
        let folder = dir.path().join(ranks.to_string());
        on(ranks, &folder, |run, _| train(run));
        for rank in 0..ranks {
            assert_same(&whole, &folder.join(format!("rank-{rank}")));
        }
    }
}

#[test]
fn a_rank_with_other_settings_or_without_images_is_named_before_the_first_step() {
    let dir = tempfile::tempdir().unwrap();
    let begun = on(3, &dir.path().join("settings"), |run, ranks| {
        let config = SearchConfig { seed: u64::from(ranks.rank() == 2), ..tiny() };
        let search = Search::create(config, run, options()).unwrap();
        ranks::all_begin(ranks, Ok(search.run_dir())).unwrap_err().to_string()
    });
    assert!(begun.iter().all(|error| error.starts_with("rank 2 on ") && error.contains("settings")), "{begun:?}");
    let begun = on(2, &dir.path().join("images"), |run, ranks| {
        let own: Result<RunDir, String> = match ranks.rank() {
            0 => Ok(Search::create(tiny(), run, options()).unwrap().run_dir().clone()),
            _ => Err("no such folder".to_owned()),
        };
        ranks::all_begin(ranks, own.as_ref().map_err(Clone::clone)).unwrap_err()
    });
    for error in begun {
        assert!(matches!(&error, TrainError::Ranks { what } if what.starts_with("rank 1 on ")), "{error}");
    }
}
