//! Operation importance: statistics, indicators, pruning schedules and the derivation of cells, on numbers alone.
//!
//! Any trainer can use it. It tells [`PruneState`] which op each edge ran in its weight steps and how accurate the network
//! was in its architecture steps, asks a [`PruneScheduleConfig`] when to prune, and gets back which ops to drop and, at the
//! end, the cells.
//!
//! ```
//! use eoinas_core::{AliveOps, EdgeOpTable, Gate, Gates, SearchSpace};
//! use eoinas_prune::{EoiNas, Periodic, PruneState, StatisticsConfig};
//!
//! let space = SearchSpace::darts();
//! let alphas = EdgeOpTable::filled(&space, 0f32); // your trainer's; it moves them by gradient descent
//! let mut state = PruneState::new(&space, StatisticsConfig::default())?;
//! let schedule = Periodic { first: 2, every: 1, count: 7 };
//! let epochs = 8;
//!
//! for epoch in 1..=epochs {
//!     for step in 0..16 {
//!         // Your trainer: one op an edge, the same for all edges here, and `sep_conv_3x3` (4) is the best of them.
//!         let run = |alive: &AliveOps| {
//!             let op = |id| alive.ops(id).nth(step % alive.count(id)).unwrap_or(0);
//!             Gates::from_fn(&space, |id| vec![Gate { op: op(id), value: 1.0 }])
//!         };
//!         let gates = run(state.alive());
//!         let accuracy = if gates.kinds[0][0][0].op == 4 { 0.9 } else { 0.4 };
//!         state.record_weight_step(&gates)?;
//!         state.record_arch_step(&gates, accuracy)?;
//!     }
//!     let prunings = schedule.prunings_after(epoch, epochs);
//!     state.prune(&space, &alphas, &EoiNas::default(), prunings)?;
//! }
//!
//! let genotype = state.derive(&space, &alphas, &EoiNas::default())?;
//! assert!(genotype.cells[0].nodes.iter().flatten().all(|input| input.op.name() == "sep_conv_3x3"));
//! # Ok::<(), eoinas_prune::PruningError>(())
//! ```
//!
//! Beneath it are pure functions: [`decide`] takes one pruning's decisions from [`Evidence`] and an [`Indicator`],
//! [`derive()`] makes cells of scores and [`edge_strengths`], [`derive_from_beta`] does so for methods without pruning.
#![forbid(unsafe_code)]

mod decide;
mod derive;
mod error;
mod indicator;
mod indicators;
mod moments;
mod schedule;
mod state;
mod statistics;

pub use decide::{PruneDecision, PruneReason, decide};
pub use derive::{derive, derive_from_beta, edge_strengths};
pub use error::PruningError;
pub use indicator::{EdgeView, Evidence, Indicator, OpView};
pub use indicators::{Beta, EoiNas, IndicatorConfig, ScaleFree};
pub use schedule::{Never, Periodic, PruneScheduleConfig, Stretched};
pub use state::{Due, PruneState, Waiting};
pub use statistics::{AccuracyUpdate, CountWindow, Statistics, StatisticsConfig};
