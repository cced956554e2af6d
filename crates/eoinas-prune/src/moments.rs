//! Mean and standard error of values that come one by one.

use serde::{Deserialize, Serialize};

/// Count, mean and spread (Welford, 1962) of how far values are above the centre of their batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "(u64, f64, f64, f64)", into = "(u64, f64, f64, f64)")]
pub(crate) struct Moments {
    pub count: u64,
    /// Mean of the values, each less its centre.
    pub mean: f64,
    /// Sum of the squared deviations from the mean.
    squares: f64,
    /// Mean of the centres.
    pub base: f64,
}

impl Moments {
    /// A value that is `above` its `centre`, the mean of the batch's `of` values (0 and 1 where there is none). Values of a
    /// batch that mean to 0 vary less by (of - 1) / of than they would by themselves, which is made up for: so errors of two
    /// ops add up as if they were independent.
    pub fn add(&mut self, above: f64, centre: f64, of: usize) {
        self.count = self.count.saturating_add(1);
        let (count, of) = (self.count as f64, of as f64);
        let before = above - self.mean;
        self.mean += before / count;
        self.base += (centre - self.base) / count;
        let own_part = if of > 1.0 { of / (of - 1.0) } else { 1.0 };
        self.squares += own_part * before * (above - self.mean);
    }

    /// Of the mean; `None` below two values.
    pub fn standard_error(&self) -> Option<f64> {
        let freedom = self.count.checked_sub(1).filter(|freedom| *freedom > 0)?;
        Some((self.squares.max(0.0) / freedom as f64 / self.count as f64).sqrt())
    }
}

impl From<(u64, f64, f64, f64)> for Moments {
    fn from((count, mean, squares, base): (u64, f64, f64, f64)) -> Self {
        Self { count, mean, squares, base }
    }
}

impl From<Moments> for (u64, f64, f64, f64) {
    fn from(Moments { count, mean, squares, base }: Moments) -> Self {
        (count, mean, squares, base)
    }
}
