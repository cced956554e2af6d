//! A training as the job of a run.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use candle_core::Device;
use eoinas_core::run_folder::names;
use eoinas_core::{
    Event, Genotype, Measure, Score, Setting, Streams, TargetKind,
    count::Counts,
    event::{EpochEnd, RECORD_VERSION, RunStarted, Task},
    models::{Design, DesignText},
};
use eoinas_data::Batches;
use eoinas_nn::{
    DerivedNetwork, PassOptions,
    saved::{self, Framing, Normalisation},
};
use serde::{Deserialize, Serialize};

use super::{
    class_weights,
    config::{EarlyStopping, EpochValues, TrainConfig},
    data::{TrainData, open_parts},
    evaluate::{Statistics, evaluate_while},
    network::{Planned, space_of},
    trained::Trained,
    trainee::Trainee,
};
use crate::{
    checkpoint::Tensors,
    config::forget_unused,
    data::to_device,
    error::{Result, TrainError},
    halt::Flow,
    method::StepReport,
    run::{
        About, Around, Course, DataFolder, Job, Options, Run, RunWriter, State, Tally, check_same, estimate::StepClock,
    },
    run_dir::RunDir,
    session::Session,
    stop::{Progress, StopReason, check_finite},
};

/// A training of a network: [`Training::create`](Run::create) takes its [`TrainConfig`] and the [`Design`], a cell's or a
/// human-designed one.
pub type Training = Run<TrainJob>;

/// What learns in a training, and what it learns from.
#[derive(Debug)]
pub struct TrainJob {
    config: TrainConfig,
    design: Design,
    data: TrainData,
    trainee: Trainee,
    planned: Planned,
    device: Device,
    course: Option<Course>,
}

/// `state.json` of a training's checkpoint: everything that is not a tensor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedTraining {
    /// Where the training stands.
    pub state: State,
}

impl Run<TrainJob> {
    /// The settings.
    pub fn config(&self) -> &TrainConfig {
        &self.job.config
    }

    /// The cell, or the human-designed network.
    pub fn design(&self) -> &Design {
        &self.job.design
    }

    /// Whether the images of the training in this folder are still those that it learned from, and what the user should know where that
    /// cannot be told.
    ///
    /// # Errors
    /// [`TrainError::OtherData`], with what differs; a folder that is no training's.
    pub fn check_data(run: &RunDir) -> Result<Option<String>> {
        let config: TrainConfig = run.read_json(names::CONFIG)?;
        let data = &config.data;
        let folder = DataFolder::of(data.dataset, data.dir.as_deref(), data.files, &Options::default());
        let folder = folder.map(|folder| DataFolder { labels: data.labels.as_deref(), ..folder });
        folder.map_or(Ok(None), |folder| folder.check(run))
    }

    /// Parameters and multiply-adds of the network, auxiliary head left out.
    pub fn counts(&self) -> Counts {
        self.job.planned.counts()
    }

    /// What learns.
    pub fn trainee(&self) -> &Trainee {
        &self.job.trainee
    }

    /// The images.
    pub fn data(&self) -> &TrainData {
        &self.job.data
    }
}

impl Job for TrainJob {
    type Task = (TrainConfig, Design);
    type Epoch = EpochValues;
    type Batches = Batches;
    type Saved = SavedTraining;
    type Found = Trained;
    const END_CHANGES: bool = false;

    fn new((config, design): Self::Task, options: &mut Options) -> Result<Self> {
        config.validate()?;
        Setting::check(options.method.is_none(), "method", "one's own", "none: a training has no search method")?;
        if let Some(genotype) = design.genotype() {
            space_of(genotype, options)?;
        }
        let (mut train, mut test) = open_parts(&config, options)?;
        if let Some(init) = &config.init {
            (train, test) = (init.normalised(train)?, init.normalised(test)?);
        }
        let planned = Planned::new(&config, &design, train.info(), options)?;
        let data = TrainData::new(&config, train, test)?;
        let device = options.device.clone();
        let target = &data.train.dataset().info().target;
        let smooth = config.label_smoothing == 0.0 || target.kind() == TargetKind::Classes;
        let expected = format!("0: the images have {}, and classes alone are smoothed", target.kind());
        Setting::check(smooth, "label_smoothing", config.label_smoothing, expected)?;
        let trainee = Trainee::new(&config, || planned.build(&config, &options.operations, &device))?
            .with_task(&class_weights::task_of(&config, &data, options)?);
        Ok(Self { config, design, data, trainee, planned, device, course: None })
    }

    fn begin(&mut self, options: &Options) -> Result<()> {
        let data = self.data.train.dataset().as_ref();
        self.config.init.as_ref().map_or(Ok(()), |init| init.begin(&mut self.trainee, data, options))
    }

    fn write(&self, dir: &RunWriter) -> Result<()> {
        match &self.design {
            Design::Cell(genotype) => {
                dir.write(names::GENOTYPE_TEXT, &format!("{genotype}\n"))?;
                dir.write(names::GENOTYPE_JSON, &format!("{}\n", genotype.to_json()))?;
            }
            Design::Model(model) => dir.write_json(names::MODEL, model)?,
        }
        dir.write_json(names::CONFIG, &self.config)
    }

    fn read(dir: &RunDir, options: &Options) -> Result<Self::Task> {
        let mut config: TrainConfig = dir.read_json(names::CONFIG)?;
        forget_unused(config.data.dataset, &mut config.data.dir, &mut config.data.files);
        Ok((config, design_of(dir, options)?))
    }

    fn data<'a>((config, _): &'a Self::Task, options: &Options) -> Option<DataFolder<'a>> {
        let data = &config.data;
        let of = DataFolder::of(data.dataset, data.dir.as_deref(), data.files, options)?;
        Some(DataFolder { labels: data.labels.as_deref(), ..of })
    }

    fn check_same((config, design): &Self::Task, options: &Options, dir: &RunDir) -> Result<()> {
        check_same(dir, config)?;
        let there = design_of(dir, options)?;
        if there != *design {
            let (there, wanted) = (there.to_string(), design.to_string());
            let (path, setting) = (dir.path().to_owned(), "network".to_owned());
            return Err(TrainError::OtherSettings { path, setting, there, wanted });
        }
        Ok(())
    }

    fn about(&self) -> About {
        let subject = self.planned.subject();
        About {
            subject: match &self.config.init {
                Some(init) => subject.from_weights(&init.sha256, init.rate),
                None => subject,
            },
            started: RunStarted {
                record_version: RECORD_VERSION,
                program_version: env!("CARGO_PKG_VERSION").to_owned(),
                task: Task::Train,
                method: "training".to_owned(),
                space: None,
                skeleton: self.planned.skeleton().cloned(),
                seed: self.config.seed,
                epochs: self.config.epochs as u64,
                config: serde_json::to_value(&self.config).unwrap_or_default(),
                dataset: self.data.describe(),
                genotype: self.design.genotype().and_then(|genotype| serde_json::from_str(&genotype.to_json()).ok()),
                model: self.planned.model().cloned(),
                command: Vec::new(),
                measure: Some(self.measure()).filter(|measure| !measure.is_accuracy()),
            },
            notes: (self.data.notes().into_iter())
                .chain(class_weights::told(&self.config, &self.data))
                .chain(self.planned.note(&self.config))
                .collect(),
            keep_checkpoints: self.config.keep_checkpoints,
            rules: Vec::new(),
        }
    }

    fn restore(&mut self, folder: &Path, saved: SavedTraining, tensors: BTreeMap<String, Tensors>) -> Result<State> {
        saved.state.check_measure(&self.measure())?;
        self.trainee.load(folder, tensors)?;
        Ok(saved.state)
    }

    fn saved(&self, state: &State) -> Flow<SavedTraining> {
        Ok(SavedTraining { state: state.of(self.measure()) })
    }

    fn tensors(&self) -> Result<BTreeMap<String, Tensors>> {
        Ok(self.trainee.tensors())
    }

    fn epochs(&self) -> usize {
        self.course.as_ref().map_or(self.config.epochs, |course| course.epochs.len())
    }

    fn follow(&mut self, course: Course) {
        self.course = Some(course);
    }

    fn is_done(&self, state: &State) -> bool {
        let stopped = match (self.config.early_stopping, self.best_epoch(state)) {
            (Some(EarlyStopping { epochs, .. }), Some(best)) => state.epoch >= best + 1 + epochs,
            _ => false,
        };
        stopped || state.epoch >= self.epochs()
    }

    /// Updates of one epoch.
    fn steps(&self) -> usize {
        self.data.train.batches_per_epoch().div_ceil(self.config.accumulate)
    }

    fn epoch(&self, epoch: usize) -> EpochValues {
        self.config.epoch(Course::planned(self.course.as_ref(), epoch))
    }

    fn measure(&self) -> Measure {
        self.trainee.network().task().measure()
    }

    fn batches(&self, _: &EpochValues, state: &State) -> Batches {
        self.data.train.epoch(state.epoch as u64, state.step.saturating_mul(self.config.accumulate))
    }

    /// One update by the gradients of its mini-batches; the last one of an epoch may have fewer.
    fn step(&mut self, batches: &mut Batches, values: &EpochValues, state: &State) -> Flow<Option<StepReport>> {
        let mut train = Tally::default();
        for (index, batch) in batches.take(self.config.accumulate).enumerate() {
            let options = PassOptions {
                label_smoothing: self.config.label_smoothing as f32,
                drop_path: values.drop_path as f32,
                auxiliary_weight: self.config.auxiliary as f32,
                streams: Streams::new(self.config.seed),
                epoch: state.epoch as u64,
                step: (state.step * self.config.accumulate + index) as u64,
                ..PassOptions::default()
            };
            train.add(self.trainee.learn(&to_device(batch?, &self.device)?, &options)?);
        }
        let norm = self.trainee.update(values.learning_rate, state.total_steps)?;
        check_finite("gradient of the weights", norm)?;
        Ok(Some(StepReport { train, valid: None }))
    }

    fn heed(&mut self, stop: Option<Arc<AtomicBool>>) {
        self.trainee.heed(stop);
    }

    /// Evaluates and records the epoch.
    fn end_epoch(&mut self, values: &EpochValues, around: Around<'_>) -> Flow<Option<f64>> {
        let Around { state, session, progress } = around;
        // An interrupt does not wait for the end of an evaluation.
        let statistics = self.statistics();
        let mut evaluate = |network: &DerivedNetwork| -> Flow<Tally> {
            evaluate_while(network, self.data.of_epochs(), statistics, || match session.check(&progress) {
                Err(reason) if ends_evaluation(&reason) => Err(reason),
                _ => Ok(()),
            })
        };
        let last = evaluate(self.trainee.network())?;
        let averaged = self.trainee.averaged().map(evaluate).transpose()?;
        for tally in std::iter::once(&last).chain(&averaged) {
            // The last update has had no loss of its own so far.
            check_finite("test loss", tally.mean_loss().unwrap_or(0.0))?;
        }
        let train = state.train.clone().scored(self.trainee.network().task().as_ref());
        session.emit(Event::EpochEnd(Box::new(EpochEnd {
            epoch: state.epoch as u64,
            steps: state.total_steps,
            train_loss: train.mean_loss().unwrap_or(f64::NAN),
            train_accuracy: train.accuracy().unwrap_or(0.0),
            train_score: train.other_score(),
            valid_loss: Some(last.mean_loss().unwrap_or(f64::NAN)),
            valid_accuracy: last.accuracy(),
            valid_score: last.other_score(),
            valid_top5: last.top5(),
            learning_rate: values.learning_rate,
            drop_path: values.drop_path,
            search: None,
        })))?;
        if let Some(averaged) = &averaged {
            session.emit(averaged.evaluated(format!("averaged weights, {}", self.images_of_epochs())))?;
        }
        let score = averaged.as_ref().unwrap_or(&last).score();
        (state.last, state.last_averaged) = (Some(last), averaged);
        Ok(score)
    }

    fn finish(&mut self, state: &State, session: &mut Session) -> Flow<Trained> {
        let (what, last, averaged) = match (self.config.early_stopping, state.best) {
            (Some(_), Some(best)) => self.take_best(best.step, state, session)?,
            _ => ("trained network".to_owned(), state.last.clone().unwrap_or_default(), state.last_averaged.clone()),
        };
        let (averaged, classes) = (averaged.as_ref(), self.measure().is_accuracy());
        let best = state.best.map(|best| best.score);
        session.emit(last.evaluated(format!("{what}, {}", self.images_of_end())))?;
        session.emit(Event::RunEnded { epochs: state.epoch as u64, steps: state.total_steps })?;
        let (counts, skeleton) = (self.planned.counts(), self.planned.skeleton());
        let trained = Trained {
            // Of a network that was fitted to a cost, with the width that it got.
            design: self
                .planned
                .model()
                .map_or_else(|| self.design.text(), |info| DesignText::Model(info.model.clone())),
            accuracy: last.accuracy().unwrap_or(0.0),
            score: last.other_score().map(|value| Score { measure: self.measure(), value }),
            top5: last.top5().unwrap_or(0.0),
            loss: last.mean_loss().unwrap_or(f64::NAN),
            averaged_accuracy: averaged.and_then(Tally::accuracy),
            averaged_score: averaged.and_then(Tally::other_score),
            best_accuracy: best.filter(|_| classes).unwrap_or(0.0),
            best_score: best.filter(|_| !classes),
            best_epoch: self.best_epoch(state).unwrap_or(0),
            test_images: last.samples,
            held_out_images: self.data.chosen_by.as_ref().map(|loader| loader.images_per_epoch() as u64),
            train_images: self.data.train.images_per_epoch() as u64,
            seed: self.config.seed,
            epochs: state.epoch,
            seconds: session.elapsed_seconds(),
            parameters: counts.parameters,
            multiply_adds: counts.multiply_adds,
            latency_ms: self.planned.latency_ms(),
            channels: skeleton.map(|skeleton| skeleton.channels),
            cells: skeleton.map(|skeleton| skeleton.cells),
        };
        self.save_network(session.run())?;
        Ok(trained)
    }

    fn fill_in(&self, values: &EpochValues, state: &State, progress: &mut Progress) {
        progress.valid_accuracy = state.last.as_ref().and_then(Tally::accuracy);
        progress.learning_rate = values.learning_rate;
    }

    /// The time of the test part, for each network that is evaluated.
    fn end_seconds(&self, batches: usize) -> Result<f64> {
        let mut clock = StepClock::default();
        for batch in self.data.of_epochs().epoch(0, 0).take(batches) {
            self.trainee.network().evaluate(&to_device(batch?, &self.device)?)?;
            clock.step_done();
        }
        let networks = 1 + usize::from(self.trainee.averaged().is_some());
        Ok(clock.seconds_per_step() * (networks * self.data.of_epochs().batches_per_epoch()) as f64)
    }
}

impl TrainJob {
    /// The network to be used, as a folder of its own: with the averaged weights, where there are any.
    fn save_network(&self, run: &RunDir) -> Result<()> {
        let path = run.join(names::NETWORK);
        if path.exists() {
            // Left by a run that was killed before its result was written.
            fs::remove_dir_all(&path).map_err(TrainError::write(&path))?;
        }
        let info = self.data.train.dataset().info();
        let (mean, std, values) = (info.mean.clone(), info.std.clone(), info.values);
        let normalisation = Normalisation { mean, std, values };
        // Pictures that windows were cut from in training are tested by their middle.
        let framing = if self.config.augment.crop.is_some() { Framing::Centre } else { Framing::Stretch };
        let network = self.trainee.averaged().unwrap_or(self.trainee.network());
        Ok(saved::save(&path, network, &info.target, &normalisation, framing)?)
    }

    /// The network of the best epoch takes the place of the last one's, and is tested: what it is, how good, and how good with the
    /// averaged weights.
    fn take_best(&mut self, step: u64, state: &State, session: &Session) -> Flow<(String, Tally, Option<Tally>)> {
        let (folder, checkpoint) = session.checkpoint::<SavedTraining>(step, &self.device)?;
        self.trainee.load(&folder, checkpoint.tensors)?;
        let evaluate = |network| -> Result<Tally> {
            evaluate_while(network, &self.data.test, self.statistics(), || Ok::<(), TrainError>(()))
        };
        let tested = evaluate(self.trainee.network())?;
        let averaged = self.trainee.averaged().map(evaluate).transpose()?;
        let epoch = self.best_epoch(state).unwrap_or(0) + 1;
        Ok((format!("trained network of epoch {epoch}, the best by held-out images"), tested, averaged))
    }

    /// The best epoch so far, from 0.
    fn best_epoch(&self, state: &State) -> Option<usize> {
        state.best.map(|best| (best.step / self.steps().max(1) as u64).saturating_sub(1) as usize)
    }

    fn statistics(&self) -> Statistics {
        match self.config.batch_statistics {
            true => Statistics::OfTheBatch,
            false => Statistics::Running,
        }
    }

    /// What is evaluated after every epoch.
    fn images_of_epochs(&self) -> &'static str {
        if self.data.chosen_by.is_some() { "held-out training images" } else { self.images_of_end() }
    }

    /// What the result is measured on.
    fn images_of_end(&self) -> &'static str {
        match &self.config.data {
            data if data.fold.is_some() => "the fold that trained nothing",
            data if data.held_out.is_some() => "held-out training images",
            _ => "test part",
        }
    }
}

/// What the training in a folder trains.
fn design_of(dir: &RunDir, options: &Options) -> Result<Design> {
    match dir.path().join(names::MODEL).exists() {
        true => Ok(Design::Model(dir.read_json(names::MODEL)?)),
        false => Ok(parse_genotype(&dir.read(names::GENOTYPE_JSON)?, options)?.into()),
    }
}

/// A genotype's text, with the ops of the space where one is given.
pub(crate) fn parse_genotype(text: &str, options: &Options) -> Result<Genotype> {
    Ok(match &options.space {
        Some(space) => Genotype::parse_with(text, space)?,
        None => Genotype::parse(text)?,
    })
}

/// A person or a clock that cannot wait; rules that count steps can.
fn ends_evaluation(reason: &StopReason) -> bool {
    matches!(reason, StopReason::Interrupted | StopReason::TimeLimit { .. })
}
