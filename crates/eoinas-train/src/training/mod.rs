//! Training the network of a cell from scratch, from its settings to its accuracy.

mod average;
mod class_weights;
mod config;
mod data;
mod evaluate;
mod init;
mod job;
mod linear;
mod network;
mod presets;
mod trained;
mod trainee;
mod validate;

pub use average::decay_of_update;
pub use config::{ClassWeights, EarlyStopping, EpochValues, Fold, TrainConfig, TrainDataConfig};
pub use data::TrainData;
pub use evaluate::evaluate_network;
pub use init::InitConfig;
pub(crate) use job::parse_genotype;
pub use job::{SavedTraining, TrainJob, Training};
pub use linear::LinearClassifier;
pub use presets::TrainPreset;
pub use trained::Trained;
pub use trainee::Trainee;
