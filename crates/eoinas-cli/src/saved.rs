//! A saved network that a command is given.

use std::path::Path;

use candle_core::Device;
use eoinas_nn::saved::{NETWORK, SavedNetwork};
use eoinas_train::memory::{Footprint, Work};

use crate::Error;

/// Reads the network in the folder `model`, with at most so many ops, to compute on `images` images at a time.
///
/// # Errors
/// A network that cannot be read, or has no room in memory: what a description says of sizes may be anything.
pub(crate) fn open(
    model: &Path,
    max_ops: Option<usize>,
    (images, device): (usize, &Device),
) -> Result<SavedNetwork, Error> {
    let mut saved = SavedNetwork::read(model)?;
    let architecture = &mut saved.description.architecture;
    architecture.set_max_ops(max_ops);
    let wrong = |problem: String| format!("{}: {problem}", model.join(NETWORK).display());
    let footprint = Footprint::of(architecture).map_err(|error| wrong(error.to_string()))?;
    if let Some(shortage) = footprint.shortage(Work::Inference, images, device) {
        let [height, width, _] = architecture.images();
        return Err(wrong(format!("{shortage}; its images are {height} x {width} pixels")).into());
    }
    Ok(saved)
}
