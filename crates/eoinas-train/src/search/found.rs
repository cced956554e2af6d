//! What a search found.

use eoinas_core::{Genotype, SearchSpace, Skeleton, count};
use serde::{Deserialize, Serialize};

use crate::error::Result;

/// The result of a search: `result.json` of a finished run, and what `--json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The cell's text.
    pub genotype: String,
    /// Accuracy of the derived one-path network with the supernet's weights, over the whole validation half; 0 to 1.
    pub validation_accuracy: f64,
    /// Its mean loss there.
    pub validation_loss: f64,
    /// The run's seed.
    pub seed: u64,
    /// Epochs.
    pub epochs: usize,
    /// Seconds over all sessions.
    pub seconds: f64,
    /// Parameters of the network to be trained with this cell ([`Skeleton::retraining`]).
    pub parameters: u64,
    /// Its multiply-adds for one image.
    pub multiply_adds: u64,
}

/// Parameters and multiply-adds of the network that `genotype` is trained in.
///
/// # Errors
/// A genotype of another space.
pub(crate) fn counts(genotype: &Genotype, search: &Skeleton, space: &SearchSpace) -> Result<count::Counts> {
    Ok(count::network(genotype, &search.retraining(), space)?)
}
