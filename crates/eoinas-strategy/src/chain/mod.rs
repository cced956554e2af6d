//! What MetaQNN and EAS choose from: networks that are chains of plain layers ([`Chain`]).

mod growth;
mod space;

pub use eoinas_core::models::{Chain, ChainLayer};
pub use growth::Growth;
pub use space::{ChainSpace, ChainState, ChainStep};
