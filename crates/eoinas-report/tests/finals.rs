//! The finals of a search on its page.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::{Made, search};
use eoinas_core::{Event, Record, event::FinalistRound, run_folder::names};

/// Adds finals to a search's record: three cells, the second of which is the result, and two of them in a second round.
fn add_finals(dir: &std::path::Path) {
    let path = dir.join(names::EVENTS);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut events: Vec<Event> = text.lines().map(|line| serde_json::from_str::<Record>(line).unwrap().event).collect();
    let winner = events.iter().find_map(|event| match event {
        Event::Derived { text, .. } => Some(text.clone()),
        _ => None,
    });
    let winner = winner.unwrap();
    let round = |genotype: &str, round: u32, accuracy: f64, multiply_adds: u64| Event::Evaluated {
        what: "finalist".to_owned(),
        accuracy,
        loss: 1.0,
        images: 500,
        score: None,
        finalist: Some(Box::new(FinalistRound {
            genotype: genotype.to_owned(),
            round,
            epochs: u64::from(round),
            parameters: 1000,
            multiply_adds,
        })),
    };
    let cheap = "Genotype(cheap <b>)";
    let finals = [
        round(cheap, 1, 0.40, 2_000_000),
        round(&winner, 1, 0.45, 3_000_000),
        round("Genotype(costly)", 1, 0.30, 4_000_000),
        round(cheap, 2, 0.50, 2_000_000),
        round(&winner, 2, 0.60, 3_000_000),
    ];
    let at = events.len() - 3;
    events.splice(at..at, finals);
    let lines = events.into_iter().enumerate().map(|(seq, event)| {
        serde_json::to_string(&Record { seq: seq as u64, elapsed_seconds: seq as f64, event }).unwrap() + "\n"
    });
    std::fs::write(path, lines.collect::<String>()).unwrap();
}

#[test]
fn finals_are_drawn_by_cost_and_by_round() {
    let dir = tempfile::tempdir().unwrap();
    search(dir.path(), 6, Made::Whole);
    add_finals(dir.path());
    let mut run = eoinas_report::record::read(dir.path()).unwrap();
    // Without what was evaluated after them.
    run.evaluations.pop();
    assert_eq!(run.score().unwrap().0, 0.60);
    run.evaluations.retain(|of| of.score != 0.60);
    assert_eq!(run.score().unwrap().0, 0.45);
    let run = eoinas_report::record::read(dir.path()).unwrap();
    let sections = eoinas_report::story::sections(&run).unwrap();
    let finals = sections.iter().find(|section| section.title == "The finals").unwrap();
    let titles: Vec<&str> = finals.figures.iter().map(|figure| figure.title.as_str()).collect();
    assert_eq!(titles, ["Finalists by cost", "Finalists by round"]);
    assert!(finals.text.contains("--genotype"), "{}", finals.text);
    let (_, table) = &finals.tables[0];
    assert_eq!(table.header, ["cell", "1 epoch", "2 epochs", "parameters", "multiply-adds", "genotype"]);
    let cells: Vec<&str> = table.rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(cells, ["cell 1, the result, front/2.txt", "cell 2, front/1.txt", "cell 3"]);
    assert_eq!(table.rows[2][1..5], ["0.3", "", "1000", "4000000"]);
    // Networks that were made equally large have no front.
    let mut run = run;
    run.started.as_mut().unwrap().config = serde_json::json!({ "limits": { "parameters": 1000 } });
    let sections = eoinas_report::story::sections(&run).unwrap();
    let finals = sections.iter().find(|section| section.title == "The finals").unwrap();
    let cells: Vec<&str> = finals.tables[0].1.rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(cells, ["cell 1, the result", "cell 2", "cell 3"]);
}
