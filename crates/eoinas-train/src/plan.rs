//! The schedules of a run, fitted to its number of epochs.

use eoinas_core::{Setting, counted, schedule::ScheduleConfig};
use eoinas_prune::{Never, PruneScheduleConfig};

use crate::{
    config::{SearchConfig, SkipDropout, positive_temperature},
    run::Course,
};

/// When a method does what: its stages with their warm-ups, and the schedules that it has.
///
/// ```
/// use eoinas_train::Timetable;
/// let timetable = Timetable::new(50).warm_up(15);
/// assert_eq!((timetable.stages.len(), timetable.stages[0].warm_up_epochs), (1, 15));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Timetable {
    /// The stages in order, which share the epochs of the run. Learning rate, temperature and dropout run over each of them
    /// anew.
    pub stages: Vec<Stage>,
    /// Temperature of the sampler by epoch, held at its start value during a warm-up; `None`: the method has none.
    pub temperature: Option<ScheduleConfig>,
    /// When ops are taken away.
    pub prune: PruneScheduleConfig,
    /// Steps of every epoch, at most; `None`: as many as the images give.
    pub steps: Option<usize>,
    /// How something was scaled to the run, for the record.
    pub note: Option<String>,
}

/// A stretch of epochs that schedules run over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Its epochs.
    pub epochs: usize,
    /// Of which the first so many train weights only.
    pub warm_up_epochs: usize,
    /// Dropout on the skip connections of stride 1.
    pub skip_dropout: Option<SkipDropout>,
}

impl Timetable {
    /// One stage of so many epochs, and nothing else.
    pub fn new(epochs: usize) -> Self {
        let stages = vec![Stage { epochs, warm_up_epochs: 0, skip_dropout: None }];
        Self { stages, temperature: None, prune: PruneScheduleConfig::Never(Never {}), steps: None, note: None }
    }

    /// With a warm-up in the first stage.
    #[must_use]
    pub fn warm_up(mut self, epochs: usize) -> Self {
        self.stages.iter_mut().take(1).for_each(|stage| stage.warm_up_epochs = epochs);
        self
    }

    /// With dropout on skip connections in the first stage.
    #[must_use]
    pub fn skip_dropout(mut self, dropout: Option<SkipDropout>) -> Self {
        self.stages.iter_mut().take(1).for_each(|stage| stage.skip_dropout = dropout);
        self
    }

    /// With at most so many steps an epoch, at least 1.
    #[must_use]
    pub fn steps(self, steps: usize) -> Self {
        Self { steps: Some(steps.max(1)), ..self }
    }

    /// With a temperature.
    #[must_use]
    pub fn temperature(self, schedule: &ScheduleConfig) -> Self {
        Self { temperature: Some(schedule.clone()), ..self }
    }

    /// With prunings of `ops` ops an edge.
    ///
    /// When the epochs are too few for the schedule to leave one op on each edge, prunings, warm-up and temperature are
    /// scaled to the run in the same proportion: the last pruning follows the last epoch, the temperature ends at the value
    /// that it would have had. With fewer epochs than prunings, several follow one epoch. Give warm-up and temperature
    /// first.
    #[must_use]
    pub fn prune(self, schedule: PruneScheduleConfig, ops: usize) -> Self {
        let epochs = self.epochs();
        let Some(scaled) = schedule.scaled_to(epochs, ops) else { return Self { prune: schedule, ..self } };
        let from = scaled.last_pruning().filter(|from| *from > epochs);
        self.scaled(scaled, from, &format!(", so that one of {ops} ops is left on each edge"))
    }

    /// With the schedule of prunings that it has, and warm-up and temperature with it, stretched to the run where the last
    /// pruning comes before the last epoch.
    #[must_use]
    pub fn stretched(self) -> Self {
        match self.prune.stretched_to(self.epochs()) {
            Some(stretched) => self.scaled(stretched, stretched.last_pruning(), ""),
            None => self,
        }
    }

    /// With a schedule that is scaled to the run; warm-up and temperature follow, from as many epochs as `from` says.
    fn scaled(mut self, scaled: PruneScheduleConfig, from: Option<usize>, so_that: &str) -> Self {
        let epochs = self.epochs();
        let mut warm_up = 0;
        for stage in self.stages.iter_mut().take(1) {
            if let Some(from) = from {
                stage.warm_up_epochs = stage.warm_up_epochs.saturating_mul(epochs) / from.max(1);
                if let Some(ScheduleConfig::Exponential(schedule)) = &self.temperature {
                    self.temperature = Some(schedule.rescaled(from as f64, epochs as f64).into());
                }
            }
            warm_up = stage.warm_up_epochs.min(epochs.saturating_sub(1));
        }
        let prunings: Vec<String> = (1..=epochs)
            .filter_map(|done| match scaled.prunings_after(done, epochs) {
                0 => None,
                1 => Some(done.to_string()),
                times => Some(format!("{done} ({times} times)")),
            })
            .collect();
        let note = format!(
            "the schedule is scaled to {}{so_that}: warm-up of {warm_up}, prunings after {} epochs",
            counted(epochs, "epoch", "epochs"),
            prunings.join(", ")
        );
        Self { prune: scaled, note: Some(note), ..self }
    }

    fn epochs(&self) -> usize {
        self.stages.iter().map(|stage| stage.epochs).sum()
    }
}

/// What each epoch of a run does: its learning rate, and what its method's timetable says.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    learning_rate: ScheduleConfig,
    timetable: Timetable,
    /// Where it was made anew: which of its epochs are left.
    course: Option<Course>,
}

/// The values of one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochPlan {
    /// Whether only weights are trained.
    pub warm_up: bool,
    /// Learning rate of the weights.
    pub learning_rate: f64,
    /// Temperature of the sampler; the start value during the warm-up. `None`: the method has none.
    pub temperature: Option<f64>,
    /// Dropout rate on skip connections.
    pub skip_dropout: f64,
    /// Prunings that follow the epoch.
    pub prunings: usize,
    /// Prunings up to and with those that follow the epoch.
    pub due: usize,
    /// The stage that the epoch belongs to, from 0.
    pub stage: usize,
    /// Whether it is the last epoch of a stage that another one follows.
    pub ends_stage: bool,
}

impl Plan {
    /// The plan of `config` with its method's timetable.
    ///
    /// # Errors
    /// A temperature that does not stay positive.
    pub fn new(config: &SearchConfig, mut timetable: Timetable) -> Result<Self, Setting> {
        for stage in &mut timetable.stages {
            stage.warm_up_epochs = stage.warm_up_epochs.min(stage.epochs.saturating_sub(1));
        }
        if let Some(temperature) = &timetable.temperature {
            positive_temperature(temperature, timetable.epochs())?;
        }
        Ok(Self { learning_rate: config.weights.learning_rate.clone(), timetable, course: None })
    }

    /// Epochs that train the architecture before its first pruning; `None` where nothing is pruned.
    pub(crate) fn before_pruning(&self) -> Option<usize> {
        let pruned = (0..self.epochs()).find(|&epoch| self.epoch(epoch).prunings > 0)?;
        Some((0..=pruned).filter(|&epoch| !self.epoch(epoch).warm_up).count())
    }

    /// A line that says how the schedule was scaled, if it was.
    pub fn note(&self) -> Option<&str> {
        self.timetable.note.as_deref()
    }

    /// Epochs in all.
    pub fn epochs(&self) -> usize {
        self.course.as_ref().map_or_else(|| self.timetable.epochs(), |course| course.epochs.len())
    }

    /// With some of its epochs left out ([`crate::Run::replan`]).
    pub(crate) fn follow(&mut self, course: Course) {
        self.course = Some(course);
    }

    /// Steps of every epoch, at most; `None`: as many as the images give.
    pub fn steps(&self) -> Option<usize> {
        self.timetable.steps
    }

    /// First epochs that train weights only.
    pub fn warm_up_epochs(&self) -> usize {
        self.timetable.stages.first().map_or(0, |stage| stage.warm_up_epochs)
    }

    /// Number of prunings in the run.
    pub fn prunings(&self) -> usize {
        self.timetable.prune.total(self.timetable.epochs())
    }

    /// The values of one epoch, from 0.
    pub fn epoch(&self, epoch: usize) -> EpochPlan {
        let epoch = Course::planned(self.course.as_ref(), epoch);
        let (index, at, stage) = self.place(epoch);
        let warm_up = at < stage.warm_up_epochs;
        let (of, epochs) = (stage.epochs as f64, self.timetable.epochs());
        let temperature = |schedule: &ScheduleConfig| schedule.value(if warm_up { 0.0 } else { at as f64 }, of);
        EpochPlan {
            warm_up,
            learning_rate: self.learning_rate.value(at as f64, of),
            temperature: self.timetable.temperature.as_ref().map(temperature),
            skip_dropout: stage.skip_dropout_at(at),
            prunings: self.timetable.prune.prunings_after(epoch + 1, epochs),
            due: self.timetable.prune.prunings_by(epoch + 1, epochs),
            stage: index,
            ends_stage: at + 1 == stage.epochs && index + 1 < self.timetable.stages.len(),
        }
    }

    /// The stage of an epoch with its index, and the epoch in it, from 0. After the last epoch it is the last stage's.
    fn place(&self, epoch: usize) -> (usize, usize, Stage) {
        let mut at = epoch;
        for (index, stage) in self.timetable.stages.iter().enumerate() {
            if at < stage.epochs || index + 1 == self.timetable.stages.len() {
                return (index, at, *stage);
            }
            at -= stage.epochs;
        }
        (0, epoch, Stage { epochs: 0, warm_up_epochs: 0, skip_dropout: None })
    }
}

impl Stage {
    /// The authors' two formulas: `rate * (E - 1 - e) / E` in the warm-up, then `rate * exp(-decay * (e - warm-up))`.
    fn skip_dropout_at(&self, epoch: usize) -> f64 {
        let Some(dropout) = self.skip_dropout else { return 0.0 };
        let (at, of) = (epoch as f64, self.epochs as f64);
        match epoch.checked_sub(self.warm_up_epochs) {
            None => dropout.rate * (of - 1.0 - at) / of,
            Some(after) => dropout.rate * (-dropout.decay * after as f64).exp(),
        }
    }
}

#[cfg(test)]
mod tests {
    use eoinas_core::SearchSpace;

    use super::*;
    use crate::methods::EoiNas;

    fn plan(epochs: usize) -> Plan {
        of(&SearchConfig { epochs, ..SearchConfig::paper() })
    }

    fn of(config: &SearchConfig) -> Plan {
        let timetable = config.method.build().unwrap().timetable(config, &SearchSpace::darts());
        Plan::new(config, timetable).unwrap()
    }

    fn prunings(plan: &Plan) -> Vec<usize> {
        (0..plan.epochs()).flat_map(|epoch| vec![epoch + 1; plan.epoch(epoch).prunings]).collect()
    }

    #[test]
    fn the_papers_plan_is_left_as_it_is() {
        let plan = plan(160);
        assert_eq!(plan.note(), None);
        assert_eq!(prunings(&plan), [40, 60, 80, 100, 120, 140, 160]);
        assert!(plan.epoch(19).warm_up && !plan.epoch(20).warm_up);
        assert_eq!(plan.epoch(0).temperature, Some(5.0));
        assert_eq!(plan.epoch(20).temperature, Some(5.0));
        assert!((plan.epoch(159).temperature.unwrap() - 0.0353).abs() < 1e-4);
        assert_eq!(plan.epoch(0).learning_rate, 0.025);
        assert_eq!(plan.epoch(80).skip_dropout, 0.0);
    }

    #[test]
    fn a_short_run_is_scaled_and_says_so() {
        let plan = plan(8);
        assert_eq!(prunings(&plan), [2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(plan.warm_up_epochs(), 1);
        assert!((plan.epoch(7).temperature.unwrap() - 0.0353).abs() < 1e-4);
        assert!(plan.note().unwrap().contains("8 epochs"), "{:?}", plan.note());
    }

    #[test]
    fn a_long_run_is_stretched_where_it_is_asked_for() {
        let quick = of(&SearchConfig { epochs: 48, ..SearchConfig::quick() });
        assert_eq!(prunings(&quick), [12, 18, 24, 30, 36, 42, 48]);
        assert_eq!(quick.warm_up_epochs(), 6);
        let last = of(&SearchConfig::quick()).epoch(23).temperature.unwrap();
        assert!((quick.epoch(47).temperature.unwrap() / last - 1.0).abs() < 0.2);
        assert!(quick.note().unwrap().starts_with("the schedule is scaled to 48 epochs: warm-up of 6"), "{quick:?}");
        assert_eq!(of(&SearchConfig::quick()).note(), None);
        assert_eq!(prunings(&plan(320)), [40, 60, 80, 100, 120, 140, 160]);
        assert_eq!(plan(320).note(), None);
    }

    #[test]
    fn one_epoch_still_ends_with_one_op() {
        let plan = plan(1);
        assert_eq!(prunings(&plan), [1; 7]);
        assert_eq!(plan.warm_up_epochs(), 0);
        assert!(plan.epoch(0).temperature.unwrap() > 0.0);
    }

    #[test]
    fn every_length_prunes_to_one_op() {
        for epochs in 1..=200 {
            let plan = plan(epochs);
            assert_eq!(plan.prunings(), 7, "{epochs} epochs");
            assert!(plan.warm_up_epochs() < epochs);
        }
    }

    #[test]
    fn the_authors_dropout_follows_their_formulas() {
        let plan = of(&SearchConfig::authors());
        assert!((plan.epoch(0).skip_dropout - 0.1 * 159.0 / 160.0).abs() < 1e-12);
        assert!((plan.epoch(19).skip_dropout - 0.0875).abs() < 1e-12);
        assert!((plan.epoch(20).skip_dropout - 0.1).abs() < 1e-12);
        assert!((plan.epoch(25).skip_dropout - 0.1 * (-1.0f64).exp()).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_pruned_when_never() {
        let prune = PruneScheduleConfig::Never(Never {});
        let method = EoiNas { prune, warm_up_epochs: 1, ..EoiNas::default() }.into();
        let plan = of(&SearchConfig { epochs: 3, method, ..SearchConfig::paper() });
        assert_eq!(plan.prunings(), 0);
        assert_eq!(plan.note(), None);
    }
}
