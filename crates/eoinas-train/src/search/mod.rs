//! A search from its settings to its cell.

mod collapse;
mod context;
mod found;
mod front;
mod job;
mod snapshot;
mod warnings;

pub use context::{Batches, SearchContext};
pub use found::{Found, OnFront};
pub use job::{SavedSearch, Search, SearchJob};
