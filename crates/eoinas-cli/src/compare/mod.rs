//! `eoinas compare`: studies of several methods and seeds, which are stopped, gone on with and added to.

pub mod ablation;
pub mod correlation;
mod evidence;
pub mod front;
mod method;
pub mod nas_bench_201;
pub mod paper;
mod scale;
mod settings;
pub mod strategies;
mod strategy;
mod table;

use std::process::ExitCode;

use clap::Subcommand;

use crate::{Error, Start};

/// Compare methods on the same loop, data, budget and seeds, with mean and deviation.
///
/// A study that was stopped goes on with the same command, and one with more seeds or methods adds to it. Processes that are started
/// with the same command, on one machine or on several with a common folder, share the work. `eoinas report` makes a page of a
/// study's folder.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ablation(Box<ablation::Args>),
    Correlation(Box<correlation::Args>),
    #[command(name = "nas-bench-201")]
    NasBench201(Box<nas_bench_201::Args>),
    Front(Box<front::Args>),
    Paper(Box<paper::Args>),
    Strategies(Box<strategies::Args>),
}

impl Command {
    pub(crate) fn run(&self, start: &Start) -> Result<ExitCode, Error> {
        match self {
            Self::Ablation(args) => ablation::run(args, start),
            Self::Correlation(args) => correlation::run(args, start),
            Self::NasBench201(args) => nas_bench_201::run(args, start),
            Self::Front(args) => front::run(args, start),
            Self::Paper(args) => paper::run(args, start),
            Self::Strategies(args) => strategies::run(args, start),
        }
    }
}
