//! `eoinas bench`: measurements of this machine.

mod exchanged;
pub mod gpu;
pub mod inference;
pub mod step;

use std::process::ExitCode;

use clap::{Subcommand, builder::RangedU64ValueParser};

use candle_core::Device;
use eoinas_train::memory::{Footprint, Work};

use crate::{Error, Start};

/// Repetitions and batches: no numbers that memory ends at.
pub(crate) fn small() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(0..=100_000)
}

/// Refuses a network that has no room in memory. `sizes` are the flags that make it so large.
///
/// # Errors
/// What is missing.
fn check_room(footprint: Footprint, (work, images): (Work, usize), device: &Device, sizes: &str) -> Result<(), Error> {
    match footprint.shortage(work, images, device) {
        Some(shortage) => Err(format!("{shortage}; lower {sizes}").into()),
        None => Ok(()),
    }
}

/// Measure this machine: a search step, a network at work, a GPU against the CPU.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Step(step::Args),
    Inference(inference::Args),
    Gpu(gpu::Args),
}

impl Command {
    pub(crate) fn run(&self, start: &Start) -> Result<ExitCode, Error> {
        match self {
            Self::Step(args) => step::run(args, start),
            Self::Inference(args) => inference::run(args, start),
            Self::Gpu(args) => gpu::run(args, start),
        }
    }
}
