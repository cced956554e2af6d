//! What a search method has to say: everything else is shared.

use std::fmt;

use eoinas_core::{EdgeOpTable, Genotype, SearchSpace, Setting, Streams};
use eoinas_nn::{Batch, PassOptions};
use eoinas_prune::PruneDecision;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    config::{MethodConfig, MethodKind, SearchConfig},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    plan::{EpochPlan, Timetable},
    search::SearchContext,
    tally::Tally,
};

/// Which method a run is searched with: its name and all of its settings, its indicator among them. A checkpoint belongs
/// to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// The method's name, for the record too.
    pub name: String,
    /// Its settings; null if it has none.
    pub settings: Value,
}

impl Identity {
    /// A method of this name with these settings.
    pub fn new(name: impl Into<String>, settings: Value) -> Self {
        Self { name: name.into(), settings }
    }

    /// With the defaults of settings that the method did not have yet when this was written.
    pub(crate) fn completed(mut self) -> Self {
        let kind = self.name.parse::<MethodKind>();
        let defaults = kind.ok().and_then(|kind| MethodConfig::of(kind).tagged());
        if let (Some((_, Value::Object(defaults))), Some(own)) = (defaults, self.settings.as_object_mut()) {
            for (name, default) in defaults {
                own.entry(name).or_insert(default);
            }
        }
        self
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, settings } = self;
        if settings.is_null() { f.write_str(name) } else { write!(f, "{name} with {settings}") }
    }
}

/// One step of a search as a method sees it.
#[derive(Debug)]
pub struct Step {
    /// The epoch, from 0.
    pub epoch: usize,
    /// The step in it, from 0.
    pub step: usize,
    /// The epoch's values.
    pub plan: EpochPlan,
    /// The run's random streams.
    pub streams: Streams,
    /// A batch of the training half.
    pub train: Batch,
    /// A batch of the validation half; `None` during the warm-up, and for a method that does not read any.
    pub valid: Option<Batch>,
}

impl Step {
    /// Dropout and its random stream for a pass of this step.
    pub fn pass_options(&self) -> PassOptions {
        self.path_options(0)
    }

    /// The same for one of several paths that the step runs on the same batch, from 0.
    pub fn path_options(&self, path: usize) -> PassOptions {
        PassOptions {
            skip_dropout: self.plan.skip_dropout as f32,
            streams: self.streams,
            epoch: self.epoch as u64,
            step: self.index(path),
            ..PassOptions::default()
        }
    }

    /// The index of a path's random streams: that of the step for the first path, apart from all steps for others.
    pub(crate) fn index(&self, path: usize) -> u64 {
        self.step as u64 | (path as u64) << 32
    }
}

/// What a step found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StepReport {
    /// On the training batch.
    pub train: Tally,
    /// On the validation batch, if the architecture was updated.
    pub valid: Option<Tally>,
}

/// A search method: what one step does with the network, and which cell comes out.
///
/// Everything random is drawn from the streams of the context or the step at (epoch, step), so that a resumed run draws
/// the same; what else a step leaves behind is in the learner, or in what [`SearchMethod::save`] gives. Errors and reasons
/// to stop travel by `?` ([`crate::Halt`]). [`crate::blocks`] has what steps are made of.
pub trait SearchMethod: fmt::Debug + Send {
    /// What it is: its name and its settings. A run that is resumed with another identity is refused.
    fn identity(&self) -> Identity;

    /// Whether its steps read the validation half; if not, none of its images are loaded. Default: yes.
    fn reads_validation(&self) -> bool {
        true
    }

    /// Whether its steps train the network's weights. Default: yes.
    fn trains(&self) -> bool {
        true
    }

    /// Whether its own settings can work in this run and space. Default: they can.
    ///
    /// # Errors
    /// The first setting that cannot.
    fn validate(&self, _run: &SearchConfig, _space: &SearchSpace) -> Result<(), Setting> {
        Ok(())
    }

    /// How the architecture parameters learn, and what of the network is the method's. Default:
    /// [`LearnerSettings::default`].
    fn learner(&self) -> LearnerSettings {
        LearnerSettings::default()
    }

    /// When it does what in this run. Default: one stage without warm-up, temperature, dropout or prunings.
    fn timetable(&self, run: &SearchConfig, _space: &SearchSpace) -> Timetable {
        Timetable::new(run.epochs)
    }

    /// Epochs that it should have before finals get any time, in runs that are fitted to a time. Default: 1.
    fn least_epochs(&self) -> usize {
        1
    }

    /// Epochs beyond which it gains nothing, for runs that are fitted to a time. Default: there are none.
    fn most_epochs(&self) -> Option<usize> {
        None
    }

    /// Makes the network that a stage of its timetable (from 0) begins with, for a run that is resumed in it; what it
    /// learned comes from the checkpoint afterwards. Default: all stages have the network that is there.
    ///
    /// # Errors
    /// A network that cannot be built.
    fn enter_stage(&mut self, _learner: &mut Learner, _stage: usize) -> Result<()> {
        Ok(())
    }

    /// One step: updates weights, and the architecture unless it is warming up.
    ///
    /// # Errors
    /// Whatever cannot be computed. Stops when something is not finite; it must not have changed anything then.
    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport>;

    /// The end of an epoch, with the prunings that are due: it may prune ([`Learner::prune`], [`Learner::prune_op`],
    /// [`Learner::keep_only`]) and evaluate. Returns what was pruned, for the record. Default: nothing is.
    ///
    /// # Errors
    /// Whatever cannot be computed. A stop here is taken up from the last checkpoint before it.
    fn epoch_end(&mut self, _context: &mut SearchContext<'_>, _plan: &EpochPlan) -> Flow<Vec<PruneDecision>> {
        Ok(Vec::new())
    }

    /// The indicator of every op, for the record. Default: the method has none.
    ///
    /// # Errors
    /// Whatever cannot be computed.
    fn indicators(&self, _learner: &Learner) -> Result<Option<EdgeOpTable<Option<f64>>>> {
        Ok(None)
    }

    /// The cell that would be derived now; it is asked for after every epoch, for the record.
    ///
    /// # Errors
    /// Nothing can be derived.
    fn derive(&self, learner: &Learner) -> Result<Genotype>;

    /// The cell at the end of all epochs. Default: [`SearchMethod::derive`]; for methods that look for it with the weights
    /// as they are then.
    ///
    /// # Errors
    /// Nothing can be derived, something cannot be computed. A stop here is taken up from the last checkpoint.
    fn finish(&mut self, context: &mut SearchContext<'_>) -> Flow<Genotype> {
        Ok(self.derive(context.learner)?)
    }

    /// State of the method's own, for checkpoints: what [`crate::blocks::saved`] makes of it. Default: none.
    ///
    /// # Errors
    /// A stop where the state has a number that is not finite.
    fn save(&self) -> Flow<Value> {
        Ok(Value::Null)
    }

    /// Takes over the state of its own from a checkpoint. `Err` says what is wrong with it.
    ///
    /// # Errors
    /// A state that it did not save.
    fn load(&mut self, _state: Value) -> Result<(), String> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::EoiNas;

    #[test]
    fn settings_that_came_later_are_those_of_the_default() {
        let now = EoiNas::default().identity();
        let mut old = now.clone();
        for later in ["draws", "stretch", "least_draws"] {
            old.settings.as_object_mut().unwrap().remove(later).unwrap();
        }
        assert_ne!(old, now);
        assert_eq!(old.clone().completed(), now);
        let other = EoiNas { least_draws: 3, ..EoiNas::default() }.identity();
        assert_ne!(old.completed(), other);
        let own = Identity::new("of_another_program", Value::Null);
        assert_eq!(own.clone().completed(), own);
    }
}
