//! Records of far more cells than a search has.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use std::{fs, path::Path};

use common::{Made, search};
use eoinas_core::{Event, Record, event::FinalistRound, run_folder::names};
use eoinas_report::{Options, write};

const MANY: usize = 16_712;

/// A report, which a quadratic one would not end in a bearable time.
fn report(dir: &Path) {
    write(&[dir.to_owned()], &Options { out: Some(dir.join("out")), tensorboard: true, ..Options::default() }).unwrap();
}

/// The record of a search, changed.
fn changed(dir: &Path, change: impl Fn(&mut Vec<Event>)) {
    search(dir, 6, Made::Whole);
    let path = dir.join(names::EVENTS);
    let text = fs::read_to_string(&path).unwrap();
    let mut events: Vec<Event> = text.lines().map(|line| Record::from_line(line).unwrap().event).collect();
    change(&mut events);
    let record = |(seq, event): (u64, Event)| Record { seq, elapsed_seconds: seq as f64, event }.to_line() + "\n";
    fs::write(path, (0..).zip(events).map(record).collect::<String>()).unwrap();
}

/// A space of as many kinds of cell is none.
#[test]
fn kinds_of_cell_are_bounded() {
    let dir = tempfile::tempdir().unwrap();
    changed(dir.path(), |events| {
        if let Event::RunStarted(started) = &mut events[0] {
            let cells = &mut started.space.as_mut().unwrap().cells;
            *cells = (0..MANY).map(|at| cells[at % 2].clone()).collect();
        }
    });
    let run = eoinas_report::record::read(dir.path()).unwrap();
    assert!(run.problems.iter().any(|problem| problem.text.contains("16712 kinds of cell")), "{:?}", run.problems);
    report(dir.path());
}

/// Those that got furthest have names, and all are drawn.
#[test]
fn finalists_may_be_many() {
    let dir = tempfile::tempdir().unwrap();
    changed(dir.path(), |events| {
        let at = events.len() - 3;
        let round = |index: usize, round: u32| Event::Evaluated {
            what: "finalist".to_owned(),
            accuracy: (index * 7919 % MANY) as f64 / MANY as f64,
            loss: 1.0,
            images: 500,
            score: None,
            finalist: Some(Box::new(FinalistRound {
                genotype: format!("Genotype({index})"),
                round,
                epochs: u64::from(round),
                parameters: 1000,
                multiply_adds: (index * 104_729 % MANY) as u64,
            })),
        };
        let rounds = (0..MANY).map(|index| round(index, 1)).chain((0..MANY / 2).map(|index| round(index, 2)));
        events.splice(at..at, rounds);
    });
    report(dir.path());
    let run = eoinas_report::record::read(dir.path()).unwrap();
    let sections = eoinas_report::story::sections(&run).unwrap();
    let finals = sections.iter().find(|section| section.title == "The finals").unwrap();
    assert_eq!(finals.tables[0].1.rows.len(), MANY);
    assert_eq!(finals.figures[1].svg.matches(">\ncell ").count(), 24);
}
