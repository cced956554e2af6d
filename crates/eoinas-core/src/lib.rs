//! The search space of cell-based neural architecture search, as data.
//!
//! No tensor library: ops, edges and cells ([`space`]), the network they are stacked into
//! ([`skeleton`], [`network`]), which ops are still alive on each edge ([`alive`]), genotypes and their text forms ([`genotype`]),
//! exact parameter and multiply-add counts ([`count`]), predicted latencies ([`latency`]), what a network costs as an objective
//! ([`cost`]), published cells ([`zoo`]), human-designed networks layer by layer ([`models`]), schedules, named random streams,
//! the events of a run ([`event`]) and the names of what it leaves on disk ([`run_folder`]). Files are only read, and only a
//! run's record and what a folder is; everything else works on values in memory.
#![forbid(unsafe_code)]

pub mod alive;
pub mod cost;
pub mod count;
pub mod error;
pub mod event;
pub mod file;
pub mod gates;
pub mod genotype;
pub mod latency;
pub mod models;
pub mod network;
pub mod op;
pub mod random;
pub mod run_folder;
pub mod schedule;
pub mod setting;
pub mod skeleton;
pub mod softmax;
pub mod space;
mod spelling;
pub mod statistics;
pub mod target;
mod words;
pub mod zoo;

pub use alive::AliveOps;
pub use cost::Cost;
pub use count::Counts;
pub use error::CoreError;
pub use event::{Event, Record};
pub use gates::{EdgeGates, Gate, Gates};
pub use genotype::{CellGenotype, Genotype, GenotypeEdge};
pub use network::NetworkSpec;
pub use op::{Op, OpShape, OpSpec};
pub use random::{SeedStream, Streams};
pub use schedule::ScheduleConfig;
pub use setting::Setting;
pub use skeleton::{Form, Skeleton};
pub use space::{CellKind, CellSpec, Edge, EdgeId, EdgeMap, EdgeOpTable, OpId, SearchSpace};
pub use spelling::nearest_name;
pub use target::{Measure, NumberInfo, Score, Target, TargetInfo, TargetKind, Targets, ValueKind};
pub use words::counted;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
