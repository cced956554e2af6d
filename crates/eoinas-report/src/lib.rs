//! From a run's record to what people look at.
//!
//! Everything is made from `events.jsonl` alone ([`record`]), whether the run is done, goes on, was killed, or left a
//! damaged file: the cell as a drawn graph ([`cell`]), plots ([`plot`], [`story`]), one self-contained page ([`page`]),
//! tables as papers have them ([`tables`]), TensorBoard event files ([`tensorboard`]). [`write()`] makes them all.
//!
//! How a trained network does on pictures whose classes are known has a page of its own ([`evaluation`]).
#![forbid(unsafe_code)]

pub mod cell;
mod error;
pub mod evaluation;
mod format;
mod id;
pub mod page;
pub mod plot;
#[cfg(feature = "png")]
pub mod png;
pub mod record;
mod show;
mod statistics;
pub mod story;
mod svg;
pub mod table;
pub mod tables;
pub mod tensorboard;
mod theme;
mod write;

pub use error::ReportError;
pub use id::Id;
pub use record::{Run, Source};
pub use show::show;
pub use table::Table;
pub use write::{Options, Written, write};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
