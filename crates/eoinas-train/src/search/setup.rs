//! Beginning a search, and going on with one.

use std::{fmt, path::Path, sync::Arc};

use candle_core::Device;
use eoinas_core::{
    Event, SearchSpace,
    event::{RECORD_VERSION, RunStarted, SpaceInfo, Task},
};
use eoinas_data::Dataset;
use eoinas_nn::Operations;

use super::{engine::Search, found::Found};
use crate::{
    checkpoint::{Checkpoint, Subject},
    config::SearchConfig,
    data::{SearchData, open_dataset},
    error::{Result, TrainError},
    learner::Learner,
    method::SearchMethod,
    methods,
    observer::Observer,
    plan::Plan,
    run_dir::{RunDir, RunDirError, names},
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
        config.validate()?;
        config.validate_space(&options.space)?;
        let plan = Plan::new(&config, &options.space)?;
        let dataset = match options.dataset.take() {
            Some(dataset) => dataset,
            None => open_dataset(&config.data)?,
        };
        let skeleton = config.skeleton(dataset.info());
        skeleton.validate(&options.space)?;
        let data = SearchData::new(&config, dataset)?;
        let learner = Learner::new(&config, &options.space, &skeleton, &options.operations, &options.device)?;
        let method = options.method.take().unwrap_or_else(|| methods::build(&config));
        Ok(Self { config, plan, data, device: options.device.clone(), learner, method })
    }

    /// Takes over a checkpoint that lies in `folder`: the network of its stage, what learned, the method's own state.
    /// Returns where the search stood.
    pub fn restore(&mut self, folder: &Path, checkpoint: Checkpoint<SavedSearch>) -> Result<SearchState> {
        let Checkpoint { state: saved, tensors, .. } = checkpoint;
        if let Some(stage) = self.plan.stage(saved.state.epoch) {
            self.learner.rebuild(stage.cells)?;
        }
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
        let session = Session::create(run, Subject::search(&options.space), parts.config.keep_checkpoints)?;
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
    /// A run that is finished, no checkpoint, one that is damaged or belongs to another space.
    pub fn resume(run: &Path, mut options: SearchOptions) -> Result<Self> {
        let dir = RunDir::open(run)?;
        if let Some(found) = dir.result::<Found>()? {
            return Err(TrainError::Finished { path: run.to_owned(), genotype: found.genotype });
        }
        let config: SearchConfig = dir.read_json(names::CONFIG)?;
        let subject = Subject::search(&options.space);
        let (session, folder, checkpoint) = Session::resume(dir, subject, config.keep_checkpoints, &options.device)?;
        let mut parts = SearchParts::new(config, &mut options)?;
        let state = parts.restore(&folder, checkpoint)?;
        let mut search = parts.search(state, session, options);
        let (epoch, step) = (search.state.epoch as u64, search.state.total_steps);
        let checkpoint = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        search.session.emit(Event::Resumed { epoch, step, checkpoint })?;
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
