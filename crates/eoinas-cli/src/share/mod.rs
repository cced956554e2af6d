//! Many processes, one study: which parts this one does, and what it waits for.

mod jobs;
mod plan;
mod runs;
mod streams;

use std::{ops::ControlFlow, path::Path, process::ExitCode, sync::Arc, thread, time::Duration};

use eoinas_core::file::is_write_protected;
use eoinas_train::{Claims, Outcome, Part, StopReason, TrainError, claims::Holder, finalists::Helper};

pub(crate) use runs::{Several, patiently};

use crate::{
    Error, end,
    host::{Host, HostArgs},
    out::{say, tell},
};

/// The flags that set it.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Processes")]
pub struct Processes {
    /// Start so many processes of this command here, which share the parts of the study and the threads. On a GPU seeds, cells and
    /// folds are shared by as many streams of this process instead.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024), conflicts_with_all = ["part", "array", "plan"])]
    jobs: Option<u16>,
    /// Do one part of the study, from 0 in the order of --plan, and make no tables.
    #[arg(long, value_name = "K", conflicts_with_all = ["array", "plan"])]
    part: Option<usize>,
    /// The same with the part that a job array of Slurm names (SLURM_ARRAY_TASK_ID).
    #[arg(long, conflicts_with = "plan")]
    array: bool,
    /// Print one command a part, for GNU parallel or another launcher, and do nothing.
    #[arg(long)]
    plan: bool,
    /// Take over what a process works on that has given no sign of life for so long; the same for all that share a study
    /// [default: 2m]
    #[arg(long, value_name = "TIME", value_parser = silence)]
    silence: Option<Duration>,
    /// This is one of --jobs: it makes no tables, and stops where its input ends.
    #[arg(long, hide = true)]
    job: bool,
}

/// Reads `--silence`.
fn silence(text: &str) -> Result<Duration, String> {
    let time = crate::time::parse(text)?;
    match time >= Claims::SHORTEST {
        true => Ok(time),
        false => Err(format!("at least {} s is expected", Claims::SHORTEST.as_secs())),
    }
}

/// Why processes do not begin together what is fitted to a time.
pub(crate) const OF_A_TIME: &str = "counts that are fitted to a time (--time, or where nothing is said of what to search) are those of one process; give --epochs or --preset instead";

/// Why others are not started for a number of steps.
pub(crate) const STEPS_OF_ONE: &str = "--max-steps counts those of one process; leave one of both out";

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

impl Processes {
    /// A flag that is given and that only what many processes share has, if there is one.
    pub fn given(&self) -> Option<&'static str> {
        let given = [
            ("jobs", self.jobs.is_some()),
            ("part", self.part.is_some()),
            ("array", self.array),
            ("plan", self.plan),
            ("silence", self.silence.is_some()),
        ];
        given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
    }

    /// Whether this is one of several processes, or may be.
    pub fn are_several(&self) -> bool {
        self.job || self.given().is_some()
    }

    /// Whether the flags fit what is asked for: `several` runs, which are `what`, in the folder `out`; what is `alone` is for one process,
    /// with the reason.
    ///
    /// # Errors
    /// A flag that does not.
    pub fn check(
        &self,
        (several, what): (bool, &str),
        out: Option<&Path>,
        alone: &[(bool, &str)],
    ) -> Result<(), Error> {
        let Some(flag) = self.given() else { return Ok(()) };
        if !several {
            return Err(format!("--{flag} is of {what}").into());
        }
        if out.is_none() {
            return Err(format!("--{flag} needs the folder that the processes share; give --out, too").into());
        }
        let alone = alone.iter().find(|(is, _)| *is);
        alone.map_or(Ok(()), |(_, why)| Err(format!("--{flag}: {why}").into()))
    }

    /// Whether it starts others.
    pub fn starts_others(&self) -> bool {
        self.jobs.is_some()
    }

    /// So many streams on a GPU, where several runs are asked for at a time; processes would have it in turn.
    fn streams(&self, host: &Host) -> Option<u16> {
        self.jobs.filter(|_| !host.is_cpu())
    }

    /// Begins a study of so many parts in the folder `out`; `begin` notes what they share before any of them begins. An exit code where
    /// nothing is to be done in this process: the plan is printed, or the processes that it started were stopped.
    ///
    /// # Errors
    /// No such part; processes that cannot be started; a folder that cannot be written; those of `begin`.
    pub fn open(
        &self,
        (parts, out): (usize, &Path),
        machine: &HostArgs,
        host: &Host,
        begin: impl FnOnce(&Claims) -> Result<(), Error>,
    ) -> Result<ControlFlow<ExitCode, Share>, Error> {
        if self.plan {
            (0..parts).for_each(|part| say!("{}", plan::command(part)));
            return Ok(ControlFlow::Break(ExitCode::SUCCESS));
        }
        let mine = match (self.part, self.array) {
            _ if self.job => Mine::Job,
            (Some(part), _) => Mine::One(plan::check("--part", part, parts)?),
            (None, true) => Mine::One(plan::of_array(parts)?),
            (None, false) => Mine::All,
        };
        let claims = Claims::open(out, self.silence.unwrap_or(Claims::SILENCE))?;
        let claims = claims.telling(|line| tell!("note: {line}"));
        begin(&claims)?;
        if let Some(jobs) = self.jobs
            && let Some(reason) = jobs::run(jobs, machine, host)?
        {
            return Ok(ControlFlow::Break(stopped(&reason)));
        }
        if self.job {
            jobs::end_with_input(host.interrupt())?;
        }
        Ok(ControlFlow::Continue(Share {
            claims: Arc::new(claims),
            mine,
            host: host.clone().silent(),
            quiet: machine.quiet,
        }))
    }
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
