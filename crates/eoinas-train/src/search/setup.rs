//! Beginning a search, and going on with one.

use std::{fmt, path::Path, sync::Arc};

use candle_core::Device;
use eoinas_core::{
    Event, SearchSpace,
    event::{RECORD_VERSION, RunStarted, SpaceInfo, Task},
};
use eoinas_data::Dataset;
use eoinas_nn::Operations;

use eoinas_core::run_folder::names;

use super::{engine::Search, found::Found};
use crate::{
    checkpoint::{Checkpoint, Subject, method_of, newest},
    config::{MethodConfig, SearchConfig},
    data::{SearchData, open_dataset},
    error::{Result, TrainError},
    learner::Learner,
    method::SearchMethod,
    observer::Observer,
    plan::Plan,
    run_dir::{RunDir, RunDirError},
    session::Session,
    state::{SavedSearch, SearchState},
    stop::{CollapseGuard, StopRule},
};

/// What a search needs beside its settings; the defaults are the paper's space on the CPU.
pub struct SearchOptions {
    /// Default: [`SearchSpace::darts`].
    pub space: SearchSpace,
    /// The tensor halves of the space's ops. Default: the built-in ones.
    pub operations: Operations,
    /// Default: the CPU.
    pub device: Device,
    /// Images of one's own instead of those that the settings name.
    pub dataset: Option<Arc<dyn Dataset>>,
    /// A method of one's own instead of the one that the settings name.
    pub method: Option<Box<dyn SearchMethod>>,
    /// Observers beside the record and the log.
    pub observers: Vec<Box<dyn Observer>>,
    /// Rules to stop by.
    pub rules: Vec<Box<dyn StopRule>>,
    /// The command line, for the record.
    pub command: Vec<String>,
}

impl Default for SearchOptions {
    fn default() -> Self {
        Self {
            space: SearchSpace::darts(),
            operations: Operations::built_in(),
            device: Device::Cpu,
            dataset: None,
            method: None,
            observers: Vec::new(),
            rules: Vec::new(),
            command: Vec::new(),
        }
    }
}

impl fmt::Debug for SearchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { space, device, dataset, method, observers, rules, command, .. } = self;
        f.debug_struct("SearchOptions")
            .field("space", &space.name())
            .field("device", device)
            .field("dataset", dataset)
            .field("method", method)
            .field("observers", observers)
            .field("rules", rules)
            .field("command", command)
            .finish_non_exhaustive()
    }
}

/// All that is the same for a new and a resumed search.
#[derive(Debug)]
pub(crate) struct SearchParts {
    pub config: SearchConfig,
    pub plan: Plan,
    pub data: SearchData,
    pub device: Device,
    pub learner: Learner,
    pub method: Box<dyn SearchMethod>,
}

impl SearchParts {
    /// Everything that can be refused is refused here, before anything is written.
    pub fn new(config: SearchConfig, options: &mut SearchOptions) -> Result<Self> {
        config.validate_run()?;
        let (config, method) = method(config, options)?;
        method.validate(&config, &options.space)?;
        let plan = Plan::new(&config, method.timetable(&config, &options.space))?;
        let dataset = match options.dataset.take() {
            Some(dataset) => dataset,
            None => open_dataset(&config.data)?,
        };
        let skeleton = config.skeleton(dataset.info());
        skeleton.validate(&options.space)?;
        let data = SearchData::new(&config, dataset)?;
        let SearchOptions { space, operations, device, .. } = &*options;
        let learner = Learner::new(&config, method.learner(), space, &skeleton, operations, device)?;
        Ok(Self { config, plan, data, device: options.device.clone(), learner, method })
    }

    /// Takes over a checkpoint that lies in `folder`: the network of its stage, what learned, the method's own state.
    /// Returns where the search stood.
    pub fn restore(&mut self, folder: &Path, checkpoint: Checkpoint<SavedSearch>) -> Result<SearchState> {
        let Checkpoint { state: saved, tensors, .. } = checkpoint;
        self.method.enter_stage(&mut self.learner, self.plan.epoch(saved.state.epoch).stage)?;
        self.learner.load(folder, saved.prune, saved.arch_steps, tensors)?;
        let wrong = |what| TrainError::State { path: folder.to_owned(), what };
        self.method.load(saved.method).map_err(|what| wrong(format!("state.json: method: {what}")))?;
        Ok(saved.state)
    }

    fn search(self, state: SearchState, mut session: Session, options: SearchOptions) -> Search {
        let Self { config, plan, data, device, learner, method } = self;
        options.observers.into_iter().for_each(|observer| session.observe(observer));
        options.rules.into_iter().for_each(|rule| session.stop_by(rule));
        if let Some(limit) = config.max_skips {
            session.stop_by(Box::new(CollapseGuard { limit }));
        }
        Search { config, plan, data, device, learner, method, state, session }
    }
}

/// The method of the settings; one of `options` takes its place, also in the settings.
pub(crate) fn method(
    mut config: SearchConfig,
    options: &mut SearchOptions,
) -> Result<(SearchConfig, Box<dyn SearchMethod>)> {
    let method = match options.method.take() {
        Some(method) => {
            config.method = MethodConfig::Own(method.identity());
            method
        }
        None => config.method.build()?,
    };
    Ok((config, method))
}

impl Search {
    /// A new search that writes to the folder `run`, which must not be there yet or be empty. The state before the first
    /// step is saved at once, so that a run can always be resumed.
    ///
    /// # Errors
    /// Settings that cannot work, images that cannot be read, a folder that cannot be written.
    pub fn create(config: SearchConfig, run: &Path, options: SearchOptions) -> Result<Self> {
        Self::create_in(config, || RunDir::create(run), options)
    }

    /// The same in the folder that `run` makes, which is called when everything else is in order.
    ///
    /// # Errors
    /// As [`Search::create`].
    pub fn create_in(
        config: SearchConfig,
        run: impl FnOnce() -> Result<RunDir, RunDirError>,
        mut options: SearchOptions,
    ) -> Result<Self> {
        let parts = SearchParts::new(config, &mut options)?;
        let run = run()?;
        run.write_json(names::CONFIG, &parts.config)?;
        let subject = Subject::search(&options.space).by(parts.method.identity());
        let session = Session::create(run, subject, parts.config.keep_checkpoints)?;
        let started = started(&parts, &options);
        let mut search = parts.search(SearchState::default(), session, options);
        search.session.emit(Event::RunStarted(Box::new(started)))?;
        let notes = search.data.train.dataset().info().notes.clone();
        for text in search.plan.note().map(str::to_owned).into_iter().chain(notes) {
            search.session.emit(Event::Warning { text })?;
        }
        search.save()?;
        Ok(search)
    }

    /// Goes on with the search in the folder `run`, from its newest checkpoint and with the settings it was started
    /// with; it ends in the same bytes as if it had never stopped.
    ///
    /// # Errors
    /// A run that is finished, no checkpoint, one that is damaged or belongs to another space, or to another method or
    /// other settings of it (an indicator of one's own has to be given again).
    pub fn resume(run: &Path, mut options: SearchOptions) -> Result<Self> {
        let dir = RunDir::open(run)?;
        if let Some(found) = dir.result::<Found>()? {
            return Err(TrainError::Finished { path: run.to_owned(), genotype: found.genotype });
        }
        let config: SearchConfig = dir.read_json(names::CONFIG)?;
        let mut parts = SearchParts::new(config, &mut options)?;
        let subject = Subject::search(&options.space).by(parts.method.identity());
        let unsaid = method_of(&newest(run)?, &subject)?.is_none();
        let keep = parts.config.keep_checkpoints;
        let (session, folder, checkpoint) = Session::resume(dir, subject, keep, &options.device)?;
        let state = parts.restore(&folder, checkpoint)?;
        let mut search = parts.search(state, session, options);
        let (epoch, step) = (search.state.epoch as u64, search.state.total_steps);
        let checkpoint = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        search.session.emit(Event::Resumed { epoch, step, checkpoint })?;
        if unsaid {
            let text = format!(
                "the checkpoint was written by version 0.1.0, which did not note the method: this goes on with {}, whether \
                 that is what it began with or not",
                search.method.identity()
            );
            search.session.emit(Event::Warning { text })?;
        }
        Ok(search)
    }
}

fn started(parts: &SearchParts, options: &SearchOptions) -> RunStarted {
    RunStarted {
        record_version: RECORD_VERSION,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        task: Task::Search,
        method: parts.method.identity().name,
        space: Some(SpaceInfo::from(&options.space)),
        skeleton: parts.learner.supernet.skeleton().clone(),
        seed: parts.config.seed,
        epochs: parts.plan.epochs() as u64,
        config: serde_json::to_value(&parts.config).unwrap_or_default(),
        dataset: parts.data.describe(),
        genotype: None,
        command: options.command.clone(),
    }
}
