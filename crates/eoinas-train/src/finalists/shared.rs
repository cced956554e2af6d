//! Finals whose trainings are shared by the processes of a study.
//!
//! A round is listed in a folder that stays where it is whoever has the search, and each of its trainings is a part that one process
//! claims. When all are done, they are copied to the search's own folder, which is whole then as if it had made them alone.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

use eoinas_core::{SearchSpace, run_folder::names};
use eoinas_data::Dataset;
use serde::{Deserialize, Serialize};

use super::{Around, open};
use crate::{
    batch::{Runs, Trials},
    checkpoint::{Subject, sha256},
    claims::{self, Claim, Claims, Part},
    config::SearchConfig,
    error::{Result, TrainError},
    halt::{Flow, Halt},
    run::Options,
    run_dir::RunDir,
    stop::StopReason,
};

/// What others have to know of a search to train its finals: `config.json` in the folder of its rounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Note {
    /// Its settings.
    pub config: SearchConfig,
    /// Its space.
    pub space: Subject,
    /// Hash of what is known of its images: those of one's own are no settings.
    pub images: String,
}

impl Note {
    pub fn new(config: &SearchConfig, space: &SearchSpace, images: &dyn Dataset) -> Self {
        Self { config: config.clone(), space: Subject::search(space), images: Self::of_images(images) }
    }

    pub fn of_images(images: &dyn Dataset) -> String {
        sha256(&serde_json::to_vec(&(images.info(), images.len())).unwrap_or_default())
    }
}

/// The trainings of a search's finals, as who has the search sees them.
#[derive(Debug)]
pub(super) struct Shared {
    /// That on the search.
    claim: Claim,
    /// Those on its trainings.
    trainings: Claims,
}

impl Shared {
    /// Those of the search that `claim` is on; others can help from now on.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn new(claim: Claim, around: &Around<'_>) -> Result<Self> {
        // What somebody removed is not made again below it.
        claim.check()?;
        let trainings = claim.within();
        let note = Note::new(around.config, around.space, around.dataset.as_ref());
        claims::note(trainings.study(), names::CONFIG, &note)?;
        Ok(Self { claim, trainings })
    }

    /// Where a round's trainings are that is in the end in the folder `own`.
    fn folder(&self, own: &Path) -> PathBuf {
        self.trainings.study().join(own.file_name().unwrap_or_default())
    }

    /// Takes the cells of the first round, which is in the end in the folder `own`, from who had the search before.
    ///
    /// # Errors
    /// Files that cannot be read or written.
    pub fn take_up(&self, own: &Path) -> Result<()> {
        let folder = self.folder(own);
        if Trials::is_in(own) || !folder.join(names::TRIALS).is_file() {
            return Ok(());
        }
        open(&RunDir::open(&folder)?.read_json(names::TRIALS)?, own).map(drop)
    }

    /// Does the trainings of a round with the others, and brings them to the folder `own` when all are done.
    ///
    /// # Errors
    /// Those of a training; another process has the search. A stop.
    pub fn complete(&self, trials: &Trials, own: &Path, options: impl Fn() -> Options) -> Flow<()> {
        let folder = self.folder(own);
        self.claim.check()?;
        self.list(trials, &folder, own)?;
        loop {
            self.claim.check()?;
            let mut elsewhere = false;
            for trial in &trials.trials {
                match trials.share(&folder, trial, options(), &self.trainings)? {
                    Part::Done(_) => {}
                    Part::Stopped(reason) => return Err(Halt::Stop(reason)),
                    Part::Elsewhere(_) => elsewhere = true,
                }
            }
            if !elsewhere {
                break;
            }
            thread::sleep(self.trainings.pause());
            if options().rules.iter().filter_map(|rule| rule.interrupt()).any(|interrupt| interrupt.is_raised()) {
                return Err(Halt::Stop(StopReason::Interrupted));
            }
        }
        for run in trials.trials.iter().map(Trials::name).map(PathBuf::from) {
            let (done, own) = (folder.join(&run), own.join(&run));
            if !claims::is_done(&own) {
                if own.exists() {
                    fs::remove_dir_all(&own).map_err(TrainError::write(&own))?;
                }
                claims::copy_run(&done, &own)?;
            }
        }
        Ok(())
    }

    /// Lists the round for others to find it. What the search began without them, alone or in an earlier version, is taken along.
    fn list(&self, trials: &Trials, folder: &Path, own: &Path) -> Result<()> {
        if !folder.join(names::TRIALS).is_file() {
            for run in trials.trials.iter().map(Trials::name) {
                let (begun, run) = (own.join(&run), folder.join(&run));
                if begun.is_dir() && !run.exists() {
                    claims::copy_run(&begun, &run)?;
                }
            }
        }
        claims::note(folder, names::TRIALS, trials)
    }
}
