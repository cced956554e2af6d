//! One search that several processes share, for the trainings of its finals.

use std::{fs, path::Path};

use eoinas_core::{Setting, run_folder::names};
use serde::{Deserialize, Serialize};

use super::Runs;
use crate::{
    claims::{self, Claims, Part},
    config::SearchConfig,
    error::{Result, TrainError},
    run::{Options, Outcome, Run, RunWriter},
    run_dir::RunDir,
    search::{Found, SearchJob},
};

/// One search that several processes share: one of them has it, and the others help with the trainings of its finals.
///
/// The study of which it is the only part is in the folder `.claims` of its own: `config.json` there. When it is done, its files are
/// brought from there to the places that they have where one process searches alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Single(pub SearchConfig);

impl Single {
    /// Checks that the search can be shared in the folder `home`: it is there already, or nothing is.
    ///
    /// # Errors
    /// [`TrainError::Exists`]: anything else is there; a folder that cannot be read.
    pub fn check_home(home: &Path) -> Result<()> {
        if Self::is_in(&home.join(names::CLAIMS)) || !home.exists() {
            return Ok(());
        }
        for entry in fs::read_dir(home).map_err(TrainError::read(home))? {
            if entry.map_err(TrainError::read(home))?.file_name() != names::CLAIMS {
                return Err(TrainError::Exists { path: home.to_owned() });
            }
        }
        Ok(())
    }
}

/// The folder of the search whose study is in the folder `study`.
fn home(study: &Path) -> &Path {
    study.parent().unwrap_or(study)
}

/// The result of the search in the folder `home`, which may be on its way to there; `None`: it is not done.
fn found(home: &Path) -> Result<Option<Found>> {
    match RunDir::open(&RunWriter::whole(home)).and_then(|dir| dir.result()) {
        Ok(Some(found)) => Ok(Some(found)),
        _ => RunDir::open(home)?.result(),
    }
}

impl Runs for Single {
    type Job = SearchJob;
    type Item = ();
    type Found = Found;
    const FILE: &'static str = names::CONFIG;

    fn items(&self) -> &[()] {
        &[()]
    }

    fn name((): &()) -> String {
        names::SEARCH.to_owned()
    }

    fn task(&self, (): &(), _: &Options) -> Result<SearchConfig> {
        Ok(self.0.clone())
    }

    fn gather(&self, found: Vec<Found>) -> Result<Found> {
        let expected = || Setting::new("searches", 0, "one").into();
        found.into_iter().next().ok_or_else(expected)
    }

    /// Brings the search to its place.
    fn write(&self, dir: &RunWriter, _: &Found) -> Result<()> {
        RunWriter::bring(&dir.join(names::SEARCH), home(dir.home()))
    }

    /// Settings that somebody removed from what has begun are written again.
    fn join(&self, path: &Path) -> Result<()> {
        if path.join(names::CLAIMS).is_dir() && !Self::is_in(path) {
            claims::note(path, Self::FILE, self)?;
        }
        super::join(self, path)
    }

    fn share(&self, dir: &Path, (): &(), mut options: Options, claims: &Claims) -> Result<Part<Found>> {
        options.study.get_or_insert_with(|| dir.to_owned());
        if let Some(found) = found(home(dir))? {
            return Ok(Part::Done(found));
        }
        // It was brought to its place once, and its result is gone.
        if home(dir).join(names::CONFIG).exists() && !RunWriter::whole(home(dir)).exists() {
            return Ok(match Run::<SearchJob>::complete(self.0.clone(), home(dir), options)? {
                Outcome::Done(found) => Part::Done(found),
                Outcome::Stopped(reason) => Part::Stopped(reason),
            });
        }
        let run = dir.join(Self::name(&()));
        // Between the look and the claim it may have gone to its place, where the claims do not look.
        let task = |_: Option<&Path>| match found(home(dir))? {
            Some(_) => Err(TrainError::Removed { path: run.clone() }),
            None => Ok(self.0.clone()),
        };
        match Run::<SearchJob>::share(task, &run, options, claims) {
            Err(removed @ TrainError::Removed { .. }) => found(home(dir))?.map(Part::Done).ok_or(removed),
            shared => shared,
        }
    }
}
