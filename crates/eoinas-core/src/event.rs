//! What happens in a run, as typed events: progress displays, records and reports are made of these alone.

use serde::{Deserialize, Serialize};

/// One event. Written as one JSON line each in `events.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {}
