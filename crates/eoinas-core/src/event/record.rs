//! Events with their times, as lines of a file.

use serde::{Deserialize, Serialize};

use super::{Event, RECORD_VERSION};
use crate::error::CoreError;

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
/// # Ok::<(), eoinas_core::CoreError>(())
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

impl Record {
    /// The record as JSON without line breaks.
    pub fn to_line(&self) -> String {
        // No event holds anything that JSON cannot say: keys are strings, and numbers that are not finite become null.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads one line.
    pub fn from_line(line: &str) -> Result<Self, CoreError> {
        // The version comes first: a later record may have fields of another shape.
        if let Ok(Version { record_version: found }) = serde_json::from_str(line)
            && found > RECORD_VERSION
        {
            let problem = format!(
                "the record has version {found}; this program reads up to version {RECORD_VERSION}, a later one is needed"
            );
            return Err(CoreError::Version { problem });
        }
        Ok(serde_json::from_str(line)?)
    }
}

/// The field that only the first event has.
#[derive(Deserialize)]
struct Version {
    record_version: u32,
}
