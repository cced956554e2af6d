//! What a search found.

use eoinas_core::{Measure, Score};
use serde::{Deserialize, Serialize};

use crate::{config::NetworkSize, finalists::Finalist};

/// The result of a search: `result.json` of a finished run, and what `--json` prints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The cell's text.
    pub genotype: String,
    /// Accuracy of the derived one-path network with the supernet's weights, over the whole validation half; 0 to 1, and 0
    /// where the task has no classes. After finals that of the last training, on the held-out images.
    pub validation_accuracy: f64,
    /// Its score of a task without classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_score: Option<Score>,
    /// Its mean loss there.
    pub validation_loss: f64,
    /// The run's seed.
    pub seed: u64,
    /// Epochs.
    pub epochs: usize,
    /// Seconds over all sessions.
    pub seconds: f64,
    /// Parameters of the network to be trained with this cell ([`crate::SearchConfig::retrained`]). Without `paper_form`, as results of
    /// version 0.1.0 are, they and the multiply-adds are of that form.
    pub parameters: u64,
    /// Its multiply-adds for one image.
    pub multiply_adds: u64,
    /// Its milliseconds by the table of a limit on latency, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
    /// The network in which the cell would be trained at full size, by the paper ([`eoinas_core::Skeleton::retraining`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper_form: Option<NetworkSize>,
    /// Number of channels and cells of the network to be trained, where the result says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<usize>,
    /// See `channels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cells: Option<usize>,
    /// Whether nothing was trained before that was measured, so that it says nothing of the cell: ops were probed, and no finals
    /// followed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untrained: bool,
    /// What speaks against the cell: signs of a collapse, or an accuracy of a network that was not trained.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// The cells that were compared by trainings, the result first; none without finals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub finalists: Vec<Finalist>,
    /// Those of them that no other one is both better and cheaper than, by multiply-adds, the cheapest first
    /// ([`eoinas_strategy::front::front_of_rounds`]). None where all were made equally large, by `finalists.equal_cost` or by limits.
    /// The result is not among them where another one was better and cheaper, but not by more than chance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub front: Vec<OnFront>,
}

/// A cell of a search's front.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OnFront {
    /// Its place among the finalists, from 0.
    pub finalist: usize,
    /// Its text's file, in the folder of the search.
    pub file: String,
    /// The network to be trained with it.
    pub network: NetworkSize,
}

impl Found {
    /// How good the derived network is: by its accuracy, or the score that takes its place.
    pub fn score(&self) -> Score {
        let accuracy = || Score { measure: Measure::accuracy(), value: self.validation_accuracy };
        self.validation_score.clone().unwrap_or_else(accuracy)
    }
}
