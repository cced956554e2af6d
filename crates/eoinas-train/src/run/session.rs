//! What every run needs around its loop, whatever it trains: a folder, a record, checkpoints, rules to stop by.

use std::path::PathBuf;

use candle_core::Device;
use eoinas_core::{Event, run_folder::names};
use serde::de::DeserializeOwned;

use crate::{
    checkpoint::{self, Checkpoint, Content, MadeOn, Manifest, Store, Subject},
    claims::Claim,
    error::Result,
    observer::{JsonlRecord, Observer, Observers, TextLog},
    ranks,
    stop::{Interrupt, Progress, SharedRules, StopReason, StopRule},
};

use super::{job::About, options::Options, run_writer::RunWriter};

/// The surroundings of a run's loop.
#[derive(Debug)]
pub struct Session {
    run: RunWriter,
    store: Store,
    subject: Subject,
    made_on: MadeOn,
    record: JsonlRecord,
    log: TextLog,
    /// All others.
    observers: Observers,
    rules: SharedRules,
    claim: Option<Claim>,
    keep: usize,
    steps: u64,
}

/// The session of a run that goes on.
#[derive(Debug)]
pub(super) struct Resumed<S> {
    pub session: Session,
    /// Its newest checkpoint, and where that is.
    pub checkpoint: Checkpoint<S>,
    pub folder: PathBuf,
    /// What the user should know.
    pub notes: Vec<String>,
}

impl Session {
    /// The session of a new run. The folder is there and has no record yet.
    ///
    /// # Errors
    /// The record cannot be created.
    pub(super) fn create(run: RunWriter, subject: Subject, keep: usize, device: &Device) -> Result<Self> {
        let store = Store::open(&run.join(names::CHECKPOINTS))?;
        let record = JsonlRecord::create(&run.join(names::EVENTS))?;
        let log = TextLog::create(&run.join(names::LOG))?;
        let (observers, made_on) = (Observers::new(Vec::new(), 0, 0.0), MadeOn::here(device));
        Ok(Self {
            run,
            store,
            subject,
            made_on,
            record,
            log,
            observers,
            rules: SharedRules::default(),
            claim: None,
            keep,
            steps: 0,
        })
    }

    /// Brings a new run, which has its first checkpoint, to its place.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub(super) fn settle(mut self) -> Result<Self> {
        self.run.settle()?;
        Ok(Self {
            store: Store::open(&self.run.join(names::CHECKPOINTS))?,
            record: self.record.moved(&self.run.join(names::EVENTS))?,
            log: self.log.moved(&self.run.join(names::LOG))?,
            ..self
        })
    }

    /// The session of a run that goes on. Events that the checkpoint does not know of are dropped from the record: they will
    /// happen again. A damaged record is mended.
    ///
    /// # Errors
    /// No checkpoint, one that is damaged or does not belong to what `about` says; a record that cannot be written.
    pub(super) fn resume<S: DeserializeOwned>(run: RunWriter, about: &About, device: &Device) -> Result<Resumed<S>> {
        let folder = checkpoint::newest(run.path())?;
        let checkpoint: Checkpoint<S> = checkpoint::read(&folder, &about.subject, device)?;
        let store = Store::open(&run.join(names::CHECKPOINTS))?;
        let manifest = &checkpoint.manifest;
        run.list_settings()?;
        let (events, known) = (manifest.events, manifest.record.as_ref());
        let record = JsonlRecord::resume(&run.join(names::EVENTS), events, known, &about.started)?;
        let log = TextLog::resume(&run.join(names::LOG), &record.kept)?;
        let observers = Observers::new(Vec::new(), events, manifest.elapsed_seconds);
        let made_on = MadeOn::here(device);
        let elsewhere = manifest.made_on.as_ref().filter(|before| **before != made_on).map(|before| {
            format!("the checkpoint was made on {before}, this goes on on {made_on}: sums are rounded otherwise, and the run will not end in the same bytes")
        });
        let notes = record.note.into_iter().chain(elsewhere).collect();
        let session = Self {
            run,
            store,
            subject: about.subject.clone(),
            made_on,
            record: record.record,
            log,
            observers,
            rules: SharedRules::default(),
            claim: None,
            keep: about.keep_checkpoints,
            steps: 0,
        };
        Ok(Resumed { session, checkpoint, folder, notes })
    }

    /// With what the options and the settings want.
    pub(super) fn with(mut self, options: Options, rules: Vec<Box<dyn StopRule>>) -> Self {
        for mut observer in options.observers {
            observer.opened(self.run.home());
            self.observers.push(observer);
        }
        self.claim = options.claim;
        self.rules = SharedRules::new(options.rules.into_iter().chain(rules).collect());
        self
    }

    /// The run's folder.
    pub fn run(&self) -> &RunWriter {
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

    /// The checkpoint of this run after so many steps, which has to be one that is kept, and its folder.
    ///
    /// # Errors
    /// It is gone or damaged.
    pub(crate) fn checkpoint<S: DeserializeOwned>(
        &self,
        step: u64,
        device: &Device,
    ) -> Result<(PathBuf, Checkpoint<S>)> {
        let folder = self.store.path(step);
        let checkpoint = checkpoint::read(&folder, &self.subject, device)?;
        Ok((folder, checkpoint))
    }

    /// Tells the observers.
    ///
    /// # Errors
    /// The first one that fails.
    pub fn emit(&mut self, event: Event) -> Result<()> {
        let record = self.observers.number(event);
        self.record.observe(&record)?;
        self.log.observe(&record)?;
        self.observers.tell(&record)
    }

    /// A step is done: tells the displays.
    pub(super) fn step_done(&mut self, progress: &Progress) {
        self.steps += 1;
        self.observers.progress(progress);
    }

    /// The rules, for runs within this one.
    pub(crate) fn rules(&self) -> SharedRules {
        self.rules.clone()
    }

    /// The right to do this part of a study, for runs within this one.
    pub(crate) fn claim(&self) -> Option<Claim> {
        self.claim.clone()
    }

    /// Whether the part of a study that this run is has not been taken over, as the file system says now.
    ///
    /// # Errors
    /// [`TrainError::Lost`](crate::TrainError::Lost).
    pub(super) fn check_claim(&self) -> Result<()> {
        self.claim.as_ref().map_or(Ok(()), Claim::check)
    }

    /// The same as far as it is known without asking.
    ///
    /// # Errors
    /// As [`Session::check_claim`].
    pub(super) fn check_claim_known(&self) -> Result<()> {
        self.claim.as_ref().map_or(Ok(()), Claim::check_known)
    }

    /// Asks the rules in order; where several processes do the run, all of them stop for the same reason.
    ///
    /// # Errors
    /// The first reason to stop.
    pub fn check(&mut self, progress: &Progress) -> Result<(), StopReason> {
        ranks::agreed(self.rules.check(progress)).map_or(Ok(()), Err)
    }

    /// What does not wait for the end of a step that takes long. Of several ranks all end at the same place, which is the end of a
    /// step: one that left on the way would keep the others waiting.
    pub(super) fn interrupt(&self) -> Option<Interrupt> {
        ranks::current().map_or_else(|| self.rules.interrupt(), |_| None)
    }

    /// Whether the state after so many steps is saved.
    pub(super) fn is_saved(&self, step: u64) -> bool {
        self.store.path(step).exists()
    }

    /// Saves a checkpoint as part of the run: it is in the record, and older checkpoints go. `best` is the step of the
    /// best one so far.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn save(&mut self, step: u64, content: &Content, best: Option<u64>) -> Result<()> {
        self.check_claim()?;
        // Before the first step the ranks have not met yet.
        if step > 0 {
            ranks::check_same(|| content.digest())?;
        }
        // The event comes first, so that the checkpoint knows of it: a resumed run has it in its record too.
        self.emit_saved(step)?;
        // A stop between the last step of an epoch and its evaluation has left the state of this step without it.
        if self.is_saved(step) {
            self.store.remove(step)?;
        }
        self.write(step, content)?;
        self.store.sweep(best, self.keep)
    }

    /// Saves where a run stops early, unless that is saved already. A resumed run knows nothing of the stop.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn save_stop(&mut self, step: u64, content: &Content) -> Result<()> {
        self.check_claim()?;
        if self.is_saved(step) {
            return Ok(());
        }
        self.write(step, content)?;
        self.emit_saved(step)
    }

    fn write(&mut self, step: u64, content: &Content) -> Result<()> {
        let manifest = Manifest {
            elapsed_seconds: self.observers.elapsed_seconds(),
            events: self.observers.events(),
            record: Some(self.record.entry()),
            made_on: Some(self.made_on.clone()),
            ..Manifest::new(self.subject.clone(), step)
        };
        self.store.write(manifest, content)?;
        Ok(())
    }

    fn emit_saved(&mut self, step: u64) -> Result<()> {
        let folder = self.store.path(step);
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        self.emit(Event::CheckpointSaved { step, name: format!("{}/{name}", names::CHECKPOINTS) })
    }
}
