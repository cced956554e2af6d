//! The schedules of a run, fitted to its number of epochs.

use eoinas_core::{
    SearchSpace,
    schedule::{Schedule, ScheduleConfig},
};
use eoinas_prune::{Periodic, PruneSchedule, PruneScheduleConfig, Stretched};

use crate::config::{ConfigError, Deepening, SearchConfig, SkipDropout, check_temperature};

/// What each epoch of a run does: warm-up, temperature, learning rate, dropout, prunings.
///
/// When the epochs are too few for the pruning schedule to leave one op on each edge, prunings, warm-up and temperature
/// are scaled to the run in the same proportion: the last pruning follows the last epoch, the temperature ends at the
/// value that it would have had. With fewer epochs than prunings, several follow one epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    epochs: usize,
    warm_up: usize,
    learning_rate: ScheduleConfig,
    temperature: ScheduleConfig,
    skip_dropout: Option<SkipDropout>,
    deepen: Vec<Deepening>,
    prune: PruneScheduleConfig,
    note: Option<String>,
}

/// The values of one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochPlan {
    /// Whether only weights are trained.
    pub warm_up: bool,
    /// Learning rate of the weights.
    pub learning_rate: f64,
    /// Temperature of the sampler; the start value during the warm-up.
    pub temperature: f64,
    /// Dropout rate on skip connections.
    pub skip_dropout: f64,
    /// Prunings that follow the epoch.
    pub prunings: usize,
    /// The stage that begins after the epoch.
    pub deepen: Option<Deepening>,
}

/// A stretch of epochs that schedules run over: the whole run, or one stage of it.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// The epoch in it, from 0.
    at: usize,
    /// Its epochs.
    of: usize,
    /// Of which train weights only.
    warm_up: usize,
    skip_dropout: Option<SkipDropout>,
}

impl Plan {
    /// The plan of `config` in `space`.
    ///
    /// # Errors
    /// A temperature that does not stay positive.
    pub fn new(config: &SearchConfig, space: &SearchSpace) -> Result<Self, ConfigError> {
        let mut plan = Self {
            epochs: config.epochs,
            warm_up: config.warm_up_epochs,
            learning_rate: config.weights.learning_rate.clone(),
            temperature: config.temperature.clone(),
            skip_dropout: config.skip_dropout,
            deepen: config.deepen.clone(),
            prune: config.prune,
            note: None,
        };
        if let Some(scaled) = config.prune.scaled_to(config.epochs, space.ops().len()) {
            plan.scale(scaled, space.ops().len());
        }
        plan.warm_up = plan.warm_up.min(plan.epochs.saturating_sub(1));
        check_temperature(&plan.temperature, plan.epochs)?;
        Ok(plan)
    }

    fn scale(&mut self, scaled: PruneScheduleConfig, ops: usize) {
        self.prune = scaled;
        if let Some(from) = last_pruning(scaled).filter(|from| *from > self.epochs) {
            self.warm_up = self.warm_up * self.epochs / from;
            if let ScheduleConfig::Exponential(schedule) = &self.temperature {
                self.temperature = schedule.rescaled(from as f64, self.epochs as f64).into();
            }
        }
        let epochs = self.epochs;
        let prunings: Vec<String> = (1..=epochs)
            .filter_map(|done| match self.prune.prunings_after(done, epochs) {
                0 => None,
                1 => Some(done.to_string()),
                times => Some(format!("{done} ({times} times)")),
            })
            .collect();
        self.note = Some(format!(
            "the schedule is scaled to {epochs} epochs, so that one of {ops} ops is left on each edge: warm-up of {}, \
             prunings after {} epochs",
            self.warm_up.min(epochs.saturating_sub(1)),
            prunings.join(", ")
        ));
    }

    /// A line that says how the schedule was scaled, if it was.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Epochs in all.
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// Epochs that train weights only.
    pub fn warm_up_epochs(&self) -> usize {
        self.warm_up
    }

    /// Number of prunings in the run.
    pub fn prunings(&self) -> usize {
        self.prune.total(self.epochs)
    }

    /// The values of one epoch, from 0.
    pub fn epoch(&self, epoch: usize) -> EpochPlan {
        let stretch = self.stretch(epoch);
        let (at, of) = (stretch.at as f64, stretch.of as f64);
        let warm_up = stretch.at < stretch.warm_up;
        EpochPlan {
            warm_up,
            learning_rate: self.learning_rate.value(at, of),
            temperature: self.temperature.value(if warm_up { 0.0 } else { at }, of),
            skip_dropout: stretch.skip_dropout(),
            prunings: self.prune.prunings_after(epoch + 1, self.epochs),
            deepen: self.stage(epoch + 1).filter(|_| self.stage_index(epoch + 1) > self.stage_index(epoch)),
        }
    }

    /// The stage that an epoch belongs to; none for the first stage, and in a run without stages. After the last epoch
    /// that of the last one.
    pub fn stage(&self, epoch: usize) -> Option<Deepening> {
        self.stage_index(epoch).checked_sub(1).and_then(|index| self.deepen.get(index)).copied()
    }

    /// Stages have equal parts of the epochs; when there are fewer epochs than stages, each is one epoch long.
    fn stages(&self) -> usize {
        (self.deepen.len() + 1).min(self.epochs.max(1))
    }

    fn stage_index(&self, epoch: usize) -> usize {
        epoch.min(self.epochs.saturating_sub(1)) * self.stages() / self.epochs.max(1)
    }

    fn stretch(&self, epoch: usize) -> Stretch {
        if self.deepen.is_empty() {
            return Stretch { at: epoch, of: self.epochs, warm_up: self.warm_up, skip_dropout: self.skip_dropout };
        }
        let (stage, stages) = (self.stage_index(epoch), self.stages());
        let start = |stage: usize| (stage * self.epochs).div_ceil(stages);
        let of = start(stage + 1) - start(stage);
        let dropout = self.stage(epoch).map(|stage| SkipDropout { rate: stage.skip_dropout, decay: 0.2 });
        Stretch { at: epoch - start(stage), of, warm_up: of * 2 / 5, skip_dropout: dropout.or(self.skip_dropout) }
    }
}

impl Stretch {
    /// The authors' two formulas: `rate * (E - 1 - e) / E` in the warm-up, then `rate * exp(-decay * (e - warm-up))`.
    fn skip_dropout(&self) -> f64 {
        let Some(dropout) = self.skip_dropout else { return 0.0 };
        let (at, of) = (self.at as f64, self.of as f64);
        match self.at.checked_sub(self.warm_up) {
            None => dropout.rate * (of - 1.0 - at) / of,
            Some(after) => dropout.rate * (-dropout.decay * after as f64).exp(),
        }
    }
}

/// The epoch that the last pruning of an unscaled schedule follows.
fn last_pruning(schedule: PruneScheduleConfig) -> Option<usize> {
    match schedule {
        PruneScheduleConfig::Periodic(Periodic { first, every, count })
        | PruneScheduleConfig::Stretched(Stretched(Periodic { first, every, count })) => {
            count.checked_sub(1)?.checked_mul(every)?.checked_add(first)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::MethodKind;

    fn plan(epochs: usize) -> Plan {
        Plan::new(&SearchConfig { epochs, ..SearchConfig::paper() }, &SearchSpace::darts()).unwrap()
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
        assert_eq!(plan.epoch(0).temperature, 5.0);
        assert_eq!(plan.epoch(20).temperature, 5.0);
        assert!((plan.epoch(159).temperature - 0.0353).abs() < 1e-4);
        assert_eq!(plan.epoch(0).learning_rate, 0.025);
        assert_eq!(plan.epoch(80).skip_dropout, 0.0);
    }

    #[test]
    fn a_short_run_is_scaled_and_says_so() {
        let plan = plan(8);
        assert_eq!(prunings(&plan), [2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(plan.warm_up_epochs(), 1);
        assert!((plan.epoch(7).temperature - 0.0353).abs() < 1e-4);
        assert!(plan.note().unwrap().contains("8 epochs"), "{:?}", plan.note());
    }

    #[test]
    fn one_epoch_still_ends_with_one_op() {
        let plan = plan(1);
        assert_eq!(prunings(&plan), [1; 7]);
        assert_eq!(plan.warm_up_epochs(), 0);
        assert!(plan.epoch(0).temperature > 0.0);
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
        let plan = Plan::new(&SearchConfig::authors(), &SearchSpace::darts()).unwrap();
        assert!((plan.epoch(0).skip_dropout - 0.1 * 159.0 / 160.0).abs() < 1e-12);
        assert!((plan.epoch(19).skip_dropout - 0.0875).abs() < 1e-12);
        assert!((plan.epoch(20).skip_dropout - 0.1).abs() < 1e-12);
        assert!((plan.epoch(25).skip_dropout - 0.1 * (-1.0f64).exp()).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_pruned_when_never() {
        let config = SearchConfig {
            epochs: 3,
            prune: PruneScheduleConfig::Never(eoinas_prune::Never {}),
            warm_up_epochs: 1,
            ..SearchConfig::paper()
        };
        let plan = Plan::new(&config, &SearchSpace::darts()).unwrap();
        assert_eq!(plan.prunings(), 0);
        assert_eq!(plan.note(), None);
    }

    #[test]
    fn stages_share_the_epochs_and_begin_anew() {
        let config = SearchConfig { epochs: 75, ..SearchConfig::paper() }.with_method(MethodKind::Pdarts);
        let plan = Plan::new(&config, &SearchSpace::darts()).unwrap();
        let cells = |epoch: usize| plan.stage(epoch).map_or(config.network.cells, |stage| stage.cells);
        assert_eq!([0, 24, 25, 49, 50, 74, 75].map(cells), [5, 5, 11, 11, 17, 17, 17]);
        let deepens: Vec<usize> = (0..75).filter(|epoch| plan.epoch(*epoch).deepen.is_some()).collect();
        assert_eq!(deepens, [24, 49]);
        for start in [0, 25, 50] {
            assert_eq!(plan.epoch(start).learning_rate, 0.025);
            assert!(plan.epoch(start + 9).warm_up && !plan.epoch(start + 10).warm_up);
        }
        assert_eq!([10, 35, 60].map(|epoch| plan.epoch(epoch).skip_dropout), [0.0, 0.4, 0.7]);
        assert!((plan.epoch(61).skip_dropout - 0.7 * (-0.2f64).exp()).abs() < 1e-12);
        // Fewer epochs than stages: one epoch each, as far as they go; epochs that do not divide.
        let short = Plan { epochs: 2, ..plan.clone() };
        assert_eq!([0, 1, 2].map(|epoch| short.stage(epoch).map(|stage| stage.cells)), [None, Some(11), Some(11)]);
        let odd = Plan { epochs: 8, ..plan };
        let deepens: Vec<usize> = (0..8).filter(|epoch| odd.epoch(*epoch).deepen.is_some()).collect();
        assert_eq!(deepens, [2, 5]);
    }
}
