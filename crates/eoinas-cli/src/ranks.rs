//! One run by all processes that a launcher of MPI has started, the *ranks* (CLUSTERS.md).

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    thread,
    time::Duration,
};

use eoinas_train::{
    Job, Outcome, Run,
    ranks::{self, Collective},
};

use crate::{
    Error, Start, flags,
    host::{Host, HostArgs},
    out,
};

/// This process among the others.
pub(crate) struct Ranks {
    collective: Arc<dyn Collective>,
    /// Where the run of a rank other than the first is.
    folder: Option<Folder>,
    /// Last: its end waits for the others.
    mpi: eoinas_mpi::Ranks,
}

/// A folder of this process, which is gone with it.
struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // Nobody needs it: where it cannot be removed, the system's own tidying will.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Where a rank's run is.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// The first: where the command says.
    First,
    /// Another: here.
    Other(&'a Path),
}

/// How a run of several processes ended, and where this one's is.
pub(crate) struct Ended<J: Job> {
    pub folder: PathBuf,
    pub outcome: Outcome<J::Found>,
}

/// Refuses to be one of several processes, for a command that would do the same work in each.
///
/// # Errors
/// A launcher has started several.
#[cfg(feature = "images")]
pub(crate) fn refuse(command: &str) -> Result<(), Error> {
    match eoinas_mpi::launched() {
        Some(ranks @ 2..) => Err(format!(
            "`{command}` is the work of one process, and {ranks} were started by a launcher of MPI; `search` and `train` share theirs"
        )
        .into()),
        _ => Ok(()),
    }
}

/// Refuses the first flag that is given of those that several processes do not share: each with its name, and why.
///
/// # Errors
/// One is given.
pub(crate) fn check_flags<const N: usize>(flags: [(bool, &str, &str); N]) -> Result<(), Error> {
    match flags.into_iter().find(|(given, ..)| *given) {
        Some((_, flag, why)) => Err(format!("{flag}: {why}").into()),
        None => Ok(()),
    }
}

impl Ranks {
    /// Joins the others; `None` where there is one process alone. The first rank speaks for all.
    ///
    /// # Errors
    /// Several that were built without MPI, or a library that does not start.
    pub fn join() -> Result<Option<Self>, Error> {
        let Some(mpi) = eoinas_mpi::join()? else { return Ok(None) };
        let collective = mpi.collective();
        let rank = collective.rank();
        let folder = std::env::temp_dir().join(format!("eoinas-rank-{rank}-{}", std::process::id()));
        if rank > 0 {
            out::mute();
        }
        Ok(Some(Self { collective, folder: (rank > 0).then(|| Folder(folder)), mpi }))
    }

    /// Whether this is the one that writes the run's folder and speaks.
    pub fn is_first(&self) -> bool {
        self.folder.is_none()
    }

    /// What they exchange by.
    pub fn collective(&self) -> Arc<dyn Collective> {
        self.collective.clone()
    }

    /// How the program ends by what this rank's `work` came to: as the first rank does. A launcher reports the first code that is
    /// not 0, and ends those that still run.
    pub fn end(self, work: impl FnOnce(&Self) -> Result<ExitCode, Error>) -> Result<ExitCode, Error> {
        let result = work(&self);
        if self.is_first() { result } else { Ok(ExitCode::SUCCESS) }
    }

    /// The machine of a run that is shared.
    ///
    /// # Errors
    /// A GPU, or more processes than can share a batch; and as [`HostArgs::open`].
    pub fn open(&self, args: &HostArgs) -> Result<Host, Error> {
        let (count, most) = (self.collective.ranks(), ranks::MOST);
        if count > most {
            return Err(format!(
                "{count} processes cannot share a run: a batch is cut into {most} pieces at most; start no more than that"
            )
            .into());
        }
        let host = args.open()?;
        if !host.is_cpu() {
            let device = &args.device;
            return Err(format!("--device {device}: several processes share a run on CPUs alone; leave it out").into());
        }
        Ok(if self.is_first() { host } else { host.silent() })
    }

    /// Begins a run, or goes on with the one in `from`, and does it with the others; on the threads of `args`.
    ///
    /// # Errors
    /// Whatever keeps a rank from beginning, on all of them. What fails afterwards ends the processes at once.
    pub fn run<J: Job>(
        &self,
        args: &HostArgs,
        from: Option<&Path>,
        begin: impl FnOnce(Place<'_>) -> Result<Run<J>, Error> + Send,
        start: &Start,
    ) -> Result<Ended<J>, Error>
    where
        J::Found: Send,
    {
        let (collective, own) = (self.collective.clone(), self.folder.as_ref().map(|folder| folder.0.as_path()));
        let work = move || -> Result<Result<Ended<J>, Error>, Error> {
            let copied = from.map_or(Ok(()), |from| ranks::copied(collective.as_ref(), from, own.unwrap_or(from)));
            let begun = copied.map_err(Error::from).and_then(|()| begin(own.map_or(Place::First, Place::Other)));
            let said = begun.as_ref().map(Run::run_dir).map_err(ToString::to_string);
            let all = ranks::all_begin(collective.as_ref(), said);
            let mut run = begun?;
            let folder = run.run_dir().path().to_owned();
            all.inspect_err(|_| out::note(&format!("{} has begun, and --resume goes on with it", folder.display())))?;
            let outcome = ranks::among(collective, || run.run());
            Ok(outcome.map(|outcome| Ended { folder, outcome }).map_err(Error::from))
        };
        args.run(work)?.or_else(|error| self.die(&error, start))
    }

    /// Ends all processes for an error of this one, which the others do not know of and would wait for.
    fn die(&self, error: &Error, start: &Start) -> ! {
        let rank = self.collective.rank();
        if rank > 0 {
            // What all have in common the first one says.
            thread::sleep(Duration::from_secs(1));
        }
        out::loud(format_args!(
            "error: rank {rank}: {}\nall processes end; --resume goes on from the last checkpoint, with any number of them",
            flags::explain(error, start)
        ));
        self.mpi.abort(1)
    }
}
