//! The loop of every run.

use std::path::Path;

use eoinas_core::Event;
use eoinas_core::run_folder::names;

use super::{
    job::{Around, Job},
    known_data::DataFolder,
    options::Options,
    outcome::Outcome,
    replan::Course,
    run_writer::RunWriter,
    session::{Resumed, Session},
    state::State,
    step::StepUnderWay,
};
use crate::{
    checkpoint::{Content, check_reads_back},
    error::{Result, TrainError},
    halt::{Flow, Halt},
    method::StepReport,
    run_dir::RunDir,
    stop::{Interrupt, Progress, StopReason},
};

/// A run that is ready to begin or to go on: of a search or a training, as its job is.
#[derive(Debug)]
pub struct Run<J: Job> {
    pub(crate) job: J,
    pub(super) state: State,
    pub(super) session: Session,
    step: StepUnderWay,
    /// The steps of an epoch are done, its end is not.
    ending: bool,
    /// The score of the last epoch that ended in this process.
    score: Option<f64>,
}

impl<J: Job> Run<J> {
    /// A new run that writes to the folder `run`, which must not be there yet or be empty, but for what a beginning left that
    /// was killed. The state before the first step is saved at once, and the files appear with it, so that a run that is there
    /// can always be resumed. While it is there, no other process writes to its folder.
    ///
    /// # Errors
    /// Settings that cannot work, images that cannot be read, a folder that cannot be written.
    pub fn create(task: J::Task, run: &Path, options: Options) -> Result<Self> {
        Self::create_in(task, || RunWriter::create(run), options)
    }

    /// The same in the folder that `run` makes, which is called when everything else is in order.
    ///
    /// # Errors
    /// As [`Run::create`].
    pub fn create_in(task: J::Task, run: impl FnOnce() -> Result<RunWriter>, mut options: Options) -> Result<Self> {
        let data = J::data(&task, &options)
            .map(|data| (data.kind, data.files, data.dir.to_owned(), data.labels.map(Path::to_owned)));
        let mut job = J::new(task, &mut options)?;
        job.begin(&options)?;
        let mut about = job.about();
        // Images that no run can learn from are not those of a study.
        let data = data.as_ref().map(|(kind, files, dir, labels)| DataFolder {
            kind: *kind,
            files: *files,
            dir,
            labels: labels.as_deref(),
        });
        let of_study = data.map(|data| data.check_study(options.study.as_deref())).transpose()?.flatten();
        let dir = run()?;
        data.map(|data| data.note(&dir)).transpose()?;
        job.write(&dir)?;
        about.started.command = std::mem::take(&mut options.command);
        let notes = dir.note().map(str::to_owned).into_iter().chain(of_study).chain(about.notes);
        let notes = notes.collect::<Vec<_>>();
        let session = Session::create(dir, about.subject, about.keep_checkpoints, &options.device)?;
        let session = session.with(options, about.rules);
        let mut run =
            Self { job, state: State::default(), session, step: StepUnderWay::default(), ending: false, score: None };
        run.session.emit(Event::RunStarted(Box::new(about.started)))?;
        for text in notes {
            run.session.emit(Event::Warning { text })?;
        }
        run.save().map_err(|halt| match halt {
            Halt::Stop(reason) => TrainError::NotFinite { reason },
            Halt::Failed(error) => *error,
        })?;
        Ok(Self { session: run.session.settle()?, ..run })
    }

    /// Goes on with the run in the folder `run`, from its newest checkpoint and with the settings it was started with; it
    /// ends in the same bytes as if it had never stopped. One that was stopped before its first checkpoint begins anew.
    ///
    /// # Errors
    /// A run that is finished, or that another process goes on with; no checkpoint, one that is damaged or belongs to another
    /// task: another space or network, another method or other settings of it (a method of one's own has to be given again).
    pub fn resume(run: &Path, options: Options) -> Result<Self> {
        if let Some(found) = RunDir::open(run)?.result::<J::Found>()? {
            return Err(TrainError::Finished { path: run.to_owned(), result: found.to_string() });
        }
        let dir = RunWriter::resume(run)?;
        let task = J::read(&dir, &options)?;
        if dir.is_new() {
            return Self::create_in(task, || Ok(dir), options);
        }
        Self::go_on_in(dir, task, options)
    }

    fn go_on_in(dir: RunWriter, task: J::Task, mut options: Options) -> Result<Self> {
        let data = J::data(&task, &options);
        let images = data.map(|data| data.check(&dir)).transpose()?.flatten();
        data.map(|data| data.check_study(options.study.as_deref())).transpose()?;
        let mut job = J::new(task, &mut options)?;
        if let (Some(course), _) = Course::read(&dir)? {
            job.follow(course);
        }
        let about = job.about();
        let locks = dir.note().map(str::to_owned);
        let Resumed { session, checkpoint, folder, notes } = Session::resume(dir, &about, &options.device)?;
        let unsaid = match (&about.subject.method, &checkpoint.manifest.subject.method) {
            (Some(method), None) => Some(format!(
                "the checkpoint was written by version 0.1.0, which did not note the method: this goes on with {method}, \
                 whether that is what it began with or not"
            )),
            _ => None,
        };
        let state = job.restore(&folder, checkpoint.state, checkpoint.tensors)?;
        let session = session.with(options, about.rules);
        let mut run = Self { job, state, session, step: StepUnderWay::default(), ending: false, score: None };
        let (epoch, step) = (run.state.epoch as u64, run.state.total_steps);
        let checkpoint = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        run.session.emit(Event::Resumed { epoch, step, checkpoint })?;
        run.follow_course()?;
        for text in locks.into_iter().chain(images).chain(unsaid).chain(notes) {
            run.session.emit(Event::Warning { text })?;
        }
        Ok(run)
    }

    /// Checks that `task` can begin, without writing anything: settings, network, images.
    ///
    /// # Errors
    /// As [`Run::create`], but for the folder.
    pub fn check(task: J::Task, mut options: Options) -> Result<()> {
        J::new(task, &mut options)?.begin(&options)
    }

    /// The outcome of `task` in the folder `run`, whatever is there: begins it, goes on with it, or reads the result if it is
    /// done. Studies over methods and seeds can thus be stopped, gone on with and added to.
    ///
    /// # Errors
    /// A run of another task, and those of [`Run::create`], [`Run::resume`] and [`Run::run`].
    pub fn complete(task: J::Task, run: &Path, options: Options) -> Result<Outcome<J::Found>> {
        if !RunWriter::has_begun(run)? {
            return Self::create(task, run, options)?.run();
        }
        let dir = RunDir::open(run)?;
        J::check_same(&task, &options, &dir)?;
        match dir.result()? {
            Some(found) => Ok(Outcome::Done(found)),
            None => Self::resume(run, options)?.run(),
        }
    }

    /// Runs until all epochs are done or there is a reason to stop. One that an [`Interrupt`] has stopped goes on by
    /// [`Run::resume`]: it may have ended within a step, whose half is not kept.
    ///
    /// # Errors
    /// Images that cannot be read, a checkpoint or record that cannot be written.
    pub fn run(&mut self) -> Result<Outcome<J::Found>> {
        match self.go_on() {
            Ok(found) => Ok(Outcome::Done(found)),
            Err(Halt::Stop(reason)) => self.stop(reason).map(Outcome::Stopped),
            Err(Halt::Failed(error)) => Err(*error),
        }
    }

    fn go_on(&mut self) -> Flow<J::Found> {
        while !self.job.is_done(&self.state) {
            let epoch = self.job.epoch(self.state.epoch);
            if self.state.step == 0 {
                let (epoch, epochs) = (self.state.epoch as u64, self.job.epochs() as u64);
                self.session.emit(Event::EpochStarted { epoch, epochs })?;
            }
            self.run_steps(&epoch)?;
            self.ending = true;
            let progress = self.progress(&epoch);
            let around = Around { state: &mut self.state, session: &mut self.session, progress };
            let score = self.job.end_epoch(&epoch, around)?;
            self.ending = false;
            self.state.epoch_done(score, &self.job.measure());
            self.score = score;
            let skips = self.job.skips()?;
            self.save()?;
            let progress = Progress { skips, ..self.progress(&epoch) };
            self.session.check(&progress)?;
        }
        self.session.check_claim()?;
        let found = self.job.finish(&self.state, &mut self.session)?;
        let json = self.session.run().to_json(names::RESULT, &found)?;
        self.session.check_claim()?;
        check_reads_back(&found, json.as_bytes(), names::RESULT)?;
        self.session.run().write(names::RESULT, &json)?;
        Ok(found)
    }

    /// The steps of the epoch that are still to be done.
    fn run_steps(&mut self, epoch: &J::Epoch) -> Flow<()> {
        let mut batches = self.job.batches(epoch, &self.state);
        while self.state.step < self.job.steps() {
            let progress = self.progress(epoch);
            self.session.check_claim_known()?;
            self.session.check(&progress)?;
            let Some(report) = self.step(&mut batches, epoch)? else { break };
            self.job.told().into_iter().try_for_each(|event| self.session.emit(event))?;
            self.state.step_done(report);
            let progress = self.progress(epoch);
            self.session.step_done(&progress);
        }
        Ok(())
    }

    /// One step, which an interrupt ends on the way where the state before it can be saved: where it is already, or is kept, as
    /// it is before a step that may take long.
    fn step(&mut self, batches: &mut J::Batches, epoch: &J::Epoch) -> Flow<Option<StepReport>> {
        let saved = self.session.is_saved(self.state.total_steps);
        // A state that no checkpoint may have stops the run at the end of the epoch.
        let before = if self.step.is_long() && !saved { self.content().ok() } else { None };
        let interrupt = if saved || before.is_some() { self.session.interrupt() } else { None };
        self.job.heed(interrupt.map(Interrupt::into_flag));
        let begun = self.step.begin(before);
        let report = self.job.step(batches, epoch, &self.state);
        self.job.heed(None);
        let report = report?;
        self.step.end(begun);
        Ok(report)
    }

    /// Saves the state unless it is spoilt; then the last checkpoint is the last good state.
    fn stop(&mut self, reason: StopReason) -> Result<StopReason> {
        let spoilt = matches!(reason, StopReason::NonFinite { .. }) || (self.ending && J::END_CHANGES);
        let content = match self.step.content_before() {
            _ if spoilt => Ok(None),
            // Half a step is no state.
            Some(before) => Ok(before),
            None => self.content().map(Some),
        };
        let reason = match content {
            Ok(content) => {
                content.map_or(Ok(()), |content| self.session.save_stop(self.state.total_steps, &content))?;
                reason
            }
            Err(Halt::Stop(spoilt)) => spoilt,
            Err(Halt::Failed(error)) => return Err(*error),
        };
        self.session.emit(Event::Stopped { reason: reason.name().to_owned(), detail: reason.to_string() })?;
        Ok(reason)
    }

    /// What learned and where the run stands, unless it is spoilt.
    fn content(&self) -> Flow<Content> {
        Content::new(&self.job.saved(&self.state)?, &self.job.tensors()?)
    }

    fn save(&mut self) -> Flow<()> {
        let content = self.content()?;
        let best = self.state.best.map(|best| best.step);
        Ok(self.session.save(self.state.total_steps, &content, best)?)
    }

    fn progress(&self, epoch: &J::Epoch) -> Progress {
        let mut progress = Progress {
            epoch: self.state.epoch,
            epochs: self.job.epochs(),
            step: self.state.step,
            steps: self.job.steps(),
            total_steps: self.state.total_steps,
            session_steps: self.session.steps(),
            train_loss: self.state.train.mean_loss(),
            train_accuracy: self.state.train.accuracy(),
            measure: self.job.measure(),
            score: self.score,
            ..Progress::default()
        };
        self.job.fill_in(epoch, &self.state, &mut progress);
        progress
    }

    /// Where the run stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The run's folder.
    pub fn run_dir(&self) -> &RunDir {
        self.session.run()
    }
}
