//! Beginning a training, and going on with one.

use std::{fmt, path::Path, sync::Arc};

use candle_core::Device;
use eoinas_core::{
    Event, Genotype, SearchSpace, count,
    event::{RECORD_VERSION, RunStarted, Task},
};
use eoinas_data::Dataset;
use eoinas_nn::Operations;

use eoinas_core::run_folder::names;

use super::{
    config::TrainConfig,
    data::{TrainData, open_parts},
    engine::Training,
    state::{SavedTraining, TrainState},
    trained::Trained,
    trainee::Trainee,
};
use crate::{
    checkpoint::{Checkpoint, Subject},
    error::{Result, TrainError},
    observer::Observer,
    run_dir::{RunDir, RunDirError},
    session::Session,
    stop::StopRule,
};

/// What a training needs beside its settings; the defaults train a cell of built-in ops on the CPU.
pub struct TrainOptions {
    /// Which kinds of cell there are and which of them reduce. Default: `None`, as the genotype says
    /// ([`Genotype::space`]). A genotype with ops of one's own needs it when the run is resumed.
    pub space: Option<SearchSpace>,
    /// The tensor halves of the ops. Default: the built-in ones.
    pub operations: Operations,
    /// Default: the CPU.
    pub device: Device,
    /// Training and test images of one's own instead of those that the settings name.
    pub datasets: Option<(Arc<dyn Dataset>, Arc<dyn Dataset>)>,
    /// Observers beside the record and the log.
    pub observers: Vec<Box<dyn Observer>>,
    /// Rules to stop by.
    pub rules: Vec<Box<dyn StopRule>>,
    /// The command line, for the record.
    pub command: Vec<String>,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self {
            space: None,
            operations: Operations::built_in(),
            device: Device::Cpu,
            datasets: None,
            observers: Vec::new(),
            rules: Vec::new(),
            command: Vec::new(),
        }
    }
}

impl fmt::Debug for TrainOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { space, device, datasets, observers, rules, command, .. } = self;
        f.debug_struct("TrainOptions")
            .field("space", &space.as_ref().map(SearchSpace::name))
            .field("device", device)
            .field("datasets", datasets)
            .field("observers", observers)
            .field("rules", rules)
            .field("command", command)
            .finish_non_exhaustive()
    }
}

/// All that is the same for a new and a resumed training.
pub(crate) struct TrainParts {
    pub config: TrainConfig,
    pub genotype: Genotype,
    pub data: TrainData,
    pub trainee: Trainee,
    pub counts: count::Counts,
    pub device: Device,
}

impl TrainParts {
    /// Everything that can be refused is refused here, before anything is written.
    pub fn new(config: TrainConfig, genotype: Genotype, options: &mut TrainOptions) -> Result<Self> {
        config.validate()?;
        let space = match &options.space {
            Some(space) => space.clone(),
            None => genotype.space()?,
        };
        genotype.check_cells(&space)?;
        let (train, test) = match options.datasets.take() {
            Some(datasets) => datasets,
            None => open_parts(&config)?,
        };
        let skeleton = config.skeleton(train.info());
        skeleton.validate(&space)?;
        let counts = count::network(&genotype, &skeleton, &space)?;
        let data = TrainData::new(&config, train, test)?;
        let device = options.device.clone();
        let trainee = Trainee::new(&config, &genotype, &space, &skeleton, &options.operations, &device)?;
        Ok(Self { config, genotype, data, trainee, counts, device })
    }

    fn training(self, state: TrainState, mut session: Session, options: TrainOptions) -> Training {
        let Self { config, genotype, data, trainee, counts, device } = self;
        options.observers.into_iter().for_each(|observer| session.observe(observer));
        options.rules.into_iter().for_each(|rule| session.stop_by(rule));
        Training { config, genotype, data, trainee, counts, device, state, session }
    }

    fn subject(&self) -> Subject {
        Subject::training(&self.genotype, self.trainee.network().skeleton())
    }
}

impl Training {
    /// A new training of `genotype` that writes to the folder `run`, which must not be there yet or be empty. The state
    /// before the first step is saved at once, so that a run can always be resumed.
    ///
    /// # Errors
    /// Settings that cannot work, a genotype that does not fit, images that cannot be read, a folder that cannot be
    /// written.
    pub fn create(config: TrainConfig, genotype: Genotype, run: &Path, options: TrainOptions) -> Result<Self> {
        Self::create_in(config, genotype, || RunDir::create(run), options)
    }

    /// The same in the folder that `run` makes, which is called when everything else is in order.
    ///
    /// # Errors
    /// As [`Training::create`].
    pub fn create_in(
        config: TrainConfig,
        genotype: Genotype,
        run: impl FnOnce() -> Result<RunDir, RunDirError>,
        mut options: TrainOptions,
    ) -> Result<Self> {
        let parts = TrainParts::new(config, genotype, &mut options)?;
        let run = run()?;
        run.write_json(names::CONFIG, &parts.config)?;
        run.write(names::GENOTYPE_TEXT, &format!("{}\n", parts.genotype))?;
        run.write(names::GENOTYPE_JSON, &format!("{}\n", parts.genotype.to_json()))?;
        let session = Session::create(run, parts.subject(), parts.config.keep_checkpoints)?;
        let started = started(&parts, &options);
        let mut training = parts.training(TrainState::default(), session, options);
        training.session.emit(Event::RunStarted(Box::new(started)))?;
        for text in training.data.train.dataset().info().notes.clone() {
            training.session.emit(Event::Warning { text })?;
        }
        training.save()?;
        Ok(training)
    }

    /// Goes on with the training in the folder `run`, from its newest checkpoint and with the settings it was started
    /// with; it ends in the same bytes as if it had never stopped.
    ///
    /// # Errors
    /// A run that is finished, no checkpoint, one that is damaged or belongs to another network.
    pub fn resume(run: &Path, mut options: TrainOptions) -> Result<Self> {
        let dir = RunDir::open(run)?;
        if let Some(Trained { accuracy, .. }) = dir.result()? {
            return Err(TrainError::TrainingFinished { path: run.to_owned(), accuracy });
        }
        let config: TrainConfig = dir.read_json(names::CONFIG)?;
        let text = dir.read(names::GENOTYPE_JSON)?;
        let genotype = match &options.space {
            Some(space) => Genotype::parse_with(&text, space)?,
            None => Genotype::parse(&text)?,
        };
        let mut parts = TrainParts::new(config, genotype, &mut options)?;
        let (session, folder, checkpoint) =
            Session::resume::<SavedTraining>(dir, parts.subject(), parts.config.keep_checkpoints, &options.device)?;
        let Checkpoint { state: saved, tensors, .. } = checkpoint;
        parts.trainee.load(&folder, tensors)?;
        let mut training = parts.training(saved.state, session, options);
        let (epoch, step) = (training.state.epoch as u64, training.state.total_steps);
        let checkpoint = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        training.session.emit(Event::Resumed { epoch, step, checkpoint })?;
        Ok(training)
    }
}

fn started(parts: &TrainParts, options: &TrainOptions) -> RunStarted {
    RunStarted {
        record_version: RECORD_VERSION,
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        task: Task::Train,
        method: "training".to_owned(),
        space: None,
        skeleton: parts.trainee.network().skeleton().clone(),
        seed: parts.config.seed,
        epochs: parts.config.epochs as u64,
        config: serde_json::to_value(&parts.config).unwrap_or_default(),
        dataset: parts.data.describe(),
        genotype: serde_json::from_str(&parts.genotype.to_json()).ok(),
        command: options.command.clone(),
    }
}
