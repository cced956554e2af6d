//! How long each part of a network takes while it runs.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// Laps from one end of a part to the next.
#[derive(Debug)]
pub(crate) struct Clock {
    last: Cell<Instant>,
    laps: RefCell<Vec<Duration>>,
}

impl Clock {
    /// A clock whose first lap begins now.
    pub fn new() -> Self {
        Self { last: Cell::new(Instant::now()), laps: RefCell::default() }
    }

    /// Ends a lap, and begins the next.
    pub fn lap(&self) {
        let now = Instant::now();
        self.laps.borrow_mut().push(now - self.last.replace(now));
    }

    /// All laps.
    pub fn into_laps(self) -> Vec<Duration> {
        self.laps.into_inner()
    }
}
