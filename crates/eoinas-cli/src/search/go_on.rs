//! `eoinas search --resume`: a search, or several, that began before.

use std::{ops::ControlFlow, path::Path, process::ExitCode};

use eoinas_core::run_folder::names;
use eoinas_train::{Found, Outcome, RunDir, Runs, Search, SearchConfig, Seeds, batch::Single};

use super::{Args, Ended};
use crate::{
    Error,
    share::{Several, patiently},
};

/// Goes on with what is in the folder `path`.
///
/// # Errors
/// A folder that cannot be read or gone on with, flags that do not fit what is in it, a search that fails.
pub(super) fn go_on(args: &Args, path: &Path, several: &Several<'_>) -> Result<ControlFlow<ExitCode, Ended>, Error> {
    let shared = path.join(names::CLAIMS);
    if Seeds::is_in(path) {
        return with_seeds(args, path, several);
    }
    if Single::is_in(&shared) {
        return with_one(args, path, &shared, several);
    }
    if shared.join(names::CLAIMS).is_dir() {
        let settings = shared.join(names::CONFIG);
        return Err(format!(
            "{} is missing; the command that began this search writes it again, and goes on: with the same --out and settings",
            settings.display()
        )
        .into());
    }
    let config: SearchConfig = RunDir::open(path)?.read_json(names::CONFIG)?;
    if let Some(found) = found_for_training(path)? {
        refuse_replan(args, "the search is done, and the training after it has its own plan")?;
        return Ok(ControlFlow::Continue((path.to_owned(), config, Outcome::Done(found))));
    }
    args.check_processes(false)?;
    let mut search = Search::resume(path, several.host.options())?;
    if args.replan {
        several.host.tell(&search.replan()?);
    }
    Ok(ControlFlow::Continue((path.to_owned(), config, search.run()?)))
}

/// With searches of several seeds.
fn with_seeds(args: &Args, path: &Path, several: &Several<'_>) -> Result<ControlFlow<ExitCode, Ended>, Error> {
    refuse_replan(args, "searches with several seeds share their counts, which cannot be made anew")?;
    // All searches are done, and what follows them may not be.
    if let Some(found) = found_for_training(path)? {
        let seeds: Seeds = RunDir::open(path)?.read_json(names::SEEDS)?;
        return Ok(ControlFlow::Continue((path.to_owned(), seeds.config, Outcome::Done(found))));
    }
    let (seeds, _) = patiently(|| Seeds::open(path))?;
    let ended = several.complete(&seeds, path, || Ok(()))?;
    Ok(ended.map_continue(|outcome| (path.to_owned(), seeds.config, outcome)))
}

/// With one search that processes share in the folder `shared`.
fn with_one(
    args: &Args,
    path: &Path,
    shared: &Path,
    several: &Several<'_>,
) -> Result<ControlFlow<ExitCode, Ended>, Error> {
    refuse_replan(args, "counts of a search that processes share cannot be made anew")?;
    if path.join(names::CONFIG).exists() {
        let run = RunDir::open(path)?;
        if let Some(found) = run.result()? {
            let config = run.read_json(names::CONFIG)?;
            return Ok(ControlFlow::Continue((path.to_owned(), config, Outcome::Done(found))));
        }
    }
    let (single, _) = patiently(|| Single::open(shared))?;
    let ended = several.complete(&single, shared, || Ok(()))?;
    Ok(ended.map_continue(|outcome| (path.to_owned(), single.0, outcome)))
}

/// What was found in a folder whose plan says that a training follows: the search is not asked again.
fn found_for_training(path: &Path) -> Result<Option<Found>, Error> {
    match path.join(names::TRAINING_PLAN).exists() {
        true => Ok(RunDir::open(path)?.result()?),
        false => Ok(None),
    }
}

fn refuse_replan(args: &Args, reason: &str) -> Result<(), Error> {
    match args.replan {
        true => Err(format!("--replan: {reason}; resume without it").into()),
        false => Ok(()),
    }
}
