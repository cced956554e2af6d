//! The loops of EoiNAS: searching for a cell and training its network, with methods, state, checkpoints, observers and
//! stop rules.
//!
//! [`Run`] is the loop: it has the [`State`], tells [`Observer`]s what happens and asks [`StopRule`]s whether to go on, and
//! saves checkpoints that a killed run resumes from to the same bytes. What it does is its [`Job`]: a [`Search`] asks a
//! [`SearchMethod`] what a step does.
//!
//! ```no_run
//! use eoinas_train::{Options, Outcome, Search, SearchConfig};
//!
//! let config = SearchConfig { epochs: 8, ..SearchConfig::quick() };
//! let mut search = Search::create(config, "runs/mine".as_ref(), Options::default())?;
//! match search.run()? {
//!     Outcome::Done(found) => println!("{}", found.genotype),
//!     Outcome::Stopped(reason) => println!("stopped: {reason}"),
//! }
//! # Ok::<(), eoinas_train::TrainError>(())
//! ```
//!
//! A [`Training`] trains the network of a cell from scratch. Several runs of one job are [`Runs`]: [`Seeds`], [`Trials`].
//!
//! ```no_run
//! use eoinas_core::Genotype;
//! use eoinas_train::{Options, Outcome, TrainConfig, Training};
//!
//! let genotype = Genotype::parse(&std::fs::read_to_string("runs/mine/genotype.txt")?)?;
//! let config = TrainConfig { epochs: 30, ..TrainConfig::quick() };
//! let mut training = Training::create((config, genotype.into()), "runs/mine-trained".as_ref(), Options::default())?;
//! if let Outcome::Done(trained) = training.run()? {
//!     println!("{:.2} % of the test images", 100.0 * trained.accuracy);
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod batch;
pub mod blocks;
pub mod budget;
pub mod claims;
pub mod config;
pub mod data;
mod error;
pub mod evaluate;
pub mod evaluators;
pub mod finalists;
pub mod learner;
pub mod method;
pub mod methods;
pub mod plan;
pub mod probes;
pub mod ranks;
pub mod run;
pub mod search;
pub mod training;

pub use batch::{Runs, Seeds, Trials};
pub use claims::{Claim, Claims, Part};
pub use config::{MethodConfig, MethodKind, Preset, SearchConfig};
pub use error::{Result, TrainError};
pub use evaluators::{SupernetEvaluator, TrainingEvaluator};
pub use finalists::{DrawnBy, Finalist, FinalistsConfig};
pub use halt::{Flow, Halt};
pub use learner::{ArchGradient, Learner, LearnerSettings};
pub use lock::Lock;
pub use method::{Identity, SearchMethod, Step, StepReport};
pub use observer::Observer;
pub use plan::{EpochPlan, Plan, Stage, Timetable};
pub use run::{
    Best, Job, Options, Outcome, Run, RunWriter, State, checkpoint, halt, lock, machine, memory, observer, run_dir,
    session, stop, tally,
};
pub use run_dir::RunDir;
pub use search::{Found, OnFront, SavedSearch, Search, SearchContext};
pub use stop::{StopReason, StopRule};
pub use tally::Tally;
pub use training::{LinearClassifier, TrainConfig, TrainPreset, Trained, Training};
