//! Many processes, one study: which parts this one does, and what it waits for.

mod flags;
mod jobs;
mod plan;
mod runs;
mod streams;

use std::{path::Path, process::ExitCode, sync::Arc, thread};

use eoinas_core::file::is_write_protected;
use eoinas_train::{Claims, Outcome, Part, StopReason, TrainError, claims::Holder, finalists::Helper};

pub(crate) use flags::{OF_A_TIME, Processes, STEPS_OF_ONE};
pub(crate) use runs::{Several, patiently};

use crate::{Error, end, host::Host, out::tell};

/// Why a piece of a study goes no further here. All travel by `?`.
#[derive(Debug)]
pub(crate) enum Halt {
    /// There is a reason to stop.
    Stop(StopReason),
    /// That process works on what is needed.
    Elsewhere(Holder),
    /// Something went wrong.
    Failed(Error),
}

/// The result of something that may also stop, or be done elsewhere.
pub(crate) type Flow<T> = Result<T, Halt>;

impl<E: Into<Error>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// A part's result, to go on with where all else is passed on by `?`.
pub(crate) fn flow<T, E: Into<Error>>(part: Result<Part<T>, E>) -> Flow<T> {
    match part? {
        Part::Done(result) => Ok(result),
        Part::Stopped(reason) => Err(Halt::Stop(reason)),
        Part::Elsewhere(holder) => Err(Halt::Elsewhere(holder)),
    }
}

/// All of several, of which each is begun, whether one before it is done elsewhere or not.
#[cfg(feature = "report")]
pub(crate) fn all<T>(several: impl IntoIterator<Item = Flow<T>>) -> Flow<Vec<T>> {
    let (mut done, mut elsewhere) = (Vec::new(), None);
    for one in several {
        match one {
            Ok(result) => done.push(result),
            Err(Halt::Elsewhere(holder)) => elsewhere = Some(holder),
            Err(halt) => return Err(halt),
        }
    }
    elsewhere.map_or(Ok(done), |holder| Err(Halt::Elsewhere(holder)))
}

/// How a study ended in this process.
pub(crate) enum Ended<T> {
    /// All of it is done, here and elsewhere.
    Done(Vec<T>),
    /// What this process was to do is done. It reports nothing of the study.
    Mine,
    /// Before its end.
    Stopped(StopReason),
}

/// Which parts are this process's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mine {
    All,
    One(usize),
    /// All, and another process reports.
    Job,
}

/// A study that other processes may share.
#[derive(Clone, Debug)]
pub(crate) struct Share {
    pub claims: Arc<Claims>,
    mine: Mine,
    host: Host,
    quiet: bool,
}

impl Share {
    /// Does what is to be done here of each part, passes over what others work on, and waits for them at the end: whatever they
    /// leave behind is done here, and meanwhile this helps with the finals of their searches. The results are in the order of the
    /// parts.
    ///
    /// # Errors
    /// The first one of `work`.
    pub fn each<I, T>(&self, parts: &[I], mut work: impl FnMut(&I) -> Flow<T>) -> Result<Ended<T>, Error> {
        let parts = match self.mine {
            Mine::One(part) => parts.get(part..=part).unwrap_or_default(),
            Mine::All | Mine::Job => parts,
        };
        let mut done: Vec<Option<T>> = parts.iter().map(|_| None).collect();
        let (mut waited, mut helper) = (None, Helper::new(|| self.host.options()));
        loop {
            let mut elsewhere = None;
            for (part, result) in parts.iter().zip(&mut done).filter(|(_, result)| result.is_none()) {
                match work(part) {
                    Ok(found) => *result = Some(found),
                    Err(Halt::Elsewhere(holder)) => elsewhere = elsewhere.or(Some(holder)),
                    Err(Halt::Stop(reason)) => return Ok(Ended::Stopped(reason)),
                    Err(Halt::Failed(error)) => return Err(error),
                }
            }
            let Some(holder) = elsewhere else { break };
            if waited.as_ref() != Some(&holder) && !self.quiet {
                tell!("note: waiting for {holder}, which works on what is left");
            }
            waited = Some(holder);
            match helper.help(&self.claims)? {
                Some(Outcome::Done(finalist)) if !self.quiet => tell!("note: trained {} for it", finalist.display()),
                Some(Outcome::Done(_)) => {}
                Some(Outcome::Stopped(reason)) => return Ok(Ended::Stopped(reason)),
                None => thread::sleep(self.claims.pause()),
            }
            if self.host.interrupt().is_raised() {
                return Ok(Ended::Stopped(StopReason::Interrupted));
            }
        }
        match self.mine {
            Mine::All => Ok(Ended::Done(done.into_iter().flatten().collect())),
            Mine::Job => Ok(Ended::Mine),
            Mine::One(part) => {
                if !self.quiet {
                    tell!("part {part} is done; the same command without it makes the tables");
                }
                Ok(Ended::Mine)
            }
        }
    }
}

/// What there is of `parts` that are done and that nobody asked for now, as `work` reads it. What does not belong to the study is
/// left out, which is said.
#[cfg(feature = "report")]
pub(crate) fn others<I, T>(parts: &[I], work: impl FnMut(&I) -> Flow<T>) -> Vec<T> {
    let left_out = |flow: Flow<T>| match flow {
        Ok(found) => Some(found),
        Err(Halt::Failed(error)) => {
            tell!("note: not in the tables: {error}");
            None
        }
        Err(_) => None,
    };
    parts.iter().map(work).filter_map(left_out).collect()
}

/// The end of what is written to the folder `out` of a study that is done; where that can only be read, it is said that nothing was.
///
/// # Errors
/// That of `written`, where it is another one.
pub(crate) fn written(written: Result<(), Error>, out: &Path) -> Result<(), Error> {
    let is_protected = |error: &Error| match error.downcast_ref() {
        Some(TrainError::File { source, .. }) => is_write_protected(source),
        _ => error.downcast_ref().is_some_and(is_write_protected),
    };
    match written {
        Err(error) if is_protected(&error) => {
            tell!("note: nothing was written to {}, which can only be read", out.display());
            Ok(())
        }
        written => written,
    }
}

/// Ends a study: reports what came out, or says how to go on with one that was stopped.
///
/// # Errors
/// Those of `report`.
#[cfg(feature = "report")]
pub(crate) fn end<T>(ended: Ended<T>, report: impl FnOnce(Vec<T>) -> Result<(), Error>) -> Result<ExitCode, Error> {
    match ended {
        Ended::Done(all) => report(all).map(|()| ExitCode::SUCCESS),
        Ended::Mine => Ok(ExitCode::SUCCESS),
        Ended::Stopped(reason) => Ok(stopped(&reason)),
    }
}

/// Says that a study stopped; the code to end with.
pub(crate) fn stopped(reason: &StopReason) -> ExitCode {
    tell!("stopped: {reason}; the same command goes on with it");
    end::exit_code(reason)
}
