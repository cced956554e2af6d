//! The program `eoinas`, command by command: what it and the workspace's examples are made of. Each module is one command:
//! its flags, which are its documentation too, and `run`.
//!
//! ```text
//! eoinas search                              find a cell
//! eoinas train --genotype FILE               train its network
//! eoinas images FOLDER                       both, for a folder of pictures
//! eoinas --help                              the rest
//! ```
//!
//! The crate's features are the parts that a search can do without: `images` (folders of pictures), `download` (CIFAR from its
//! home), `report` (pages, pictures, tables, studies), `mlflow`, `completions`; `cuda` and `emulation` are for GPUs.
#![forbid(unsafe_code)]

mod baselines;
pub mod bench;
mod cell;
mod choices;
#[cfg(feature = "images")]
pub mod classify;
#[cfg(feature = "report")]
pub mod compare;
#[cfg(feature = "completions")]
pub mod completions;
mod config_file;
pub mod count;
mod data;
pub mod demo;
pub mod doctor;
mod end;
#[cfg(all(feature = "images", feature = "report"))]
pub mod evaluate;
pub mod export;
mod flags;
mod host;
#[cfg(feature = "images")]
pub mod images;
pub mod import;
#[cfg(feature = "images")]
mod inputs;
pub mod latency;
mod limits;
#[cfg(feature = "mlflow")]
mod mlflow;
mod out;
mod page;
mod ranks;
#[cfg(feature = "report")]
pub mod report;
mod resume;
mod saved;
pub mod search;
mod share;
#[cfg(feature = "images")]
mod sight;
mod signals;
mod start;
mod then_train;
mod time;
pub mod train;

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use eoinas_kernels::simd::Level;

pub use start::Start;

/// An error of the program: it is shown, never matched.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// Seeds or cells that one command runs with at most.
const MOST_RUNS: u64 = 10_000;

/// Neural architecture search: from images to a small, accurate network.
///
/// EoiNAS (importance of operations, gradual pruning), other methods on the same loop, training, comparison, export.
/// `eoinas COMMAND --help` says more of each command.
#[derive(Debug, Parser)]
#[command(
    name = "eoinas",
    version,
    propagate_version = true,
    after_help = "\
Begin with:
  eoinas search                      find a cell on images that are built in; some minutes on two cores
  eoinas images my-pictures          from a folder of pictures, one subfolder a class, to a trained network
  eoinas doctor                      what this machine has, and what this program was built with"
)]
struct Program {
    #[command(subcommand)]
    command: Command,
}

/// Each command's flags are far larger than a pointer.
#[derive(Debug, Subcommand)]
enum Command {
    Search(Box<search::Args>),
    Train(Box<train::Args>),
    #[cfg(feature = "images")]
    Images(Box<images::Args>),
    #[cfg(feature = "images")]
    Classify(classify::Args),
    #[cfg(all(feature = "images", feature = "report"))]
    Evaluate(Box<evaluate::Args>),
    Export(export::Args),
    Demo(demo::Args),
    Import(import::Args),
    Count(count::Args),
    Latency(Box<latency::Args>),
    #[cfg(feature = "report")]
    Report(report::Args),
    #[cfg(feature = "report")]
    #[command(subcommand)]
    Compare(compare::Command),
    #[command(subcommand)]
    Bench(bench::Command),
    Doctor(doctor::Args),
    #[cfg(feature = "completions")]
    Completions(completions::Args),
}

impl Command {
    fn run(&self, start: &Start) -> Result<ExitCode, Error> {
        match self {
            Self::Search(args) => search::run(args, start),
            Self::Train(args) => train::run(args, start),
            #[cfg(feature = "images")]
            Self::Images(args) => ranks::refuse("images").and_then(|()| images::run(args, start)),
            #[cfg(feature = "images")]
            Self::Classify(args) => classify::run(args, start),
            #[cfg(all(feature = "images", feature = "report"))]
            Self::Evaluate(args) => evaluate::run(args, start),
            Self::Export(args) => export::run(args, start),
            Self::Demo(args) => demo::run(args, start),
            Self::Import(args) => import::run(args, start),
            Self::Count(args) => count::run(args, start),
            Self::Latency(args) => latency::run(args, start),
            #[cfg(feature = "report")]
            Self::Report(args) => report::run(args, start),
            #[cfg(feature = "report")]
            Self::Compare(command) => command.run(start),
            Self::Bench(command) => command.run(start),
            Self::Doctor(args) => doctor::run(args, start),
            #[cfg(feature = "completions")]
            Self::Completions(args) => completions::run(args, start),
        }
    }
}

/// Takes the vector instructions that the environment asks for (`EOINAS_SIMD`), instead of the widest.
///
/// # Errors
/// A name that there is not, or instructions that this CPU does not have.
fn choose_vectors() -> Result<(), Error> {
    const VARIABLE: &str = "EOINAS_SIMD";
    let Some(asked) = std::env::var_os(VARIABLE).filter(|asked| !asked.is_empty()) else { return Ok(()) };
    let level = asked.to_str().and_then(Level::named).ok_or_else(|| {
        let there: Vec<_> = Level::available().iter().map(|level| level.name()).collect();
        format!("{VARIABLE} is `{}`; this CPU has {}", asked.display(), there.join(", "))
    })?;
    level.choose();
    Ok(())
}

/// Runs `eoinas` with the arguments of this process.
pub fn program() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let start = Start::program(arguments.first().map(OsString::as_os_str));
    let mut command = Program::command();
    let parsed = command
        .try_get_matches_from_mut(arguments)
        .and_then(|matches| Ok((Program::from_arg_matches(&matches)?, matches)));
    match parsed {
        Ok((program, matches)) => {
            let (mut leaf, mut matches) = (&command, &matches);
            while let Some((name, below)) = matches.subcommand() {
                leaf = leaf.find_subcommand(name).unwrap_or(leaf);
                matches = below;
            }
            let start = start.with_flags_of(leaf);
            flags::speak_as(&start);
            end::end(choose_vectors().and_then(|()| program.command.run(&start)), &start)
        }
        Err(error) => end::usage(&error),
    }
}

/// Runs one command as the example `name`, with the arguments of this process.
///
/// ```no_run
/// eoinas_cli::example("cifar_search", eoinas_cli::search::run);
/// ```
pub fn example<A: clap::Args>(name: &'static str, run: fn(&A, &Start) -> Result<ExitCode, Error>) -> ExitCode {
    let start = Start::example();
    let mut command = A::augment_args(clap::Command::new(name)).version(env!("CARGO_PKG_VERSION"));
    if let Some(help) = command.get_after_help().map(ToString::to_string) {
        command = command.after_help(start.adapt(&help));
    }
    let parsed =
        command.try_get_matches_from_mut(std::env::args_os()).and_then(|matches| A::from_arg_matches(&matches));
    match parsed {
        Ok(args) => {
            let start = start.with_flags_of(&command);
            flags::speak_as(&start);
            end::end(choose_vectors().and_then(|()| run(&args, &start)), &start)
        }
        Err(error) => end::usage(&error),
    }
}
