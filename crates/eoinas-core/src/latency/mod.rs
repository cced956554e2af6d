//! How long a network takes, predicted from what its parts take.
//!
//! A network for evaluation runs its parts one after the other, so that its latency is their sum. [`parts`] names them in the
//! order in which they run, and a [`LatencyTable`] knows each at some widths: measured on a machine, or read from a file of
//! somebody else's device.

mod parts;
mod table;

pub use parts::{Part, parts};
pub use table::LatencyTable;
