//! What an interrupt within a step has to know of it.

use std::time::{Duration, Instant};

use crate::checkpoint::Content;

/// A step that takes less is waited for.
const LONG: Duration = Duration::from_secs(2);

/// The step that a run is in, and how long the one before took.
#[derive(Debug, Default)]
pub(super) struct StepUnderWay {
    /// It has begun and not ended: what learns is neither the state before it nor the one after.
    is_torn: bool,
    /// The state before it, unless that is a checkpoint or the step is short.
    before: Option<Content>,
    /// The last one that ended.
    took: Duration,
}

impl StepUnderWay {
    /// Whether the next step may take long, as the last one did.
    pub fn is_long(&self) -> bool {
        self.took >= LONG
    }

    /// A step begins; `before` is the state where that has to be kept.
    pub fn begin(&mut self, before: Option<Content>) -> Instant {
        (self.is_torn, self.before) = (true, before);
        Instant::now()
    }

    /// It has ended.
    pub fn end(&mut self, begun: Instant) {
        *self = Self { took: begun.elapsed(), ..Self::default() };
    }

    /// What is to be saved where the run stops within a step: the state before it, or nothing, where that is saved. `None`: it stops
    /// between two.
    pub fn content_before(&mut self) -> Option<Option<Content>> {
        self.is_torn.then(|| self.before.take())
    }
}
