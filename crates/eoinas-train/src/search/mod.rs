//! A search from its settings to its cell.

mod complete;
mod context;
mod engine;
mod found;
mod setup;
mod snapshot;

pub use context::{Batches, SearchContext};
pub use engine::{Outcome, Search};
pub use found::Found;
pub use setup::SearchOptions;

pub(crate) use setup::SearchParts;
