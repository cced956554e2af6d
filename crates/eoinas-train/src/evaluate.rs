//! How good a genotype is with the supernet's weights.

use eoinas_core::{Gates, Genotype};
use eoinas_data::Loader;
use eoinas_nn::{PassOptions, Supernet, Wanted};

use crate::{data::to_device, error::Result, tally::Tally};

/// Loss and score of the one-path network of `genotype` over all images of `loader`, with the supernet's weights.
///
/// BatchNorm's statistics are those of each evaluated batch on this very path, never those of the paths that were sampled
/// in training.
///
/// # Errors
/// A genotype that does not fit the supernet, images that cannot be read.
pub fn evaluate_genotype(supernet: &Supernet, genotype: &Genotype, loader: &Loader) -> Result<Tally> {
    evaluate_gates(supernet, &genotype.gates(supernet.space())?, loader)
}

/// The same of any gates.
///
/// # Errors
/// As [`evaluate_genotype`].
pub fn evaluate_gates(supernet: &Supernet, gates: &Gates, loader: &Loader) -> Result<Tally> {
    evaluate_batches(supernet, gates, (loader, usize::MAX))
}

/// The same over so many mini-batches at most.
pub(crate) fn evaluate_batches(supernet: &Supernet, gates: &Gates, (loader, most): (&Loader, usize)) -> Result<Tally> {
    let mut tally = Tally::default();
    for batch in loader.epoch(0, 0).take(most) {
        let batch = to_device(batch?, supernet.device())?;
        let output = supernet.pass(&batch, gates, Wanted::NOTHING, &PassOptions::default())?;
        tally.add(Tally::from(&output));
    }
    Ok(tally.scored(supernet.task().as_ref()))
}
