//! What is told of a run.

use std::time::{SystemTime, UNIX_EPOCH};

/// One thing to tell.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    /// The run begins, or goes on.
    Begin {
        name: String,
        tags: Vec<(String, String)>,
        params: Vec<(String, String)>,
        resumed: bool,
    },
    Metrics(Vec<Metric>),
    Tag(&'static str, String),
    /// A file by its name.
    Artefact(&'static str, String),
    /// How it ended: one of MLflow's words.
    End(&'static str),
}

/// A number at an epoch.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metric {
    pub key: String,
    pub value: f64,
    pub step: u64,
    /// Milliseconds since 1970.
    pub timestamp: u64,
}

impl Metric {
    /// `None`: not finite, which JSON has no number for. Names have only what MLflow takes in them.
    pub fn new(name: &str, value: f64, step: u64) -> Option<Self> {
        let is_known = |c: char| c.is_ascii_alphanumeric() || "_-. /".contains(c);
        let key = name.chars().map(|c| if is_known(c) { c } else { '_' }).collect();
        value.is_finite().then(|| Self { key, value, step, timestamp: now() })
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}
