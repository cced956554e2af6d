//! Ask-and-tell strategies of architecture search, with exchangeable evaluators. No tensor library, but with the feature `nao`.
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
pub mod chain;
mod choices;
#[cfg(feature = "nao")]
mod eas;
mod error;
mod evaluator;
mod evolution;
pub mod front;
pub mod genetic_cnn;
pub mod hierarchical;
mod latencies;
pub mod metaqnn;
#[cfg(feature = "nao")]
mod nao;
mod neighbours;
#[cfg(feature = "nao")]
mod networks;
mod nsga2;
mod predictor;
mod random;
mod reinforce;
mod search;
mod smbo;
mod strategy;
mod table;

#[cfg(feature = "nao")]
pub use eas::{DenseGrowth, Eas, EasConfig, Grows};
pub use error::StrategyError;
pub use evaluator::{EvaluateError, Evaluation, Evaluator};
pub use evolution::Evolution;
pub use genetic_cnn::{GeneticCnn, GeneticCnnConfig};
pub use hierarchical::{Hierarchical, HierarchicalConfig};
pub use latencies::ArchitectureLatencies;
pub use metaqnn::{MetaQnn, MetaQnnConfig};
#[cfg(feature = "nao")]
pub use nao::{Nao, NaoConfig};
pub use neighbours::{Neighbour, neighbours};
pub use nsga2::Nsga2;
pub use predictor::{LinearPredictor, TrainedCell, Worth};
pub use random::RandomSearch;
pub use reinforce::Reinforce;
pub use search::{Entry, History, StrategySearch};
pub use smbo::{Smbo, SmboConfig};
pub use strategy::Strategy;
pub use table::{Column, NasBench201Table, Row, TabularEvaluator};
