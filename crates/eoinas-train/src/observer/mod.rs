//! Who watches a run: records, logs and progress displays.

mod display;
mod jsonl;
mod log;

use std::{fmt, io, path::PathBuf, time::Instant};

use eoinas_core::{
    Event,
    event::{Record, RecordError},
};

use crate::stop::Progress;

pub use display::{ProgressBar, ProgressLines, progress_display};
pub use jsonl::JsonlRecord;
pub use log::{TextLog, log_lines};

/// Sees what happens in a run.
pub trait Observer: fmt::Debug + Send {
    /// Something happened. Events are the same in every run from one seed; the record's time is not.
    ///
    /// # Errors
    /// What cannot be written. It ends the run.
    fn observe(&mut self, record: &Record) -> Result<(), ObserverError>;

    /// A step is done. Called often; for displays.
    fn progress(&mut self, _progress: &Progress, _elapsed_seconds: f64) {}
}

/// A record that cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ObserverError {
    /// No permission, no space.
    #[error("cannot write {path}: {source}; free space or fix its permissions, then go on with --resume", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The record of the run that is to be resumed cannot be read.
    #[error("cannot read {path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The record ends before the checkpoint does, or has a line that is none.
    #[error("{path}, line {line}: {problem}; the record is damaged, so the run cannot be resumed with it", path = path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        problem: String,
    },
    /// An observer of a user's own.
    #[error("{message}")]
    Other {
        /// What went wrong.
        message: String,
    },
}

impl From<RecordError> for ObserverError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::File { path, source } => Self::Read { path, source },
            RecordError::At { path, line, problem } => {
                Self::Record { path, line: line as u64, problem: problem.to_string() }
            }
            other => Self::Other { message: other.to_string() },
        }
    }
}

/// All observers of a run, the numbers of its events and its clock.
#[derive(Debug)]
pub struct Observers {
    list: Vec<Box<dyn Observer>>,
    events: u64,
    /// Seconds of the sessions before this one.
    before: f64,
    start: Instant,
}

impl Observers {
    /// The observers of a run that has already had `events` events and taken `before` seconds.
    pub fn new(list: Vec<Box<dyn Observer>>, events: u64, before: f64) -> Self {
        Self { list, events, before, start: Instant::now() }
    }

    /// Adds one.
    pub fn push(&mut self, observer: Box<dyn Observer>) {
        self.list.push(observer);
    }

    /// Number of events so far.
    pub fn events(&self) -> u64 {
        self.events
    }

    /// Seconds that the run has taken so far, over all its sessions.
    pub fn elapsed_seconds(&self) -> f64 {
        self.before + self.start.elapsed().as_secs_f64()
    }

    /// Tells everybody. [`Event::Resumed`] is for displays alone and has no number of its own.
    ///
    /// # Errors
    /// The first observer that fails.
    pub fn emit(&mut self, event: Event) -> Result<(), ObserverError> {
        let counts = !matches!(event, Event::Resumed { .. });
        let record = Record { seq: self.events, elapsed_seconds: self.elapsed_seconds(), event };
        self.events += u64::from(counts);
        self.list.iter_mut().try_for_each(|observer| observer.observe(&record))
    }

    /// Tells displays where the run stands.
    pub fn progress(&mut self, progress: &Progress) {
        let elapsed = self.elapsed_seconds();
        self.list.iter_mut().for_each(|observer| observer.progress(progress, elapsed));
    }
}
