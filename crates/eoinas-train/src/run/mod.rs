//! The one loop of everything that runs for long: what is searched or trained is its [`Job`].

pub mod checkpoint;
mod engine;
pub(crate) mod estimate;
pub mod halt;
mod job;
mod known_data;
pub mod lock;
pub mod machine;
pub mod memory;
pub mod observer;
mod options;
mod outcome;
pub(crate) mod plain;
mod replan;
pub mod run_dir;
mod run_writer;
mod same;
pub mod session;
mod state;
mod step;
pub mod stop;
mod sums;
pub mod tally;

pub use engine::Run;
pub use job::{About, Around, Job};
pub use known_data::DataFolder;
pub(crate) use known_data::absolute;
pub use options::Options;
pub use outcome::Outcome;
pub use replan::{Course, TimePlan};
pub use run_writer::RunWriter;
pub(crate) use same::{check_same, compare, first_difference};
pub use state::{Best, State};
pub use tally::Tally;

/// The first event of some run.
#[cfg(test)]
pub(crate) fn started_for_tests() -> eoinas_core::event::RunStarted {
    let job = <crate::search::SearchJob as Job>::new(crate::SearchConfig::quick(), &mut Options::default());
    job.unwrap_or_else(|error| panic!("{error}")).about().started
}
