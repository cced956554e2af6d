//! Processes that work on one batch together.
//!
//! Each of them, a *rank*, runs the same program on the same settings and draws the same random numbers; of a batch it computes
//! its own images alone ([`crate::share`]). What is summed over images is exchanged piece by piece and added in the order of the
//! batch, so that every rank has the same bytes, and so has one process alone.

mod ranks;
mod threads;

pub use ranks::{Collective, among, current};
pub use threads::Threads;
