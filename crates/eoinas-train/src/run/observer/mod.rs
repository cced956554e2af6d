//! Who watches a run: records, logs and progress displays.

mod display;
mod jsonl;
mod log;
mod phase;
mod repair;

use std::{fmt, path::Path, time::Instant};

use eoinas_core::{Event, event::Record};

use crate::{error::Result, stop::Progress};

pub use display::{ProgressBar, ProgressLines, Said, progress_display, progress_display_after};
pub use jsonl::{JsonlRecord, Resumed};
pub use log::{TextLog, log_lines};
pub use phase::phase_display;

/// Sees what happens in a run.
pub trait Observer: fmt::Debug + Send {
    /// The run that it sees is in this folder. Called once, before anything happens. Default: nothing.
    fn opened(&mut self, _run: &Path) {}

    /// Something happened. Events are the same in every run from one seed; the record's time is not.
    ///
    /// # Errors
    /// What cannot be written ([`TrainError::Observer`](crate::TrainError::Observer) for anything else). It ends the run.
    fn observe(&mut self, record: &Record) -> Result<()>;

    /// A step is done. Called often; for displays.
    fn progress(&mut self, _progress: &Progress, _elapsed_seconds: f64) {}
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
    pub fn emit(&mut self, event: Event) -> Result<()> {
        let record = self.number(event);
        self.tell(&record)
    }

    /// The event with its number and time.
    pub(crate) fn number(&mut self, event: Event) -> Record {
        let counts = !matches!(event, Event::Resumed { .. });
        let record = Record { seq: self.events, elapsed_seconds: self.elapsed_seconds(), event };
        self.events += u64::from(counts);
        record
    }

    /// Tells everybody what [`Observers::number`] made.
    pub(crate) fn tell(&mut self, record: &Record) -> Result<()> {
        self.list.iter_mut().try_for_each(|observer| observer.observe(record))
    }

    /// Tells displays where the run stands.
    pub fn progress(&mut self, progress: &Progress) {
        let elapsed = self.elapsed_seconds();
        self.list.iter_mut().for_each(|observer| observer.progress(progress, elapsed));
    }
}
