//! What a run does.

use std::{
    collections::BTreeMap,
    fmt,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use eoinas_core::{Event, Measure, event::RunStarted};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    known_data::DataFolder,
    options::Options,
    replan::{Course, TimePlan},
    run_writer::RunWriter,
    session::Session,
    state::State,
};
use crate::{
    checkpoint::{Subject, Tensors},
    error::Result,
    halt::Flow,
    method::StepReport,
    run_dir::RunDir,
    stop::{Progress, StopRule},
};

/// What a [`Run`](super::Run) does: a search or a training. The run has the loop, the state that every job has, the record,
/// the checkpoints and the rules to stop by; the job has everything that learns.
pub trait Job: fmt::Debug + Sized {
    /// What is to be done: the settings, and what else a run's folder says of it.
    type Task;
    /// The values of one epoch.
    type Epoch;
    /// The batches of one epoch that are still to come.
    type Batches;
    /// `state.json` of a checkpoint: everything that is not a tensor.
    type Saved: Serialize + DeserializeOwned + PartialEq;
    /// What comes out: `result.json`. It is shown as one line.
    type Found: Serialize + DeserializeOwned + PartialEq + fmt::Display;

    /// Whether the end of an epoch changes what learns: then one that stops on the way leaves nothing to save, and is taken up
    /// from the checkpoint before.
    const END_CHANGES: bool;

    /// The job before its first step. Everything that can be refused is refused here, before anything is written.
    ///
    /// # Errors
    /// Settings that cannot work, images that cannot be read, a network that cannot be built.
    fn new(task: Self::Task, options: &mut Options) -> Result<Self>;

    /// Before the first step of a new run, of which nothing is written yet: takes what a run that goes on has in its checkpoint.
    /// Default: nothing.
    ///
    /// # Errors
    /// What is to be begun with cannot be read or does not fit.
    fn begin(&mut self, _options: &Options) -> Result<()> {
        Ok(())
    }

    /// Writes the task to a new run's folder.
    ///
    /// # Errors
    /// Files that cannot be written.
    fn write(&self, dir: &RunWriter) -> Result<()>;

    /// Reads the task of the run in a folder.
    ///
    /// # Errors
    /// Files that are not there or not valid.
    fn read(dir: &RunDir, options: &Options) -> Result<Self::Task>;

    /// The folder of the images that the task learns from. `None`: there is none, or they were handed over.
    fn data<'a>(task: &'a Self::Task, options: &Options) -> Option<DataFolder<'a>>;

    /// Whether the run in a folder has this very task.
    ///
    /// # Errors
    /// The first setting that differs.
    fn check_same(task: &Self::Task, options: &Options, dir: &RunDir) -> Result<()>;

    /// What the run around it has to know.
    fn about(&self) -> About;

    /// Takes over the checkpoint that lies in `folder`. Returns where the run stood.
    ///
    /// # Errors
    /// A state or tensors that do not fit.
    fn restore(&mut self, folder: &Path, saved: Self::Saved, tensors: BTreeMap<String, Tensors>) -> Result<State>;

    /// What `state.json` holds where the run stands at `state`.
    ///
    /// # Errors
    /// A stop where it would have a number that is not finite.
    fn saved(&self, state: &State) -> Flow<Self::Saved>;

    /// Per file, the tensors of a checkpoint.
    ///
    /// # Errors
    /// Tensors that cannot be made.
    fn tensors(&self) -> Result<BTreeMap<String, Tensors>>;

    /// Epochs in all, unless the run is done before.
    fn epochs(&self) -> usize;

    /// Follows a plan that was made anew, from the next epoch on.
    fn follow(&mut self, course: Course);

    /// Whether something follows the epoch that no other one can take over: a pruning, another stage. Default: nothing does.
    fn is_needed(&self, _epoch: usize) -> bool {
        false
    }

    /// Seconds of what follows the last epoch, by what was measured when the run was fitted to its time. Default: none.
    fn seconds_after(&self, _time: &TimePlan) -> f64 {
        0.0
    }

    /// Candidates of finals and epochs of their first trainings that fit into so many seconds, the smallest finals where none do.
    /// Default: there are none.
    fn finalists_in(&self, _seconds: f64, _time: &TimePlan) -> Option<(usize, usize)> {
        None
    }

    /// Whether all is done that was to be done where the run stands, between two epochs. Default: all epochs are.
    fn is_done(&self, state: &State) -> bool {
        state.epoch >= self.epochs()
    }

    /// Steps of each.
    fn steps(&self) -> usize;

    /// The values of an epoch, from 0.
    fn epoch(&self, epoch: usize) -> Self::Epoch;

    /// The batches of the epoch from the step on where the run stands.
    fn batches(&self, epoch: &Self::Epoch, state: &State) -> Self::Batches;

    /// The step where the run stands. `None`: there are no more batches.
    ///
    /// # Errors
    /// Whatever cannot be computed. A stop: a value that is not finite.
    fn step(&mut self, batches: &mut Self::Batches, epoch: &Self::Epoch, state: &State) -> Flow<Option<StepReport>>;

    /// Ends the passes of what follows between two layers, as a stop, while the flag is raised; `None`: they go on to their end.
    /// Default: they do.
    fn heed(&mut self, _stop: Option<Arc<AtomicBool>>) {}

    /// What the step has to say for the record, once. Default: nothing.
    fn told(&mut self) -> Vec<Event> {
        Vec::new()
    }

    /// What the scores of the run are. Default: accuracies.
    fn measure(&self) -> Measure {
        Measure::accuracy()
    }

    /// Records an epoch whose steps are done. Returns the score by which the best epoch is chosen, if it has one.
    ///
    /// # Errors
    /// Whatever cannot be computed. A stop: all of it is done anew when the run is resumed.
    fn end_epoch(&mut self, epoch: &Self::Epoch, around: Around<'_>) -> Flow<Option<f64>>;

    /// After the last epoch: measures what came out, records it and writes its files, all but `result.json`. A run that is
    /// killed here does it again when resumed.
    ///
    /// # Errors
    /// Whatever cannot be computed or written.
    fn finish(&mut self, state: &State, session: &mut Session) -> Flow<Self::Found>;

    /// Says what the job alone knows of where the run stands.
    fn fill_in(&self, epoch: &Self::Epoch, state: &State, progress: &mut Progress);

    /// Per kind of cell, its name and the skip connections in the cell that would be derived now. Default: none.
    ///
    /// # Errors
    /// Nothing can be derived.
    fn skips(&self) -> Result<Vec<(String, usize)>> {
        Ok(Vec::new())
    }

    /// Whether the steps of that epoch, which is not the first, take as long as those of the one before. Default: yes.
    fn goes_on_alike(&self, _epoch: usize) -> bool {
        true
    }

    /// Makes the network of the epoch after that one, to measure its steps. Default: it is the same.
    ///
    /// # Errors
    /// A network that cannot be built.
    fn pass_over(&mut self, _epoch: usize) -> Flow<()> {
        Ok(())
    }

    /// Seconds that the end of an epoch takes, measured over so many batches. Default: 0.
    ///
    /// # Errors
    /// Images that cannot be read.
    fn end_seconds(&self, _batches: usize) -> Result<f64> {
        Ok(0.0)
    }
}

/// What a run has to know of its job.
#[derive(Debug)]
pub struct About {
    /// What its checkpoints belong to.
    pub subject: Subject,
    /// The first event of the record, all but the command line.
    pub started: RunStarted,
    /// What a reader of the record should know.
    pub notes: Vec<String>,
    /// Newest checkpoints kept beside the best.
    pub keep_checkpoints: usize,
    /// Rules to stop by that the settings ask for.
    pub rules: Vec<Box<dyn StopRule>>,
}

/// What a job sees of its run at the end of an epoch.
#[derive(Debug)]
pub struct Around<'a> {
    /// Where the run stands: the epoch is not counted as done yet.
    pub state: &'a mut State,
    /// To record events, and to ask whether to stop.
    pub session: &'a mut Session,
    /// The same as stop rules see it.
    pub progress: Progress,
}
