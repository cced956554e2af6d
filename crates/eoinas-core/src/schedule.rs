//! Values that change over the epochs: learning rate, temperature, drop-path.

use std::fmt;

/// A value as a function of training progress. One trait serves learning rate, temperature and drop-path.
pub trait Schedule: fmt::Debug + Send + Sync {
    /// The value in `epoch` (from 0, may have a fraction within the epoch) of `epochs` in all.
    fn value(&self, epoch: f64, epochs: f64) -> f64;
}
