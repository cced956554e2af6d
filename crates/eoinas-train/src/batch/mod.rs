//! Several runs of one job, each in a folder of its own below one: seeds, random cells, folds.

mod seeds;
mod single;
mod trials;

use std::path::Path;

use eoinas_core::Setting;
use serde::{Serialize, de::DeserializeOwned};

pub use seeds::Seeds;
pub use single::Single;
pub use trials::{Trial, Trials, accuracy, pooled_accuracy, random_cell};

use crate::{
    claims::{Claims, Part},
    error::{Result, TrainError},
    run::{Job, Options, Outcome, Run, RunWriter, compare},
    run_dir::RunDir,
};

/// Several runs of one job. What they are is written to a file in the folder that has theirs below it, so that they can be
/// stopped, gone on with and added to.
pub trait Runs: Serialize + DeserializeOwned {
    /// What each run does.
    type Job: Job;
    /// What tells one from the others.
    type Item;
    /// What comes of all of them.
    type Found;
    /// Name of the file.
    const FILE: &'static str;

    /// The runs, in the order in which they run.
    fn items(&self) -> &[Self::Item];

    /// The name of one, and of its folder.
    fn name(item: &Self::Item) -> String;

    /// What is to be done in one.
    ///
    /// # Errors
    /// A task that cannot be read.
    fn task(&self, item: &Self::Item, options: &Options) -> Result<<Self::Job as Job>::Task>;

    /// What comes of all, given what came of each, in their order.
    ///
    /// # Errors
    /// No runs at all.
    fn gather(&self, found: Vec<<Self::Job as Job>::Found>) -> Result<Self::Found>;

    /// Writes what came of all to `dir`, the folder of the runs, where it is more than what came of each.
    ///
    /// # Errors
    /// A file that cannot be read or written.
    fn write(&self, dir: &RunWriter, found: &Self::Found) -> Result<()>;

    /// Checks that the first one can run, without writing anything: settings, cell, images.
    ///
    /// # Errors
    /// As [`Run::create`]; no runs at all.
    fn check(&self, options: Options) -> Result<()> {
        let first = self.items().first().ok_or_else(|| Setting::new("runs", 0, "at least one seed or cell"))?;
        Run::<Self::Job>::check(self.task(first, &options)?, options)
    }

    /// Writes the file to a new folder, and brings all that is there to its place.
    ///
    /// # Errors
    /// No runs at all, a folder that is taken or cannot be written.
    fn create(&self, dir: &mut RunWriter) -> Result<()> {
        Setting::check(!self.items().is_empty(), "runs", 0, "at least one seed or cell")?;
        dir.write_json(Self::FILE, self)?;
        dir.settle()
    }

    /// Whether `path` is the folder of such runs.
    fn is_in(path: &Path) -> bool {
        RunWriter::holds(path, Self::FILE)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// It is not there or not valid, or all is done and written down.
    fn open(path: &Path) -> Result<(Self, RunWriter)> {
        if let Some(found) = RunDir::open(path)?.result::<<Self::Job as Job>::Found>()? {
            return Err(TrainError::Finished { path: path.to_owned(), result: found.to_string() });
        }
        let mut dir = RunWriter::resume(path)?;
        let runs = dir.read_json(Self::FILE)?;
        dir.settle()?;
        Ok((runs, dir))
    }

    /// Runs each, goes on with those that were interrupted and takes the results of those that are done. `options` makes
    /// what each needs.
    ///
    /// # Errors
    /// Those of a run.
    fn run(&self, dir: &RunWriter, mut options: impl FnMut(&Self::Item) -> Options) -> Result<Outcome<Self::Found>> {
        let mut all = Vec::new();
        for item in self.items() {
            match self.complete(dir, item, options(item))? {
                Outcome::Done(found) => all.push(found),
                Outcome::Stopped(reason) => return Ok(Outcome::Stopped(reason)),
            }
        }
        let found = self.gather(all)?;
        self.write(dir, &found)?;
        Ok(Outcome::Done(found))
    }

    /// One of them: run, gone on with, or its result where it is done.
    ///
    /// # Errors
    /// Those of the run.
    fn complete(
        &self,
        dir: &RunWriter,
        item: &Self::Item,
        mut options: Options,
    ) -> Result<Outcome<<Self::Job as Job>::Found>> {
        options.study.get_or_insert_with(|| dir.path().to_owned());
        let task = self.task(item, &options)?;
        Run::<Self::Job>::complete(task, &dir.join(&Self::name(item)), options)
    }

    /// Begins these runs in the folder `path`, or joins the processes that share the same ones there, and keeps nobody out.
    ///
    /// # Errors
    /// Another process is at it right now ([`TrainError::Busy`]): it takes a moment. Other runs are there
    /// ([`TrainError::OtherSettings`]), or anything else.
    fn join(&self, path: &Path) -> Result<()> {
        join(self, path)
    }

    /// One of them, where many processes share those in the folder `dir`.
    ///
    /// # Errors
    /// Those of [`Run::share`].
    fn share(
        &self,
        dir: &Path,
        item: &Self::Item,
        mut options: Options,
        claims: &Claims,
    ) -> Result<Part<<Self::Job as Job>::Found>> {
        options.study.get_or_insert_with(|| dir.to_owned());
        let task = self.task(item, &options)?;
        Run::<Self::Job>::share(|_| Ok::<_, TrainError>(task), &dir.join(Self::name(item)), options, claims)
    }
}

/// As [`Runs::join`].
fn join<R: Runs>(runs: &R, path: &Path) -> Result<()> {
    let is_there = || path.join(R::FILE).is_file();
    if is_there() {
        return compare_there(runs, path);
    }
    match RunWriter::create(path) {
        // Another process was faster, or was killed on the way: then it is brought to its place.
        Err(TrainError::Exists { .. }) if RunWriter::holds(path, R::FILE) || is_there() => {
            drop(RunWriter::resume(path)?);
            compare_there(runs, path)
        }
        created => runs.create(&mut created?),
    }
}

/// Whether the runs in the folder `path` are these.
fn compare_there<R: Runs>(runs: &R, path: &Path) -> Result<()> {
    let there = RunDir::open(path)?.read_json::<R>(R::FILE)?;
    compare(path, &there, runs).map_err(|error| match error {
        TrainError::OtherSettings { path, setting, there, wanted } => {
            let setting = setting.trim_start_matches("config.").to_owned();
            TrainError::OtherSettings { path, setting, there, wanted }
        }
        error => error,
    })
}
