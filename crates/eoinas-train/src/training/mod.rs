//! Training the network of a cell from scratch, from its settings to its accuracy.

mod average;
mod complete;
mod config;
mod data;
mod engine;
mod evaluate;
mod presets;
mod score;
mod setup;
mod state;
mod trained;
mod trainee;
mod trials;
mod validate;

pub use average::decay_of_update;
pub use config::{TrainConfig, TrainDataConfig};
pub use data::TrainData;
pub use engine::{TrainOutcome, Training};
pub use evaluate::evaluate_network;
pub use presets::{TrainPreset, UnknownTrainPreset};
pub use score::Score;
pub use setup::TrainOptions;
pub(crate) use setup::TrainParts;
pub use state::{BestEpoch, SavedTraining, TrainState};
pub use trained::Trained;
pub use trainee::Trainee;
pub use trials::{Trial, Trials, TrialsOutcome};
pub use validate::TrainConfigError;
