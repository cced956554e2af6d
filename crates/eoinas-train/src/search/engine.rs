//! The loop of every search.

use candle_core::Device;
use eoinas_core::{Event, SearchSpace, Streams, run_folder::names};

use super::{
    context::SearchContext,
    found::{Found, counts},
    snapshot,
};
use crate::{
    config::SearchConfig,
    data::{SearchData, to_device},
    error::Result,
    evaluate::evaluate_genotype,
    halt::{Flow, Halt},
    learner::Learner,
    method::{SearchMethod, Step},
    plan::{EpochPlan, Plan},
    run_dir::RunDir,
    session::Session,
    state::{SavedSearch, SearchState},
    stop::{Progress, StopReason},
};

/// A search that is ready to run or to go on. Made by [`Search::create`] and [`Search::resume`].
#[derive(Debug)]
pub struct Search {
    pub(super) config: SearchConfig,
    pub(super) plan: Plan,
    pub(super) data: SearchData,
    pub(super) device: Device,
    pub(super) learner: Learner,
    pub(super) method: Box<dyn SearchMethod>,
    pub(super) state: SearchState,
    pub(super) session: Session,
}

/// How a search ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With a cell.
    Found(Found),
    /// Before its end; what is saved can be resumed.
    Stopped(StopReason),
}

impl Search {
    /// Searches until the cell is found or there is a reason to stop.
    ///
    /// # Errors
    /// Images that cannot be read, a checkpoint or record that cannot be written.
    pub fn run(&mut self) -> Result<Outcome> {
        while self.state.epoch < self.plan.epochs() {
            let plan = self.plan.epoch(self.state.epoch);
            if self.state.step == 0 {
                let (epoch, epochs) = (self.state.epoch as u64, self.plan.epochs() as u64);
                self.session.emit(Event::EpochStarted { epoch, epochs })?;
            }
            match self.run_steps(&plan) {
                Err(Halt::Stop(reason)) => return self.stop(reason),
                Err(Halt::Failed(error)) => return Err(*error),
                Ok(()) => {}
            }
            let skips = match self.end_epoch(&plan) {
                Err(Halt::Stop(reason)) => return self.stop_unsaved(reason),
                Err(Halt::Failed(error)) => return Err(*error),
                Ok(skips) => skips,
            };
            self.save()?;
            if let Some(reason) = self.session.check(&Progress { skips, ..self.progress(&plan) }) {
                return self.stop(reason);
            }
        }
        match self.finish() {
            Err(Halt::Stop(reason)) => self.stop_unsaved(reason),
            Err(Halt::Failed(error)) => Err(*error),
            Ok(found) => Ok(Outcome::Found(found)),
        }
    }

    /// The steps of the epoch that are still to be done.
    fn run_steps(&mut self, plan: &EpochPlan) -> Flow<()> {
        let (epoch, first) = (self.state.epoch, self.state.step);
        let steps = self.data.steps();
        let mut train = self.data.train.epoch(epoch as u64, first);
        let reads_valid = !plan.warm_up && self.method.reads_validation();
        let mut valid = reads_valid.then(|| self.data.valid.epoch(epoch as u64, first));
        for step in first..steps {
            if let Some(reason) = self.session.check(&self.progress(plan)) {
                return Err(reason.into());
            }
            let Some(train) = train.next() else { break };
            let step = Step {
                epoch,
                step,
                plan: *plan,
                streams: Streams::new(self.config.seed),
                train: to_device(train?, &self.device)?,
                valid: match valid.as_mut().and_then(Iterator::next) {
                    Some(batch) => Some(to_device(batch?, &self.device)?),
                    None => None,
                },
            };
            let mut context =
                SearchContext::new(&mut self.learner, &self.data, self.config.seed, (epoch, self.plan.epochs()));
            let report = self.method.step(&mut context, &step)?;
            context.told().into_iter().try_for_each(|event| self.session.emit(event))?;
            self.state.step_done(report.train, report.valid);
            let progress = self.progress(plan);
            self.session.step_done(&progress);
        }
        Ok(())
    }

    /// Records the epoch, prunes, and moves on to the next. Returns the skip connections of the cells as they are now.
    fn end_epoch(&mut self, plan: &EpochPlan) -> Flow<Vec<(String, usize)>> {
        let end = snapshot::epoch_end(&self.state, plan, &self.learner, self.method.as_ref())?;
        self.session.emit(Event::EpochEnd(Box::new(end)))?;
        let at = (self.state.epoch, self.plan.epochs());
        let mut context = SearchContext::new(&mut self.learner, &self.data, self.config.seed, at);
        let pruned = self.method.epoch_end(&mut context, plan)?;
        context.told().into_iter().try_for_each(|event| self.session.emit(event))?;
        for decision in pruned {
            self.session.emit(snapshot::pruned(self.state.epoch, decision, &self.learner))?;
        }
        self.state.epoch_done();
        let genotype = self.method.derive(&self.learner)?;
        let skips = genotype.cells.iter().map(|cell| {
            let skips = cell.nodes.iter().flatten().filter(|edge| edge.op.is_skip()).count();
            (cell.name.clone(), skips)
        });
        Ok(skips.collect())
    }

    /// Derives the cell, measures it, and writes it down. A run that is killed here does all of it again when resumed.
    fn finish(&mut self) -> Flow<Found> {
        let at = (self.state.epoch, self.plan.epochs());
        let mut context = SearchContext::new(&mut self.learner, &self.data, self.config.seed, at);
        let genotype = self.method.finish(&mut context)?;
        context.told().into_iter().try_for_each(|event| self.session.emit(event))?;
        let counts = counts(&genotype, self.learner.supernet.skeleton(), self.learner.space())?;
        self.session.emit(Event::Derived {
            text: genotype.to_string(),
            genotype: serde_json::to_value(&genotype).unwrap_or_default(),
            parameters: Some(counts.parameters),
            multiply_adds: Some(counts.multiply_adds),
        })?;
        let tally = evaluate_genotype(&self.learner.supernet, &genotype, &self.data.whole_valid)?;
        let (accuracy, loss) = (tally.accuracy().unwrap_or(0.0), tally.mean_loss().unwrap_or(f64::NAN));
        let what = "derived network, whole validation half".to_owned();
        self.session.emit(Event::Evaluated { what, accuracy, loss, images: tally.samples })?;
        let (epochs, steps) = (self.state.epoch, self.state.total_steps);
        self.session.emit(Event::RunEnded { epochs: epochs as u64, steps })?;
        let found = Found {
            genotype: genotype.to_string(),
            validation_accuracy: accuracy,
            validation_loss: loss,
            seed: self.config.seed,
            epochs,
            seconds: self.session.elapsed_seconds(),
            parameters: counts.parameters,
            multiply_adds: counts.multiply_adds,
        };
        let run = self.session.run();
        run.write(names::GENOTYPE_TEXT, &format!("{genotype}\n"))?;
        run.write(names::GENOTYPE_JSON, &format!("{}\n", genotype.to_json()))?;
        run.write_json(names::RESULT, &found)?;
        Ok(found)
    }

    /// Saves the state unless it is spoilt; then the last checkpoint is the last good state.
    fn stop(&mut self, reason: StopReason) -> Result<Outcome> {
        if !matches!(reason, StopReason::NonFinite { .. }) {
            let (saved, tensors) = (self.saved(), self.learner.tensors()?);
            self.session.save_stop(self.state.total_steps, saved, tensors)?;
        }
        self.stop_unsaved(reason)
    }

    /// A state between two epochs is none that a run can begin from: the last checkpoint is.
    fn stop_unsaved(&mut self, reason: StopReason) -> Result<Outcome> {
        self.session.emit(Event::Stopped { reason: reason.name().to_owned(), detail: reason.to_string() })?;
        Ok(Outcome::Stopped(reason))
    }

    pub(super) fn save(&mut self) -> Result<()> {
        let (saved, tensors) = (self.saved(), self.learner.tensors()?);
        let best = self.state.best.map(|best| best.step);
        self.session.save(self.state.total_steps, saved, tensors, best)
    }

    fn saved(&self) -> SavedSearch {
        SavedSearch {
            state: self.state.clone(),
            prune: self.learner.prune.clone(),
            arch_steps: self.learner.arch_steps(),
            method: self.method.save(),
        }
    }

    fn progress(&self, plan: &EpochPlan) -> Progress {
        Progress {
            epoch: self.state.epoch,
            epochs: self.plan.epochs(),
            step: self.state.step,
            steps: self.data.steps(),
            total_steps: self.state.total_steps,
            session_steps: self.session.steps(),
            train_loss: self.state.train.mean_loss(),
            train_accuracy: self.state.train.accuracy(),
            valid_accuracy: self.state.valid.accuracy(),
            temperature: plan.temperature,
            learning_rate: plan.learning_rate,
            alive_ops: snapshot::alive_ops(&self.learner),
            skips: Vec::new(),
        }
    }

    /// The settings.
    pub fn config(&self) -> &SearchConfig {
        &self.config
    }

    /// The search space.
    pub fn space(&self) -> &SearchSpace {
        self.learner.space()
    }

    /// What learns.
    pub fn learner(&self) -> &Learner {
        &self.learner
    }

    /// Where the search stands.
    pub fn state(&self) -> &SearchState {
        &self.state
    }

    /// The run's folder.
    pub fn run_dir(&self) -> &RunDir {
        self.session.run()
    }
}
