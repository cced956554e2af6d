//! `eoinas compare`: studies of several methods and seeds, which are stopped, gone on with and added to.

pub mod ablation;
pub mod correlation;
mod evidence;
pub mod front;
mod method;
pub mod nas_bench_201;
pub mod paper;
mod scale;
pub mod strategies;
mod strategy;
mod table;

use std::{ops::ControlFlow, path::Path, process::ExitCode};

use clap::Subcommand;
use eoinas_train::{Lock, StopReason};

use crate::{
    Error, Start, end,
    out::{self, tell},
};

/// Compare methods on the same loop, data, budget and seeds, with mean and deviation.
///
/// A study that was stopped goes on with the same command, and one with more seeds or methods adds to it. `eoinas report`
/// makes a page of a study's folder.
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

/// The right to write to a study's folder, which is made where it is not there.
///
/// # Errors
/// Another process has it; a folder that cannot be written.
fn write_to(out: &Path) -> Result<Lock, Error> {
    let lock = Lock::take_new(out)?;
    lock.note().into_iter().for_each(out::note);
    Ok(lock)
}

/// Ends a study: reports what came out, or says how to go on with one that was stopped.
///
/// # Errors
/// Those of `report`.
fn end<T>(outcome: ControlFlow<StopReason, T>, report: impl FnOnce(T) -> Result<(), Error>) -> Result<ExitCode, Error> {
    match outcome {
        ControlFlow::Continue(cases) => report(cases).map(|()| ExitCode::SUCCESS),
        ControlFlow::Break(reason) => {
            tell!("stopped: {reason}; the same command goes on with it");
            Ok(end::exit_code(&reason))
        }
    }
}
