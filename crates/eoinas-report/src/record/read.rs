//! From the lines of `events.jsonl` to a run.

use std::path::Path;

use eoinas_core::{
    Event, Record, counted,
    event::{RecordLine, RecordReader},
    genotype::MAX_BYTES,
    run_folder::names,
};

use super::run::{Derived, Evaluation, Problem, Pruning, Run, Stop, Timed};
use crate::error::Result;

/// Kinds of cell of a space, at most.
const MOST_KINDS: usize = 64;

/// Reads the record in a run's folder.
///
/// # Errors
/// There is no `events.jsonl`, or it cannot be opened. What is wrong inside it becomes [`Run::problems`].
pub fn read(dir: &Path) -> Result<Run> {
    let mut reader = RecordReader::open(&dir.join(names::EVENTS))?;
    let name = dir.canonicalize().ok().and_then(|full| Some(full.file_name()?.to_string_lossy().into_owned()));
    let mut run = Run { name: name.unwrap_or_else(|| "run".to_owned()), dir: dir.to_owned(), ..Run::default() };
    let mut expected = 0;
    loop {
        let line = match reader.next_line().transpose().or_else(|| reader.unfinished_line().transpose()) {
            Some(Ok(line)) => line,
            Some(Err(error)) => {
                run.problems.push(Problem { line: None, text: format!("the rest is missing: {error}") });
                break;
            }
            None => break,
        };
        take_line(&mut run, line, &mut expected);
    }
    if run.started.is_none() {
        let text = "the first event, which names the settings, the images and the command, is missing";
        run.problems.push(Problem { line: None, text: text.to_owned() });
    }
    if let Some(cell) = run.genotype_text().filter(|_| run.genotype().is_none()) {
        let bytes = counted(cell.len(), "byte", "bytes");
        let text =
            format!("the cell is left out: its text of {bytes} is none that is read, which has {MAX_BYTES} at most");
        run.problems.push(Problem { line: None, text });
    }
    Ok(run)
}

/// `expected` is the number of the next event.
fn take_line(run: &mut Run, RecordLine { number, record, .. }: RecordLine, expected: &mut u64) {
    let mut problem = |text| run.problems.push(Problem { line: Some(number), text });
    match record {
        Ok(record) => {
            if record.seq > *expected {
                problem(format!("events {expected} to {} are missing before this line", record.seq - 1));
            }
            *expected = record.seq.saturating_add(1);
            take(run, number, record);
        }
        Err(error) => {
            *expected += 1;
            problem(error.to_string());
        }
    }
}

fn take(run: &mut Run, number: usize, record: Record) {
    let seconds = record.elapsed_seconds;
    run.seconds = run.seconds.max(seconds);
    match record.event {
        Event::RunStarted(mut started) => {
            // Each is drawn: of more than any space has, none.
            let kinds = started.space.as_ref().map_or(0, |space| space.cells.len());
            if kinds > MOST_KINDS {
                let text = format!("the space has {kinds} kinds of cell, more than the {MOST_KINDS} that one can have");
                run.problems.push(Problem { line: Some(number), text });
                started.space = None;
            }
            run.started = Some(*started);
        }
        Event::EpochEnd(end) => {
            // Of an epoch that is told twice, the later telling counts. So they are in order, and the last are looked at.
            while run.epochs.pop_if(|known| known.what.epoch >= end.epoch).is_some() {}
            run.epochs.push(Timed { seconds, what: *end });
        }
        Event::Pruned { epoch, kind, edge, op, name, reason, indicator, evidence } => {
            run.prunings.push(Pruning { epoch, kind, edge, op, name, reason, indicator, evidence });
        }
        Event::Warning { text } | Event::Replanned { text, .. } => run.warnings.push(text),
        Event::Evaluated { what, accuracy, loss, images, score, finalist } => {
            run.evaluations.push(Evaluation { what, score: score.unwrap_or(accuracy), loss, images, finalist });
        }
        Event::Derived { text, parameters, multiply_adds, .. } => {
            run.derived = Some(Derived { text, parameters, multiply_adds });
        }
        Event::Stopped { reason, detail } => run.stop = Some(Stop { reason, detail }),
        Event::RunEnded { .. } => run.ended = true,
        Event::EpochStarted { .. } => run.stop = None,
        // Displays and checkpoints have no place in a report; neither have events of a later version.
        _ => {}
    }
}
