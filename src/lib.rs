//! Neural architecture search that finds a small, accurate image network for one's own pictures.
//!
//! The method is EoiNAS ("Exploiting Operation Importance for Differentiable Neural Architecture Search"): a supernet of
//! candidate operations, one path sampled per step with Gumbel-softmax, an importance indicator of architecture weight
//! and validation accuracy over training iterations, and gradual pruning of the worst operation of every edge.
//!
//! A search, here on very few images of the embedded set:
//!
//! ```
//! use eoinas::prelude::*;
//!
//! let runs = tempfile::tempdir()?;
//! let mut config = SearchConfig { epochs: 2, batch_size: 16, ..SearchConfig::quick() };
//! config.data.train_images = Some(64);
//! config.network.channels = 4;
//! config.network.cells = 3;
//! let mut search = Search::create(config, &runs.path().join("mine"), Options::default())?;
//! match search.run()? {
//!     Outcome::Done(found) => println!("{}", found.genotype),
//!     Outcome::Stopped(reason) => println!("stopped: {reason}"),
//! }
//! assert!(runs.path().join("mine/genotype.txt").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The pieces are crates of their own, so that a project can take one: the search space and genotypes ([`core`]), the
//! sampler ([`gumbel`]), pruning by importance ([`prune`]), ask-and-tell strategies ([`strategy`]), data sets and loader
//! ([`data`]), kernels ([`kernels`]), supernet and derived networks ([`nn`]), ONNX export ([`onnx`]), the search loop
//! ([`train`]), pictures and pages from the record of a run (`report`, with the feature of that name).
#![forbid(unsafe_code)]

pub use eoinas_core as core;
pub use eoinas_data as data;
pub use eoinas_gumbel as gumbel;
pub use eoinas_kernels as kernels;
pub use eoinas_nn as nn;
pub use eoinas_onnx as onnx;
pub use eoinas_prune as prune;
#[cfg(feature = "report")]
pub use eoinas_report as report;
pub use eoinas_strategy as strategy;
pub use eoinas_train as train;

/// What most programs need.
pub mod prelude {
    pub use eoinas_core::{Genotype, Op, OpShape, OpSpec, SearchSpace, Skeleton, Streams};
    pub use eoinas_data::Dataset;
    pub use eoinas_gumbel::Relaxation;
    pub use eoinas_nn::Operations;
    pub use eoinas_prune::{EdgeView, Indicator, OpView};
    pub use eoinas_train::{
        Observer, Options, Outcome, Search, SearchConfig, SearchMethod, StopRule, TrainConfig, TrainError, Training,
    };
}
