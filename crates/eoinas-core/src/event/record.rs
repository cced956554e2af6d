//! Events with their times, as lines of a file.

use std::{io, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{Event, RECORD_VERSION};

/// One line of `events.jsonl`: an event, its number, and the time.
///
/// The time is the only part that differs between two runs from one seed.
///
/// ```
/// use eoinas_core::Event;
/// use eoinas_core::event::Record;
/// let record = Record { seq: 7, elapsed_seconds: 1.5, event: Event::EpochStarted { epoch: 0, epochs: 160 } };
/// let line = record.to_line();
/// assert_eq!(line, r#"{"seq":7,"elapsed_seconds":1.5,"event":"epoch_started","epoch":0,"epochs":160}"#);
/// assert_eq!(Record::from_line(&line)?, record);
/// # Ok::<(), eoinas_core::event::RecordError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Number of the event in its run, from 0 without gaps.
    pub seq: u64,
    /// Seconds that the run has taken so far; the time between an interruption and going on is left out.
    pub elapsed_seconds: f64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// Why a line is no record, or a record cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Cut off, not JSON, an event that this version does not know, or a field that is missing.
    #[error("not a line of a run's record ({0}); a run that was killed may leave its last line unfinished")]
    Line(#[from] serde_json::Error),
    /// Written by a later version.
    #[error("the record has version {found}; this program reads up to version {RECORD_VERSION}, a later one is needed")]
    Version {
        /// The record's version.
        found: u32,
    },
    /// A line of a file that is no record.
    #[error("{path}, line {line}: {problem}", path = path.display())]
    At {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        problem: Box<RecordError>,
    },
    /// The file cannot be opened or read.
    #[error("cannot read {path}: {source}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Record {
    /// The record as JSON without line breaks.
    pub fn to_line(&self) -> String {
        // No event holds anything that JSON cannot say: keys are strings, and numbers that are not finite become null.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads one line.
    pub fn from_line(line: &str) -> Result<Self, RecordError> {
        // The version comes first: a later record may have fields of another shape.
        if let Ok(Version { record_version: found }) = serde_json::from_str(line)
            && found > RECORD_VERSION
        {
            return Err(RecordError::Version { found });
        }
        Ok(serde_json::from_str(line)?)
    }
}

/// The field that only the first event has.
#[derive(Deserialize)]
struct Version {
    record_version: u32,
}
