//! Every method on the same loop.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::*;
use eoinas_core::{EdgeOpTable, Event};
use eoinas_train::{Outcome, Search, SearchConfig, config::MethodKind, stop::MaxSteps};

const METHODS: [MethodKind; 4] = [MethodKind::Eoinas, MethodKind::Gdas, MethodKind::Darts, MethodKind::Snas];

fn config(method: MethodKind) -> SearchConfig {
    SearchConfig { epochs: 2, warm_up_epochs: 0, ..tiny() }.with_method(method)
}

#[test]
fn every_method_runs_to_a_cell_and_resumes_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    for method in METHODS {
        let name = format!("{method:?}");
        let (whole, parts) = (dir.path().join(&name), dir.path().join(format!("{name}-parts")));
        assert!(matches!(Search::create(config(method), &whole, options()).unwrap().run().unwrap(), Outcome::Found(_)));
        let mut stop = options();
        stop.rules.push(Box::new(MaxSteps(3)));
        let stopped = Search::create(config(method), &parts, stop).unwrap().run().unwrap();
        assert!(matches!(stopped, Outcome::Stopped(_)), "{name}");
        assert!(matches!(Search::resume(&parts, options()).unwrap().run().unwrap(), Outcome::Found(_)), "{name}");
        assert_same(&whole, &parts);
        let Some(Event::RunStarted(started)) = events(&whole).into_iter().next() else { panic!("{name}") };
        assert_eq!(started.method, name.to_lowercase());
    }
}

#[test]
fn every_method_trains_weights_and_alphas() {
    let dir = tempfile::tempdir().unwrap();
    for method in METHODS {
        let mut search = Search::create(config(method), &dir.path().join(format!("{method:?}")), options()).unwrap();
        let before = search.learner().alphas.clone();
        search.run().unwrap();
        let moved = |before: &EdgeOpTable<f32>, after: &EdgeOpTable<f32>| {
            let kinds = search.space().kinds();
            let pairs = kinds.flat_map(|kind| before.matrix(kind).iter().zip(after.matrix(kind)));
            pairs.filter(|(before, after)| before != after).count()
        };
        assert!(moved(&before, &search.learner().alphas) > 100, "{method:?}");
    }
}

#[test]
fn every_method_lowers_the_loss() {
    let dir = tempfile::tempdir().unwrap();
    for method in METHODS {
        let config = SearchConfig { epochs: 16, ..config(method) };
        let mut search = Search::create(config, &dir.path().join(format!("{method:?}")), options()).unwrap();
        search.run().unwrap();
        let losses: Vec<f64> = events(search.run_dir().path())
            .into_iter()
            .filter_map(|event| match event {
                Event::EpochEnd(epoch) => Some(epoch.train_loss),
                _ => None,
            })
            .collect();
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / losses.len() as f64;
        let (first, last) = (mean(&losses[..4]), mean(&losses[losses.len() - 4..]));
        assert!(last < first - 0.05, "{method:?}: {first} to {last}");
    }
}
