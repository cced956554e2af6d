//! What every run needs around its loop, whatever it trains: a folder, a record, checkpoints, rules to stop by.

use std::{collections::BTreeMap, path::PathBuf};

use candle_core::Device;
use eoinas_core::{Event, run_folder::names};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    checkpoint::{self, Checkpoint, Store, Subject, Tensors},
    error::Result,
    observer::{JsonlRecord, Observer, Observers, TextLog},
    run_dir::RunDir,
    stop::{Progress, StopReason, StopRule},
};

use super::options::Options;

/// The surroundings of a run's loop.
#[derive(Debug)]
pub struct Session {
    run: RunDir,
    store: Store,
    subject: Subject,
    observers: Observers,
    rules: Vec<Box<dyn StopRule>>,
    keep: usize,
    steps: u64,
}

impl Session {
    /// The session of a new run. The folder is there and has no record yet.
    ///
    /// # Errors
    /// The record cannot be created.
    pub(super) fn create(run: RunDir, subject: Subject, keep: usize) -> Result<Self> {
        let store = Store::open(&run.join(names::CHECKPOINTS))?;
        let record = JsonlRecord::create(&run.join(names::EVENTS))?;
        let log = TextLog::create(&run.join(names::LOG))?;
        let observers = Observers::new(vec![Box::new(record), Box::new(log)], 0, 0.0);
        Ok(Self { run, store, subject, observers, rules: Vec::new(), keep, steps: 0 })
    }

    /// The session of a run that goes on, and the newest checkpoint. Events that the checkpoint does not know of are
    /// dropped from the record: they will happen again.
    ///
    /// # Errors
    /// No checkpoint, one that is damaged or does not belong to `subject`, a record that lacks events.
    pub(super) fn resume<S: DeserializeOwned>(
        run: RunDir,
        subject: Subject,
        keep: usize,
        device: &Device,
    ) -> Result<(Self, PathBuf, Checkpoint<S>)> {
        let folder = checkpoint::newest(run.path())?;
        let store = Store::open(&run.join(names::CHECKPOINTS))?;
        let checkpoint: Checkpoint<S> = checkpoint::read(&folder, &subject, device)?;
        let (record, kept) = JsonlRecord::resume(&run.join(names::EVENTS), checkpoint.events)?;
        let log = TextLog::resume(&run.join(names::LOG), &kept)?;
        let list: Vec<Box<dyn Observer>> = vec![Box::new(record), Box::new(log)];
        let observers = Observers::new(list, checkpoint.events, checkpoint.elapsed_seconds);
        let session = Self { run, store, subject, observers, rules: Vec::new(), keep, steps: 0 };
        Ok((session, folder, checkpoint))
    }

    /// With what the options and the settings want.
    pub(super) fn with(mut self, options: Options, rules: Vec<Box<dyn StopRule>>) -> Self {
        options.observers.into_iter().for_each(|observer| self.observers.push(observer));
        self.rules.extend(options.rules.into_iter().chain(rules));
        self
    }

    /// The run's folder.
    pub fn run(&self) -> &RunDir {
        &self.run
    }

    /// Seconds that the run has taken so far, over all its sessions.
    pub fn elapsed_seconds(&self) -> f64 {
        self.observers.elapsed_seconds()
    }

    /// Steps done in this session.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// Tells the observers.
    ///
    /// # Errors
    /// The first one that fails.
    pub fn emit(&mut self, event: Event) -> Result<()> {
        self.observers.emit(event)
    }

    /// A step is done: tells the displays.
    pub(super) fn step_done(&mut self, progress: &Progress) {
        self.steps += 1;
        self.observers.progress(progress);
    }

    /// Asks the rules in order.
    ///
    /// # Errors
    /// The first reason to stop.
    pub fn check(&mut self, progress: &Progress) -> Result<(), StopReason> {
        self.rules.iter_mut().find_map(|rule| rule.check(progress)).map_or(Ok(()), Err)
    }

    /// Saves a checkpoint as part of the run: it is in the record, and older checkpoints go. `best` is the step of the
    /// best one so far.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn save<S: Serialize>(
        &mut self,
        step: u64,
        state: S,
        tensors: BTreeMap<String, Tensors>,
        best: Option<u64>,
    ) -> Result<()> {
        // The event comes first, so that the checkpoint knows of it: a resumed run has it in its record too.
        self.emit_saved(step)?;
        // A stop between the last step of an epoch and its evaluation has left the state of this step without it.
        if self.store.path(step).exists() {
            self.store.remove(step)?;
        }
        self.write(step, state, tensors)?;
        self.store.sweep(best, self.keep)
    }

    /// Saves where a run stops early, unless that is saved already. A resumed run knows nothing of the stop.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn save_stop<S: Serialize>(
        &mut self,
        step: u64,
        state: S,
        tensors: BTreeMap<String, Tensors>,
    ) -> Result<()> {
        if self.store.path(step).exists() {
            return Ok(());
        }
        self.write(step, state, tensors)?;
        self.emit_saved(step)
    }

    fn write<S: Serialize>(&mut self, step: u64, state: S, tensors: BTreeMap<String, Tensors>) -> Result<()> {
        let elapsed_seconds = self.observers.elapsed_seconds();
        let checkpoint = Checkpoint { step, elapsed_seconds, events: self.observers.events(), state, tensors };
        self.store.write(&self.subject, &checkpoint)?;
        Ok(())
    }

    fn emit_saved(&mut self, step: u64) -> Result<()> {
        let folder = self.store.path(step);
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.emit(Event::CheckpointSaved { step, name: format!("{}/{name}", names::CHECKPOINTS) })
    }
}
