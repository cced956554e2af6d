//! The loops of EoiNAS: searching for a cell and training its network, with methods, state, checkpoints, observers and
//! stop rules.
//!
//! [`Search`] is the engine: one loop that owns the [`SearchState`], asks a [`SearchMethod`] what a step does, tells
//! [`Observer`]s what happens and [`StopRule`]s whether to go on, and saves checkpoints that a killed run resumes from
//! to the same bytes.
//!
//! ```no_run
//! use eoinas_train::{Outcome, Search, SearchConfig, SearchOptions};
//!
//! let config = SearchConfig { epochs: 8, ..SearchConfig::quick() };
//! let mut search = Search::create(config, "runs/mine".as_ref(), SearchOptions::default())?;
//! match search.run()? {
//!     Outcome::Found(found) => println!("{}", found.genotype),
//!     Outcome::Stopped(reason) => println!("stopped: {reason}"),
//! }
//! # Ok::<(), eoinas_train::TrainError>(())
//! ```
//!
//! [`Training`] trains the network of a cell from scratch in the same surroundings; [`Trials`] does so with several
//! seeds or random cells.
//!
//! ```no_run
//! use eoinas_core::Genotype;
//! use eoinas_train::{TrainConfig, TrainOptions, TrainOutcome, Training};
//!
//! let genotype = Genotype::parse(&std::fs::read_to_string("runs/mine/genotype.txt")?)?;
//! let config = TrainConfig { epochs: 30, ..TrainConfig::quick() };
//! let mut training = Training::create(config, genotype, "runs/mine-trained".as_ref(), TrainOptions::default())?;
//! if let TrainOutcome::Trained(trained) = training.run()? {
//!     println!("{:.2} % of the test images", 100.0 * trained.accuracy);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod blocks;
pub mod checkpoint;
pub mod config;
pub mod data;
mod error;
pub mod estimate;
pub mod evaluate;
pub mod evaluators;
pub mod halt;
pub mod learner;
pub mod machine;
pub mod method;
pub mod methods;
pub mod observer;
pub mod plan;
pub mod run_dir;
pub mod search;
pub mod seeds;
pub mod session;
mod settings;
pub mod state;
pub mod stop;
pub mod tally;
pub mod training;

pub use checkpoint::CheckpointError;
pub use config::{MethodConfig, MethodKind, Preset, SearchConfig};
pub use error::{Result, TrainError};
pub use evaluators::{SupernetEvaluator, TrainingEvaluator};
pub use halt::{Flow, Halt};
pub use learner::{ArchGradient, Learner, LearnerSettings};
pub use method::{Identity, SearchMethod, Step, StepReport};
pub use observer::{Observer, ObserverError};
pub use plan::{EpochPlan, Plan, Stage, Timetable};
pub use run_dir::{RunDir, RunDirError};
pub use search::{Found, Outcome, Search, SearchContext, SearchOptions};
pub use seeds::Seeds;
pub use state::{SavedSearch, SearchState};
pub use stop::{StopReason, StopRule};
pub use tally::Tally;
pub use training::{TrainConfig, TrainOptions, TrainOutcome, TrainPreset, Trained, Training, Trials};
