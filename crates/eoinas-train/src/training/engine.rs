//! The loop of every training.

use std::{fs, ops::ControlFlow};

use candle_core::Device;
use eoinas_core::{Event, Genotype, Streams, count, event::EpochEnd, run_folder::names};
use eoinas_data::Batches;
use eoinas_nn::{
    PassOptions,
    saved::{self, Framing, Normalisation},
};

use super::{
    config::{EpochValues, TrainConfig},
    data::TrainData,
    evaluate::evaluate_unless,
    score::Score,
    state::{SavedTraining, TrainState},
    trained::Trained,
    trainee::Trainee,
};
use crate::{
    data::to_device,
    error::Result,
    run_dir::{RunDir, RunDirError},
    session::Session,
    stop::{Progress, StopReason, check_finite},
    tally::Tally,
};

/// A training that is ready to run or to go on. Made by [`Training::create`] and [`Training::resume`].
#[derive(Debug)]
pub struct Training {
    pub(super) config: TrainConfig,
    pub(super) genotype: Genotype,
    pub(super) data: TrainData,
    pub(super) trainee: Trainee,
    pub(super) counts: count::Counts,
    pub(super) device: Device,
    pub(super) state: TrainState,
    pub(super) session: Session,
}

/// How a training ended.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainOutcome {
    /// With a trained network.
    Trained(Trained),
    /// Before its end; what is saved can be resumed.
    Stopped(StopReason),
}

type Flow<T = ()> = Result<ControlFlow<StopReason, T>>;

impl Training {
    /// Trains until the last epoch is evaluated or there is a reason to stop.
    ///
    /// # Errors
    /// Images that cannot be read, a checkpoint or record that cannot be written.
    pub fn run(&mut self) -> Result<TrainOutcome> {
        while self.state.epoch < self.config.epochs {
            let values = self.config.epoch(self.state.epoch);
            if self.state.step == 0 {
                let (epoch, epochs) = (self.state.epoch as u64, self.config.epochs as u64);
                self.session.emit(Event::EpochStarted { epoch, epochs })?;
            }
            if let ControlFlow::Break(reason) = self.run_steps(&values)? {
                return self.stop(reason);
            }
            if let ControlFlow::Break(reason) = self.end_epoch(&values)? {
                return self.stop(reason);
            }
            self.save()?;
            if let Some(reason) = self.session.check(&self.progress(&values)) {
                return self.stop(reason);
            }
        }
        self.finish().map(TrainOutcome::Trained)
    }

    /// Updates of one epoch.
    pub fn steps(&self) -> usize {
        self.data.train.batches_per_epoch().div_ceil(self.config.accumulate)
    }

    /// The updates of the epoch that are still to be done.
    fn run_steps(&mut self, values: &EpochValues) -> Flow {
        let (epoch, first) = (self.state.epoch as u64, self.state.step);
        let mut batches = self.data.train.epoch(epoch, first.saturating_mul(self.config.accumulate));
        for step in first..self.steps() {
            if let Some(reason) = self.session.check(&self.progress(values)) {
                return Ok(ControlFlow::Break(reason));
            }
            let tally = match self.step(&mut batches, step, values)? {
                ControlFlow::Continue(tally) => tally,
                ControlFlow::Break(reason) => return Ok(ControlFlow::Break(reason)),
            };
            let norm = self.trainee.update(values.learning_rate, self.state.total_steps)?;
            if let Err(reason) = check_finite("gradient of the weights", norm) {
                return Ok(ControlFlow::Break(reason));
            }
            self.state.step_done(tally);
            let progress = self.progress(values);
            self.session.step_done(&progress);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The gradients of one update's mini-batches; the last update of an epoch may have fewer.
    fn step(&mut self, batches: &mut Batches, step: usize, values: &EpochValues) -> Flow<Tally> {
        let mut tally = Tally::default();
        for (index, batch) in batches.take(self.config.accumulate).enumerate() {
            let options = PassOptions {
                label_smoothing: self.config.label_smoothing as f32,
                drop_path: values.drop_path as f32,
                auxiliary_weight: self.config.auxiliary as f32,
                streams: Streams::new(self.config.seed),
                epoch: self.state.epoch as u64,
                step: (step * self.config.accumulate + index) as u64,
                ..PassOptions::default()
            };
            match self.trainee.learn(&to_device(batch?, &self.device)?, &options)? {
                ControlFlow::Continue(batch) => tally.add(batch),
                ControlFlow::Break(reason) => return Ok(ControlFlow::Break(reason)),
            }
        }
        Ok(ControlFlow::Continue(tally))
    }

    /// Evaluates, records the epoch, and moves on to the next.
    fn end_epoch(&mut self, values: &EpochValues) -> Flow {
        let score = match self.evaluate(values, false)? {
            ControlFlow::Continue(score) => score.unwrap_or_default(),
            ControlFlow::Break(reason) => return Ok(ControlFlow::Break(reason)),
        };
        let averaged = match self.evaluate(values, true)? {
            ControlFlow::Continue(score) => score,
            ControlFlow::Break(reason) => return Ok(ControlFlow::Break(reason)),
        };
        self.session.emit(Event::EpochEnd(Box::new(EpochEnd {
            epoch: self.state.epoch as u64,
            steps: self.state.total_steps,
            train_loss: self.state.train.mean_loss().unwrap_or(f64::NAN),
            train_accuracy: self.state.train.accuracy().unwrap_or(0.0),
            valid_loss: Some(score.loss()),
            valid_accuracy: Some(score.top1()),
            valid_top5: Some(score.top5()),
            learning_rate: values.learning_rate,
            drop_path: values.drop_path,
            search: None,
        })))?;
        if let Some(averaged) = averaged {
            self.session.emit(self.evaluated("averaged weights", &averaged))?;
        }
        self.state.epoch_done(score, averaged);
        Ok(ControlFlow::Continue(()))
    }

    /// On the images to evaluate, of the averaged weights or of those that are trained. An interrupt does not wait for its end.
    fn evaluate(&mut self, values: &EpochValues, averaged: bool) -> Flow<Option<Score>> {
        let progress = self.progress(values);
        let Self { trainee, data, session, .. } = self;
        let network = if averaged { trainee.averaged() } else { Some(trainee.network()) };
        let Some(network) = network else { return Ok(ControlFlow::Continue(None)) };
        let stop = || session.check(&progress).filter(ends_evaluation);
        Ok(match evaluate_unless(network, &data.test, stop)? {
            Ok(score) => ControlFlow::Continue(Some(score)),
            Err(reason) => ControlFlow::Break(reason),
        })
    }

    /// Writes the result down. A run that is killed here does it again when resumed.
    fn finish(&mut self) -> Result<Trained> {
        let last = self.state.last.unwrap_or_default();
        self.session.emit(self.evaluated("trained network", &last))?;
        let (epochs, steps) = (self.state.epoch, self.state.total_steps);
        self.session.emit(Event::RunEnded { epochs: epochs as u64, steps })?;
        let trained = Trained {
            genotype: self.genotype.to_string(),
            accuracy: last.top1(),
            top5: last.top5(),
            loss: last.loss(),
            averaged_accuracy: self.state.last_averaged.map(|score| score.top1()),
            best_accuracy: self.state.best.map_or(0.0, |best| best.accuracy),
            best_epoch: self.state.best.map_or(0, |best| best.epoch),
            test_images: last.images,
            train_images: self.data.train.images_per_epoch() as u64,
            seed: self.config.seed,
            epochs,
            seconds: self.session.elapsed_seconds(),
            parameters: self.counts.parameters,
            multiply_adds: self.counts.multiply_adds,
        };
        self.save_network()?;
        self.session.run().write_json(names::RESULT, &trained)?;
        Ok(trained)
    }

    /// The network to be used, as a folder of its own: with the averaged weights, where there are any.
    fn save_network(&self) -> Result<()> {
        let path = self.session.run().join(names::NETWORK);
        if path.exists() {
            // Left by a run that was killed before its result was written.
            fs::remove_dir_all(&path).map_err(|source| RunDirError::Write { path: path.clone(), source })?;
        }
        let info = self.data.train.dataset().info();
        let normalisation = Normalisation { mean: info.mean.clone(), std: info.std.clone() };
        // Pictures that windows were cut from in training are tested by their middle.
        let framing = if self.config.augment.crop.is_some() { Framing::Centre } else { Framing::Stretch };
        let network = self.trainee.averaged().unwrap_or(self.trainee.network());
        Ok(saved::save(&path, network, info.classes()?, &normalisation, framing)?)
    }

    /// Saves the state unless it is spoilt; then the last checkpoint is the last good state.
    fn stop(&mut self, reason: StopReason) -> Result<TrainOutcome> {
        if !matches!(reason, StopReason::NonFinite { .. }) {
            let (saved, tensors) = (SavedTraining { state: self.state.clone() }, self.trainee.tensors());
            self.session.save_stop(self.state.total_steps, saved, tensors)?;
        }
        self.session.emit(Event::Stopped { reason: reason.name().to_owned(), detail: reason.to_string() })?;
        Ok(TrainOutcome::Stopped(reason))
    }

    pub(super) fn save(&mut self) -> Result<()> {
        let (saved, tensors) = (SavedTraining { state: self.state.clone() }, self.trainee.tensors());
        let best = self.state.best.map(|best| best.step);
        self.session.save(self.state.total_steps, saved, tensors, best)
    }

    fn evaluated(&self, what: &str, score: &Score) -> Event {
        let images = if self.config.data.held_out.is_some() { "held-out training images" } else { "test part" };
        let what = format!("{what}, {images}");
        Event::Evaluated { what, accuracy: score.top1(), loss: score.loss(), images: score.images }
    }

    fn progress(&self, values: &EpochValues) -> Progress {
        Progress {
            epoch: self.state.epoch,
            epochs: self.config.epochs,
            step: self.state.step,
            steps: self.steps(),
            total_steps: self.state.total_steps,
            session_steps: self.session.steps(),
            train_loss: self.state.train.mean_loss(),
            train_accuracy: self.state.train.accuracy(),
            valid_accuracy: self.state.last.map(|score| score.top1()),
            learning_rate: values.learning_rate,
            ..Progress::default()
        }
    }

    /// The settings.
    pub fn config(&self) -> &TrainConfig {
        &self.config
    }

    /// The cell.
    pub fn genotype(&self) -> &Genotype {
        &self.genotype
    }

    /// Parameters and multiply-adds of the network, auxiliary head left out.
    pub fn counts(&self) -> count::Counts {
        self.counts
    }

    /// What learns.
    pub fn trainee(&self) -> &Trainee {
        &self.trainee
    }

    /// The images.
    pub fn data(&self) -> &TrainData {
        &self.data
    }

    /// Where the training stands.
    pub fn state(&self) -> &TrainState {
        &self.state
    }

    /// The run's folder.
    pub fn run_dir(&self) -> &RunDir {
        self.session.run()
    }
}

/// A person or a clock that cannot wait; rules that count steps can.
fn ends_evaluation(reason: &StopReason) -> bool {
    matches!(reason, StopReason::Interrupted | StopReason::TimeLimit { .. })
}
