//! A part of a study, done by one of many processes.

use std::{fs, path::Path};

use eoinas_core::run_folder::names;

use super::{Claim, Claims, Holder, Taken, attempt};
use crate::{
    error::{Result, TrainError},
    run::{Job, Options, Outcome, Run, plain},
    run_dir::RunDir,
    stop::StopReason,
};

/// How it stands with a part of a study.
#[derive(Clone, Debug, PartialEq)]
pub enum Part<T> {
    /// It is done, here or elsewhere.
    Done(T),
    /// It stopped here, and whoever comes next goes on with it.
    Stopped(StopReason),
    /// That process works on it.
    Elsewhere(Holder),
}

impl<J: Job> Run<J> {
    /// The part of a study whose run is in the end in the folder `run`, as [`Run::complete`] where many processes share the study: its
    /// result where it is done; where nobody works on it, it is begun or gone on with here. `task` makes what is to be done, given
    /// the folder with what there is of the run already.
    ///
    /// # Errors
    /// [`TrainError::Lost`] where another process has taken the part over; those of [`Run::complete`] and of `task`.
    pub fn share<E: From<TrainError>>(
        task: impl FnOnce(Option<&Path>) -> Result<J::Task, E>,
        run: &Path,
        options: Options,
        claims: &Claims,
    ) -> Result<Part<J::Found>, E> {
        if is_done(run) {
            return Ok(found::<J>(&task(Some(run))?, run, &options).map(Part::Done)?);
        }
        let claim = match claims.take(run)? {
            Taken::Mine(claim) => claim,
            Taken::Others(holder) => return Ok(Part::Elsewhere(holder)),
        };
        // Between the look and the claim.
        if is_done(run) {
            return Ok(found::<J>(&task(Some(run))?, run, &options).map(Part::Done)?);
        }
        let (place, number) = (claims.place(run), claim.attempt());
        let lost = |error: TrainError| claim.check().err().unwrap_or(error);
        attempt::prepare(&place, run, number).map_err(lost)?;
        attempt::sweep(&place, Some(number.saturating_sub(1)));
        let folder = attempt::folder(&place, number);
        let task = task(claims.begun(run).as_deref())?;
        let study = options.study.clone().unwrap_or_else(|| claims.study.clone());
        let options = Options { study: Some(study), claim: Some(claim.clone()), ..options };
        match Self::complete(task, &folder, options).map_err(lost)? {
            Outcome::Stopped(reason) => Ok(Part::Stopped(reason)),
            Outcome::Done(found) => {
                let found = publish((&folder, &place), run, &claim)?.then_some(found);
                attempt::sweep(&place, None);
                let found = found.map_or_else(|| RunDir::open(run)?.read_json(names::RESULT), Ok)?;
                Ok(Part::Done(found))
            }
        }
    }
}

/// Whether the part is done whose run is in the end in the folder `run`. Only whole runs come to this place, by one rename.
pub fn is_done(run: &Path) -> bool {
    run.join(names::RESULT).exists()
}

/// The result of a run that is done, which has to be of this task.
fn found<J: Job>(task: &J::Task, run: &Path, options: &Options) -> Result<J::Found> {
    let dir = RunDir::open(run)?;
    J::check_same(task, options, &dir)?;
    dir.read_json(names::RESULT)
}

/// Brings a run that is done to its place. Whether it was this one: an earlier holder may have been done as well, and then the first
/// one counts.
fn publish((folder, place): (&Path, &Path), run: &Path, claim: &Claim) -> Result<bool> {
    claim.check()?;
    let parent = run.parent().unwrap_or(run);
    fs::create_dir_all(parent).map_err(TrainError::write(parent))?;
    loop {
        // A folder never takes the place of one that has something in it.
        match fs::rename(folder, run) {
            Ok(()) => {
                plain::sync_folder(parent).map_err(TrainError::write(parent))?;
                return Ok(true);
            }
            Err(_) if is_done(run) => return Ok(false),
            Err(_) if run.is_dir() => set_aside(run, &attempt::before(place))?,
            Err(error) => return Err(claim.check().err().unwrap_or_else(|| TrainError::write(run)(error))),
        }
    }
}

/// Moves a run away that was begun by a program that knew no claims, and from which the attempts went on.
fn set_aside(run: &Path, aside: &Path) -> Result<()> {
    fs::rename(run, aside).map_err(TrainError::write(run))?;
    // Somebody brought a whole one there in between.
    if is_done(aside) && !run.exists() {
        fs::rename(aside, run).map_err(TrainError::write(run))?;
    }
    Ok(())
}
