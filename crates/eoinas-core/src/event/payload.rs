//! The events that carry more than a few fields.

use serde::{Deserialize, Serialize};

use super::nan;
use crate::alive::AliveOps;
use crate::count::Counts;
use crate::models::ModelConfig;
use crate::skeleton::Skeleton;
use crate::space::{CellSpec, EdgeMap, EdgeOpTable, SearchSpace, read_cells};
use crate::target::{Measure, TargetInfo};

/// What a run is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// Find a cell.
    #[default]
    Search,
    /// Train the network of a found cell.
    Train,
    /// Measure a trained network.
    Evaluate,
}

/// What is fixed before the first step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// [`super::RECORD_VERSION`].
    pub record_version: u32,
    /// Version of the program that runs, for example `0.1.0`.
    pub program_version: String,
    /// What the run is for.
    pub task: Task,
    /// Name of the search method, or of what is trained.
    pub method: String,
    /// The space that is searched; `None` where there is no search and the genotype says all.
    pub space: Option<SpaceInfo>,
    /// The network that cells are stacked into; `None` where what is trained is no cell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skeleton: Option<Skeleton>,
    /// The seed of all random streams.
    pub seed: u64,
    /// How many epochs are planned.
    pub epochs: u64,
    /// The whole configuration, defaults filled in.
    pub config: serde_json::Value,
    /// The images.
    pub dataset: DatasetInfo,
    /// The genotype that is trained, in its versioned JSON form; `None` in a search.
    pub genotype: Option<serde_json::Value>,
    /// The human-designed network that is trained; `None` where there are cells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelInfo>,
    /// The command line that started the run, program first; empty where there was none.
    pub command: Vec<String>,
    /// What the record's scores are and which direction is better; `None` where they are accuracies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Measure>,
}

/// A human-designed network as it is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// Which.
    pub model: ModelConfig,
    /// Height, width and number of channels of its images.
    pub images: [usize; 3],
    /// What it costs.
    pub counts: Counts,
}

/// A search space as a reader needs it who does not have its ops.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpaceInfo {
    /// Its name.
    pub name: String,
    /// Names of the candidate ops; tables of ops have this order.
    pub ops: Vec<String>,
    /// Kinds of cell with their edges.
    #[serde(deserialize_with = "read_cells")]
    pub cells: Vec<CellSpec>,
}

impl From<&SearchSpace> for SpaceInfo {
    fn from(space: &SearchSpace) -> Self {
        Self {
            name: space.name().to_owned(),
            ops: space.ops().iter().map(|op| op.name().to_owned()).collect(),
            cells: space.cells().to_vec(),
        }
    }
}

/// The images of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// For example `cifar10`.
    pub name: String,
    /// Number of images that train weights.
    pub train_images: u64,
    /// Number of images that are only validated on, or in a search train the architecture parameters.
    pub valid_images: u64,
    /// Names of the classes, in the order of their labels; empty where there are none.
    pub classes: Vec<String>,
    /// What is to be said of a sample where that is no class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetInfo>,
}

impl DatasetInfo {
    /// What is to be said of a sample, for people: `10 classes`.
    pub fn answers(&self) -> String {
        self.target.as_ref().map_or_else(|| format!("{} classes", self.classes.len()), TargetInfo::describe)
    }
}

/// The result of an epoch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EpochEnd {
    /// The epoch.
    pub epoch: u64,
    /// Steps done over the whole run.
    pub steps: u64,
    /// Mean loss over the training images of the epoch in nats (of numbers their mean squared error, each standardised);
    /// `null` where it was not finite.
    #[serde(with = "nan")]
    pub train_loss: f64,
    /// Accuracy on them, 0..1, measured while training; 0 where the task has no classes.
    pub train_accuracy: f64,
    /// The score on them of a task without classes, measured while training; [`RunStarted::measure`] says what it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub train_score: Option<f64>,
    /// Mean loss over the validation images; `None` in an epoch that does not validate.
    pub valid_loss: Option<f64>,
    /// Accuracy on them, 0..1; `None` where the task has no classes.
    pub valid_accuracy: Option<f64>,
    /// The score on them of a task without classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_score: Option<f64>,
    /// Share of them whose class is among the five best, 0..1; `None` where it is not measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_top5: Option<f64>,
    /// Learning rate of the weights at the end of the epoch.
    pub learning_rate: f64,
    /// Probability of dropping a path at the end of the epoch; 0 without drop-path.
    #[serde(default)]
    pub drop_path: f64,
    /// Where the search stands, before the prunings that follow this epoch; `None` in a retraining.
    pub search: Option<SearchSnapshot>,
}

/// Where a search stands. Tables have one entry for each op of each edge, pruned ones included; what a pruned op's entry
/// says does not matter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SearchSnapshot {
    /// Whether only weights were trained in this epoch.
    pub warm_up: bool,
    /// Temperature of the samples; `None` for methods without one.
    pub temperature: Option<f64>,
    /// Which ops are alive.
    pub alive: AliveOps,
    /// How many they are, over all edges and kinds.
    pub alive_ops: u64,
    /// Mean entropy of `beta` over the edges of each kind of cell, in nats.
    pub entropy: Vec<f64>,
    /// Architecture parameters (logits).
    pub alphas: EdgeOpTable<f32>,
    /// Eq. 2: softmax of the alphas over the alive ops of each edge; 0 for pruned ones.
    pub beta: EdgeOpTable<f64>,
    /// Softmax of the architecture parameters of the edges that enter a node; `None` where edges have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edges: Option<EdgeMap<f64>>,
    /// C^e of Eq. 6: how often the op was run in weight steps of the current window; `None` for methods that do not count.
    pub counts: Option<EdgeOpTable<u64>>,
    /// C^a of Eq. 6: validation accuracy with the op, 0..1, of a task without classes the share that stands for it; `null` for
    /// an op that was not run.
    pub accuracies: Option<EdgeOpTable<Option<f64>>>,
    /// The method's indicator, for example I of Eq. 7; `null` for an op without evidence.
    pub indicator: Option<EdgeOpTable<Option<f64>>>,
    /// Text of the genotype that would be derived now, where the method can say.
    pub genotype: Option<String>,
}
