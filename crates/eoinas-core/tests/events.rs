//! Every event survives its line, and a broken line is an error.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use eoinas_core::event::{
    DatasetInfo, EpochEnd, OpEvidence, PruneEvidence, RECORD_VERSION, Record, RunStarted, SearchSnapshot, SpaceInfo,
    Task,
};
use eoinas_core::{AliveOps, CellKind, CoreError, EdgeId, EdgeMap, EdgeOpTable, Event, SearchSpace, Skeleton};
use proptest::prelude::*;

fn run_started() -> RunStarted {
    RunStarted {
        record_version: RECORD_VERSION,
        program_version: "0.1.0".into(),
        task: Task::Search,
        method: "eoinas".into(),
        space: Some(SpaceInfo::from(&SearchSpace::darts())),
        skeleton: Some(Skeleton::search()),
        seed: u64::MAX,
        epochs: 160,
        config: serde_json::json!({"lambda": 0.5, "preset": "paper"}),
        dataset: DatasetInfo {
            name: "cifar10".into(),
            train_images: 25_000,
            valid_images: 25_000,
            classes: vec![],
            target: None,
        },
        genotype: None,
        model: None,
        command: vec!["cifar_search".into(), "--seed".into(), "1".into()],
        measure: None,
    }
}

fn snapshot() -> SearchSnapshot {
    let space = SearchSpace::darts();
    let mut alive = AliveOps::all(&space);
    alive.prune(EdgeId { kind: CellKind(1), edge: 13 }.op(7)).unwrap();
    SearchSnapshot {
        warm_up: false,
        temperature: Some(0.1),
        alive,
        alive_ops: 223,
        entropy: vec![2.0794415416798357, 1.0],
        alphas: EdgeOpTable::filled(&space, 0.1f32),
        beta: EdgeOpTable::filled(&space, 0.125),
        edges: Some(EdgeMap::filled(&space, 0.25)),
        counts: Some(EdgeOpTable::filled(&space, 49)),
        accuracies: Some(EdgeOpTable::filled(&space, None)),
        indicator: Some(EdgeOpTable::filled(&space, Some(0.1 + 0.2))),
        genotype: None,
    }
}

fn every_event() -> Vec<Event> {
    let text = || "a \"quoted\" text,\nof two lines".to_owned();
    vec![
        Event::RunStarted(Box::new(run_started())),
        Event::Resumed { epoch: 1, step: 391, checkpoint: "step-000000391".into() },
        Event::EpochStarted { epoch: 1, epochs: 160 },
        Event::EpochEnd(Box::new(EpochEnd { search: Some(snapshot()), ..EpochEnd::default() })),
        Event::EpochEnd(Box::default()),
        Event::Pruned {
            epoch: 39,
            kind: CellKind(0),
            edge: 3,
            op: 0,
            name: "none".into(),
            reason: "lowest_indicator".into(),
            indicator: vec![(0, Some(0.1)), (1, None)],
            evidence: None,
        },
        Event::Pruned {
            epoch: 39,
            kind: CellKind(1),
            edge: 0,
            op: 3,
            name: "skip_connect".into(),
            reason: "lowest_beta".into(),
            indicator: vec![],
            evidence: Some(PruneEvidence {
                next: 1,
                next_name: "max_pool_3x3".into(),
                ops: vec![
                    OpEvidence { op: 1, draws: 1, mean: 0.1 + 0.2, error: None },
                    OpEvidence { op: 3, draws: 12, mean: 0.5, error: Some(0.01) },
                ],
            }),
        },
        Event::Warning { text: text() },
        Event::CheckpointSaved { step: 15_640, name: "checkpoints/step-000015640".into() },
        Event::Evaluated { what: text(), accuracy: 0.91, loss: 0.3, images: 25_000, score: None, finalist: None },
        Event::Derived {
            text: text(),
            genotype: serde_json::json!({"format": "eoinas-genotype"}),
            parameters: Some(3_349_342),
            multiply_adds: None,
        },
        Event::Stopped { reason: "interrupted".into(), detail: text() },
        Event::RunEnded { epochs: 160, steps: 62_560 },
    ]
}

#[test]
fn every_event_survives_its_line() {
    for (seq, event) in (0..).zip(every_event()) {
        let name = event.name();
        let record = Record { seq, elapsed_seconds: 0.1 * seq as f64, event };
        let line = record.to_line();
        assert!(!line.contains('\n'));
        assert!(line.contains(&format!("\"event\":\"{name}\"")), "{line}");
        assert_eq!(Record::from_line(&line).unwrap(), record);
    }
}

#[test]
fn a_loss_that_is_not_finite_is_null() {
    let event = Event::Evaluated {
        what: "x".into(),
        accuracy: 0.1,
        loss: f64::INFINITY,
        images: 1,
        score: None,
        finalist: None,
    };
    let line = Record { seq: 0, elapsed_seconds: 0.0, event }.to_line();
    assert!(line.contains("\"loss\":null"), "{line}");
    let Event::Evaluated { loss, .. } = Record::from_line(&line).unwrap().event else { panic!("another event") };
    assert!(loss.is_nan());
}

#[test]
fn later_versions_and_unknown_events_are_told_apart() {
    let later = RunStarted { record_version: RECORD_VERSION + 1, ..run_started() };
    let line = Record { seq: 0, elapsed_seconds: 0.0, event: Event::RunStarted(Box::new(later)) }.to_line();
    assert!(matches!(Record::from_line(&line), Err(CoreError::Version { problem }) if problem.contains("version 3;")));
    let other_shape = r#"{"seq":"0","event":"run_started","record_version":4}"#;
    assert!(
        matches!(Record::from_line(other_shape), Err(CoreError::Version { problem }) if problem.contains("version 4;"))
    );
    let unknown = r#"{"seq":0,"elapsed_seconds":0,"event":"danced"}"#;
    assert!(matches!(Record::from_line(unknown), Err(CoreError::Line(_))));
}

#[test]
fn a_space_of_more_nodes_than_there_can_be_is_not_read() {
    let line = Record { seq: 0, elapsed_seconds: 0.0, event: Event::RunStarted(Box::new(run_started())) }.to_line();
    Record::from_line(&line).unwrap();
    for (name, count) in [("nodes", "4294967296"), ("nodes", "257"), ("inputs", "65"), ("inputs", "0")] {
        let place = line.find(&format!("\"{name}\":")).unwrap() + name.len() + 3;
        let mut line = line.clone();
        line.replace_range(place..=place, count);
        let error = Record::from_line(&line).unwrap_err().to_string();
        assert!(error.contains(&format!("has {count} in")) && error.contains("it needs 1 to "), "{error}");
    }
}

#[test]
fn fields_that_a_later_version_adds_do_not_matter() {
    let line = r#"{"seq":0,"elapsed_seconds":0,"event":"epoch_started","epoch":1,"epochs":2,"mood":"good"}"#;
    assert_eq!(Record::from_line(line).unwrap().event, Event::EpochStarted { epoch: 1, epochs: 2 });
}

proptest! {
    #[test]
    fn a_line_cut_off_anywhere_is_an_error(cut in any::<prop::sample::Index>()) {
        for event in every_event() {
            let line = Record { seq: 1, elapsed_seconds: 2.0, event }.to_line();
            let end = cut.index(line.len());
            if let Some(part) = line.get(..end) {
                prop_assert!(Record::from_line(part).is_err());
            }
        }
    }

    #[test]
    fn tables_keep_every_bit(values in prop::collection::vec(any::<f32>().prop_filter("finite", |v| v.is_finite()), 8)) {
        let mut search = snapshot();
        search.alphas[EdgeId { kind: CellKind(0), edge: 3 }].copy_from_slice(&values);
        let event = Event::EpochEnd(Box::new(EpochEnd { search: Some(search), ..EpochEnd::default() }));
        let record = Record { seq: 1, elapsed_seconds: 2.0, event };
        prop_assert_eq!(Record::from_line(&record.to_line()).unwrap(), record);
    }
}
