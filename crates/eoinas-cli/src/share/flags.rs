//! The flags of several processes, and what a study begins with.

use std::{ops::ControlFlow, path::Path, process::ExitCode, sync::Arc, time::Duration};

use eoinas_train::Claims;

use super::{Mine, Share, jobs, plan, stopped};
use crate::{
    Error,
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
    pub(super) fn streams(&self, host: &Host) -> Option<u16> {
        self.jobs.filter(|_| !host.is_cpu())
    }

    /// The same of a process that starts no others.
    pub(super) fn without_jobs(self) -> Self {
        Self { jobs: None, ..self }
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
