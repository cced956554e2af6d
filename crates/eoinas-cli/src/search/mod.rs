//! `eoinas search`: the paper's Algorithm 1, and other methods on the same loop.

mod args;
mod begin;
mod download;
mod go_on;
mod report;
mod settings;
mod shared;

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::ExitCode,
};

use eoinas_core::run_folder::names;
use eoinas_train::{Found, Outcome, RunDir, SearchConfig, Trained};

use crate::{
    Error, Start,
    baselines::{Baselines, Plan},
    config_file, flags,
    host::Host,
    out, page,
    ranks::Ranks,
    resume,
    share::Several,
    then_train,
};
pub use args::Args;
#[cfg(feature = "report")]
pub(crate) use begin::fitted;

/// Searches, and trains the found cell's network where that is wanted.
///
/// # Errors
/// Settings that cannot work; a run that fails.
pub fn run(args: &Args, start: &Start) -> Result<ExitCode, Error> {
    resume::check_replan(args.replan, args.resume.as_deref())?;
    if args.print_config {
        let (base, config) = settings::of(args)?;
        out::text(&config_file::to_toml(&config, &base)?);
        return Ok(ExitCode::SUCCESS);
    }
    args.page.check()?;
    if let Some(ranks) = Ranks::join()? {
        return ranks.end(|ranks| shared::run(args, ranks, start));
    }
    args.resume.as_deref().map_or(Ok(()), |path| resume::check(path, "search", start))?;
    let host = args.host.open()?.saying_notes_once().with_max_steps(args.max_steps);
    let work = || {
        let (folder, config, outcome) = match search(args, &host)? {
            ControlFlow::Continue(ended) => ended,
            ControlFlow::Break(code) => return Ok(ControlFlow::Break(code)),
        };
        let then = match outcome {
            Outcome::Done(_) => then(&folder, &host)?,
            Outcome::Stopped(_) => None,
        };
        Ok(ControlFlow::Continue((folder, config, outcome, then)))
    };
    let (folder, config, outcome, then) = match args.host.run(work)? {
        ControlFlow::Continue(ended) => ended,
        ControlFlow::Break(code) => return Ok(code),
    };
    let code = report::report(args, (&folder, &config), &outcome, then.as_ref(), start)?;
    args.page.end(&folder);
    Ok(code)
}

/// What follows a search that is done.
struct Then {
    trained: Trained,
    baselines: Option<Baselines>,
}

/// Does what the plans in the folder of a search that is done say; `None` where there are none.
fn then(folder: &Path, host: &Host) -> Result<Option<Outcome<Then>>, Error> {
    if !folder.join(names::TRAINING_PLAN).exists() {
        return Ok(None);
    }
    let out = RunDir::open(folder)?;
    let trained = match then_train::train(&out, folder, host.options()).map_err(flags::of_training)? {
        Outcome::Done(trained) => trained,
        Outcome::Stopped(reason) => return Ok(Some(Outcome::Stopped(reason))),
    };
    page::keep_evaluation(&out.join(names::TRAINING), host);
    let baselines = match Plan::is_in(&out)
        .then(|| Baselines::train(&out, &trained, host))
        .transpose()
        .map_err(flags::of_training)?
    {
        Some(Err(reason)) => return Ok(Some(Outcome::Stopped(reason))),
        Some(Ok(baselines)) => Some(baselines),
        None => None,
    };
    Ok(Some(Outcome::Done(Then { trained, baselines })))
}

/// Where the files of a search are, its settings, and how it ended.
type Ended = (PathBuf, SearchConfig, Outcome<Found>);

/// Runs one search or several. An exit code where other processes report them.
fn search(args: &Args, host: &Host) -> Result<ControlFlow<ExitCode, Ended>, Error> {
    let several = Several { processes: &args.processes, machine: &args.host, host };
    match &args.resume {
        Some(path) => go_on::go_on(args, path, &several),
        None => begin::begin(args, &several),
    }
}
