//! The one loop of everything that runs for long: what is searched or trained is its [`Job`].

pub mod checkpoint;
mod engine;
pub(crate) mod estimate;
pub mod halt;
mod job;
pub mod machine;
pub mod observer;
mod options;
mod outcome;
pub mod run_dir;
mod same;
pub mod session;
mod state;
pub mod stop;
pub mod tally;

pub use engine::Run;
pub use job::{About, Around, Job};
pub use options::Options;
pub use outcome::Outcome;
pub(crate) use same::{check_same, first_difference};
pub use state::{Best, State};
pub use tally::Tally;
