//! Several runs of one job that many processes share.

use std::{
    ops::ControlFlow,
    path::Path,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use eoinas_train::{Outcome, RunWriter, Runs, TrainError};

use super::{Ended, Processes, flow, streams};
use crate::{
    Error,
    host::{Host, HostArgs},
};

/// Several runs and who does them.
pub(crate) struct Several<'a> {
    pub processes: &'a Processes,
    pub machine: &'a HostArgs,
    pub host: &'a Host,
}

impl Several<'_> {
    /// Does what is to be done here of the `runs` in the folder `out`, where `begin` is called for them to be there. An exit code
    /// where others report them.
    ///
    /// # Errors
    /// Those of a run, of `begin` and of [`Processes::open`].
    pub fn complete<R: Runs<Item: Sync> + Sync>(
        &self,
        runs: &R,
        out: &Path,
        begin: impl FnOnce() -> Result<(), Error>,
    ) -> Result<ControlFlow<ExitCode, Outcome<R::Found>>, Error> {
        let parts = runs.items().len();
        let streams = self.processes.streams(self.host);
        let processes = match streams {
            Some(_) => self.processes.clone().without_jobs(),
            None => self.processes.clone(),
        };
        let share = match processes.open((parts, out), self.machine, self.host, |_| begin())? {
            ControlFlow::Continue(share) => share,
            ControlFlow::Break(code) => return Ok(ControlFlow::Break(code)),
        };
        let work = |item: &R::Item, host: &Host| flow(runs.share(out, item, host.options(), &share.claims));
        if let Some(streams) = streams {
            streams::run(streams, &share, (self.machine, self.host), runs.items(), work)?;
        }
        let ended = share.each(runs.items(), |item| work(item, self.host))?;
        Ok(match ended {
            Ended::Done(found) => {
                let found = runs.gather(found)?;
                let dir = patiently(|| RunWriter::resume(out));
                super::written(dir.and_then(|dir| runs.write(&dir, &found)).map_err(Error::from), out)?;
                ControlFlow::Continue(Outcome::Done(found))
            }
            Ended::Stopped(reason) => ControlFlow::Continue(Outcome::Stopped(reason)),
            Ended::Mine => ControlFlow::Break(ExitCode::SUCCESS),
        })
    }
}

/// Waits where another process has a folder for a moment, as those that share it do.
///
/// # Errors
/// Those of `work`; it has it for longer.
pub(crate) fn patiently<T>(mut work: impl FnMut() -> Result<T, TrainError>) -> Result<T, TrainError> {
    let begun = Instant::now();
    loop {
        match work() {
            Err(TrainError::Busy { .. }) if begun.elapsed() < Duration::from_secs(20) => {
                thread::sleep(Duration::from_millis(50));
            }
            other => return other,
        }
    }
}
