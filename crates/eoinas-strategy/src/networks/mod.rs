//! Small networks that strategies train: layers whose weights are drawn from a strategy's own generator, and Adam.

mod adam;
mod gates;
mod layers;

pub(crate) use adam::Adam;
pub(crate) use layers::{Embedding, Linear, Lstm, Weights};

use candle_core::{Error, Result};

/// Runs it on one thread: of such small tensors none is worth more, and waiting for others takes most of the time.
pub(crate) fn on_one_thread<T: Send>(run: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(Error::wrap)?.install(run)
}
