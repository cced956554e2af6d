//! Runs that were fitted to a time and are late: what is left of their plan is made anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path};

use common::*;
use eoinas_core::{Event, event::EpochEnd, run_folder::names};
use eoinas_train::{
    FinalistsConfig, MethodKind, Options, RunWriter, Search, SearchConfig, TrainConfig, Training,
    config::NetworkConfig, run::TimePlan, stop::MaxSteps,
};

fn stop_after(steps: u64) -> Options {
    Options { rules: vec![Box::new(MaxSteps(steps))], ..Options::default() }
}

fn folder(run: &Path, seconds: f64) -> eoinas_train::Result<RunWriter> {
    let dir = RunWriter::create(run)?;
    let time = TimePlan { seconds, epoch: 1e-6, finalist_epoch: 1e-6, finalist_draw: 0.0 };
    dir.write_json(names::TIME, &time)?;
    Ok(dir)
}

fn ends(run: &Path) -> Vec<EpochEnd> {
    let end = |event| if let Event::EpochEnd(end) = event { Some(*end) } else { None };
    events(run).into_iter().filter_map(end).collect()
}

fn replanned(run: &Path) -> Vec<(u64, u64, u64)> {
    let of = |event| match event {
        Event::Replanned { epoch, before, epochs, .. } => Some((epoch, before, epochs)),
        _ => None,
    };
    events(run).into_iter().filter_map(of).collect()
}

#[test]
fn a_late_training_leaves_out_epochs_and_ends_as_it_would_have() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let task = || (TrainConfig { epochs: 12, ..tiny_training() }, cell().into());
    let whole = dir.path().join("whole");
    Training::create(task(), &whole, options()).unwrap().run().unwrap().done().unwrap();
    // Four epochs of three steps; no time is left.
    Training::create_in(task(), || folder(&run, 1e-3), stop_after(12)).unwrap().run().unwrap();
    let mut training = Training::resume(&run, stop_after(1)).unwrap();
    let said = training.replan().unwrap();
    assert!(said.starts_with("late: ") && said.ends_with("after 4.0 of 12 epochs; 1 follow in place of 8"), "{said}");
    training.run().unwrap();
    drop(training);
    assert_eq!(replanned(&run), [(4, 12, 5)]);
    // Whoever goes on does so with the new plan.
    let trained = Training::resume(&run, options()).unwrap().run().unwrap().done().unwrap();
    assert_eq!(trained.epochs, 5);
    let rates = |run: &Path| ends(run).iter().map(|end| end.learning_rate).collect::<Vec<_>>();
    let (planned, got) = (rates(&whole), rates(&run));
    assert_eq!(got, [&planned[..4], &planned[11..]].concat());
    assert_eq!(replanned(&run), [(4, 12, 5)]);
    assert!(fs::read_to_string(run.join("log.txt")).unwrap().contains("replanned: late: "));
    assert!(fs::read_to_string(run.join("SHA256SUMS")).unwrap().contains("  replan-1.json"));
}

#[test]
fn a_late_search_keeps_its_prunings_and_has_fewer_finalists() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let network = NetworkConfig { channels: 4, cells: 3, stem_multiplier: 1, layers: None, max_ops: None };
    let finalists = FinalistsConfig { candidates: 4, batch_size: 16, network, ..FinalistsConfig::default() };
    let config = SearchConfig { finalists: Some(finalists), ..of(MethodKind::Eoinas, 16) };
    Search::create_in(config, || folder(&run, 1e-3), stop_after(3)).unwrap().run().unwrap();
    let mut search = Search::resume(&run, options()).unwrap();
    let said = search.replan().unwrap();
    assert!(said.contains("then 2 finalists, at first trained for 1 epoch"), "{said}");
    let found = search.run().unwrap().done().unwrap();
    assert_eq!(found.finalists.len(), 2);
    let [(next, 16, epochs)] = replanned(&run)[..] else { panic!() };
    assert!(next == 2 && epochs < 16 && found.epochs as u64 == epochs, "{next} {epochs}");
    // One op is left on each edge.
    assert!(ends(&run).last().unwrap().search.as_ref().unwrap().alive_ops > 28);
    let pruned = events(&run).iter().filter(|event| matches!(event, Event::Pruned { .. })).count();
    assert_eq!(pruned, 7 * 28);
    drop(search);
    // What has its finals behind it is finished.
    assert!(Search::resume(&run, options()).is_err());
}

#[test]
fn what_is_in_time_stays_and_what_has_no_time_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (in_time, without) = (dir.path().join("in-time"), dir.path().join("without"));
    let task = || (tiny_training(), cell().into());
    Training::create_in(task(), || folder(&in_time, 1e6), stop_after(4)).unwrap().run().unwrap();
    let mut training = Training::resume(&in_time, options()).unwrap();
    let said = training.replan().unwrap();
    assert!(said.starts_with("in time: "), "{said}");
    training.run().unwrap();
    assert!(replanned(&in_time).is_empty() && !in_time.join("replan-1.json").exists());
    Training::create(task(), &without, stop_after(4)).unwrap().run().unwrap();
    // As if it had never been asked.
    assert!(essence(&in_time).len() > 3);
    let error = Training::resume(&without, options()).unwrap().replan().unwrap_err().to_string();
    assert!(error.starts_with("replan is given for a run without a time; expected a run whose"), "{error}");
}
