//! From the lines of `events.jsonl` to a run.

use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::Path,
};

use eoinas_core::{Event, Record};

use super::run::{Derived, Evaluation, Problem, Pruning, Run, Stop, Timed};
use crate::error::{ReportError, Result};

/// The lines of a record from a place on, whole ones only; can be asked again while the run goes on.
#[derive(Debug)]
pub struct Lines {
    file: BufReader<File>,
    offset: u64,
}

impl Lines {
    /// Opens a record.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|source| ReportError::Read { path: path.to_owned(), source })?;
        Ok(Self { file: BufReader::new(file), offset: 0 })
    }

    /// The next line without its line break, and whether it has one; `None` at the end. Bytes that are no text are
    /// replaced. A line without a break is not passed over: it may be whole the next time.
    fn next_line(&mut self, last: bool) -> std::io::Result<Option<String>> {
        let mut bytes = Vec::new();
        self.file.read_until(b'\n', &mut bytes)?;
        let whole = bytes.pop_if(|byte| *byte == b'\n').is_some();
        if !whole && (bytes.is_empty() || !last) {
            self.file.seek(SeekFrom::Start(self.offset))?;
            return Ok(None);
        }
        self.offset += bytes.len() as u64 + u64::from(whole);
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Every event that is whole by now and was not given before. Lines that cannot be read are passed over.
    ///
    /// # Errors
    /// The file cannot be read any more.
    pub fn new_events(&mut self) -> std::io::Result<Vec<Record>> {
        let mut events = Vec::new();
        while let Some(line) = self.next_line(false)? {
            events.extend(Record::from_line(&line).ok());
        }
        Ok(events)
    }
}

/// Reads the record in a run's folder.
///
/// # Errors
/// There is no `events.jsonl`, or it cannot be opened. What is wrong inside it becomes [`Run::problems`].
pub fn read(dir: &Path) -> Result<Run> {
    let path = dir.join("events.jsonl");
    let name = dir.canonicalize().ok().and_then(|full| Some(full.file_name()?.to_string_lossy().into_owned()));
    let mut run = Run { name: name.unwrap_or_else(|| "run".to_owned()), dir: dir.to_owned(), ..Run::default() };
    let mut lines = Lines::open(&path)?;
    let (mut number, mut expected) = (0, 0);
    loop {
        number += 1;
        let line = match lines.next_line(true) {
            Ok(Some(line)) => line,
            Ok(None) => break,
            Err(error) => {
                run.problems.push(Problem { line: Some(number), text: format!("cannot be read further: {error}") });
                break;
            }
        };
        if line.trim().is_empty() {
            continue;
        }
        match Record::from_line(&line) {
            Ok(record) => {
                if record.seq > expected {
                    let text = format!("events {expected} to {} are missing before this line", record.seq - 1);
                    run.problems.push(Problem { line: Some(number), text });
                }
                expected = record.seq.saturating_add(1);
                take(&mut run, record);
            }
            Err(error) => {
                expected += 1;
                run.problems.push(Problem { line: Some(number), text: error.to_string() });
            }
        }
    }
    if run.started.is_none() {
        let text = "the first event, which names the settings, the images and the command, is missing";
        run.problems.push(Problem { line: None, text: text.to_owned() });
    }
    Ok(run)
}

fn take(run: &mut Run, record: Record) {
    let seconds = record.elapsed_seconds;
    run.seconds = run.seconds.max(seconds);
    match record.event {
        Event::RunStarted(started) => run.started = Some(*started),
        Event::Step(step) => run.steps.push(step),
        Event::EpochEnd(end) => {
            // Of an epoch that is told twice, the later telling counts.
            run.epochs.retain(|known| known.what.epoch < end.epoch);
            run.epochs.push(Timed { seconds, what: *end });
        }
        Event::Pruned { epoch, kind, edge, op, name, reason, indicator } => {
            run.prunings.push(Pruning { epoch, kind, edge, op, name, reason, indicator });
        }
        Event::Warning { text } => run.warnings.push(text),
        Event::Evaluated { what, accuracy, loss, images } => {
            run.evaluations.push(Evaluation { what, accuracy, loss, images });
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
