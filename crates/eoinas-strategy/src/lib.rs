//! Ask-and-tell strategies of architecture search, with exchangeable evaluators. No tensor library.
//!
//! A [`Strategy`] proposes a genotype and learns its score; an [`Evaluator`] gives the score (the table of
//! NAS-Bench-201, a supernet, a short training, a closure); [`StrategySearch`] is the loop between them.
//! [`front`] is about two objectives, a score and a cost, which [`Nsga2`] searches by.
//!
//! ```
//! use eoinas_core::{Genotype, SearchSpace};
//! use eoinas_strategy::{Evaluation, Evolution, StrategySearch};
//!
//! // A toy score: the share of the six edges that are 3x3 convolutions.
//! let convolutions = |genotype: &Genotype| {
//!     let ops = genotype.cells.iter().flat_map(|cell| cell.nodes.iter().flatten());
//!     Evaluation::of(ops.filter(|edge| edge.op.name() == "nor_conv_3x3").count() as f64 / 6.0)
//! };
//! let strategy = Evolution::new(SearchSpace::nas_bench_201());
//! let mut search = StrategySearch::new(strategy, convolutions, 100, 0);
//! search.run(|_| {})?;
//! let best = search.history().best().unwrap();
//! assert!(best.evaluation.score > 0.8);
//! # Ok::<(), eoinas_strategy::StrategyError>(())
//! ```
#![forbid(unsafe_code)]

mod architectures;
mod choices;
mod error;
mod evaluator;
mod evolution;
pub mod front;
mod latencies;
mod neighbours;
mod nsga2;
mod random;
mod reinforce;
mod search;
mod smbo;
mod strategy;
mod table;

pub use error::StrategyError;
pub use evaluator::{EvaluateError, Evaluation, Evaluator};
pub use evolution::Evolution;
pub use latencies::ArchitectureLatencies;
pub use neighbours::{Neighbour, neighbours};
pub use nsga2::Nsga2;
pub use random::RandomSearch;
pub use reinforce::Reinforce;
pub use search::{Entry, History, StrategySearch};
pub use smbo::{Smbo, SmboConfig};
pub use strategy::Strategy;
pub use table::{Column, NasBench201Table, Row, TabularEvaluator};
