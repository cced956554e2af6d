//! Help with the finals of others.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use eoinas_core::{SearchSpace, run_folder::names};
use eoinas_data::Dataset;

use super::{name_of_round, shared::Note};
use crate::{
    batch::{Runs, Trials},
    checkpoint::Subject,
    claims::{self, Claims, Part},
    config::DataConfig,
    data::open_dataset,
    error::{Result, TrainError},
    run::{Job, Options, Outcome},
    run_dir::RunDir,
    search::SearchJob,
    training::Training,
};

/// A process of a study, or a thread of one, that has no part of its own to do and helps with the trainings of finals.
pub struct Helper<'a> {
    options: Box<dyn FnMut() -> Options + 'a>,
    /// Those of the last search that it helped with.
    images: Option<(DataConfig, Arc<dyn Dataset>)>,
}

impl<'a> Helper<'a> {
    /// One that has what `options` makes; their observers are not told, as trainings of finals are part of their search.
    pub fn new(options: impl FnMut() -> Options + 'a) -> Self {
        Self { options: Box::new(options), images: None }
    }

    /// Trains a finalist that nobody trains, of a search of the study that another process works on: whether it is done, by the
    /// name of its run. `None`: there is none now. Finals in a space or on images of one's own that `options` does not have are
    /// left to who has the search.
    ///
    /// # Errors
    /// Those of [`Run::share`](crate::Run::share); images that are not those of the study ([`TrainError::OtherData`]).
    pub fn help(&mut self, claims: &Claims) -> Result<Option<Outcome<PathBuf>>> {
        for (search, trainings) in claims.open_within()? {
            let Some((round, trials)) = newest_round(&trainings) else { continue };
            for trial in &trials.trials {
                let run = round.join(Trials::name(trial));
                if claims::is_done(&run) || trainings.holder(&run)?.is_some() {
                    continue;
                }
                let Some(options) = self.options(claims, &trainings)? else { break };
                let task = trials.task(trial, &options)?;
                // Who has the search may have ended it since this looked; nobody wants the training then.
                let is_gone = || claims::is_done(&search) || !round.join(names::TRIALS).is_file();
                let task = |_: Option<&Path>| match is_gone() {
                    true => Err(TrainError::Removed { path: run.clone() }),
                    false => Ok(task),
                };
                match Training::share(task, &run, options, &trainings) {
                    Ok(Part::Done(_)) => return Ok(Some(Outcome::Done(trainings.title(&run)))),
                    Ok(Part::Stopped(reason)) => return Ok(Some(Outcome::Stopped(reason))),
                    Ok(Part::Elsewhere(_)) => {}
                    Err(TrainError::Removed { .. } | TrainError::Lost { .. }) if claims::is_done(&search) => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(None)
    }

    /// What the trainings need that were begun with such a note; `None`: this has something else.
    fn options(&mut self, claims: &Claims, trainings: &Claims) -> Result<Option<Options>> {
        let note = RunDir::open(trainings.study()).and_then(|dir| dir.read_json::<Note>(names::CONFIG));
        // It went with its search.
        let Ok(Note { config, space, images: known }) = note else { return Ok(None) };
        let options = (self.options)();
        let spaces = [options.search_space(), SearchSpace::darts(), SearchSpace::nas_bench_201()];
        let Some(space) = spaces.into_iter().find(|own| Subject::search(own) == space) else { return Ok(None) };
        let images = match (&options.dataset, &self.images) {
            (Some(own), _) => Arc::clone(own),
            (None, Some((data, images))) if *data == config.data => Arc::clone(images),
            (None, _) => {
                SearchJob::data(&config, &options).map(|data| data.check_study(Some(claims.study()))).transpose()?;
                let images = open_dataset(&config.data)?;
                self.images = Some((config.data.clone(), Arc::clone(&images)));
                images
            }
        };
        let Options { operations, device, task, rules, .. } = options;
        let space = Some(space);
        let is_same = Note::of_images(images.as_ref()) == known;
        Ok(is_same.then(|| Options {
            space,
            operations,
            device,
            dataset: Some(images),
            task,
            rules,
            ..Options::default()
        }))
    }
}

/// The round of a search that is trained now: its folder and its trainings.
fn newest_round(trainings: &Claims) -> Option<(PathBuf, Trials)> {
    let rounds = (1..).map(|round| trainings.study().join(name_of_round(round)));
    let newest = rounds.take_while(|round| round.join(names::TRIALS).is_file()).last()?;
    // What cannot be read is not whole yet, or went with its search.
    let trials = RunDir::open(&newest).and_then(|dir| dir.read_json(names::TRIALS)).ok()?;
    Some((newest, trials))
}

impl fmt::Debug for Helper<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Helper").field("images", &self.images).finish_non_exhaustive()
    }
}
