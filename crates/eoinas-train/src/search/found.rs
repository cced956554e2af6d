//! What a search found.

use eoinas_core::{Genotype, SearchSpace, Skeleton, count, skeleton::Form};
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
    /// Parameters of the network to be trained with this cell ([`retraining_skeleton`]).
    pub parameters: u64,
    /// Its multiply-adds for one image.
    pub multiply_adds: u64,
}

/// The network that a cell found with `search` is trained in, by the paper: 20 cells with C = 36 for images like
/// CIFAR's, 14 cells with C = 48 from 128 pixels on; the benchmark's own network, 5 cells a stage with C = 16, for a cell
/// of NAS-Bench-201.
pub fn retraining_skeleton(search: &Skeleton) -> Skeleton {
    let large = search.height.min(search.width) >= 128;
    let skeleton = match search.form {
        Form::NasBench201 => Skeleton::nas_bench_201(5),
        _ if large => Skeleton::imagenet(),
        _ => Skeleton::cifar(),
    };
    skeleton.with_classes(search.classes).with_image(search.image_channels, search.height, search.width)
}

/// Parameters and multiply-adds of the network that `genotype` is trained in.
///
/// # Errors
/// A genotype of another space.
pub(crate) fn counts(genotype: &Genotype, search: &Skeleton, space: &SearchSpace) -> Result<count::Counts> {
    Ok(count::network(genotype, &retraining_skeleton(search), space)?)
}
