//! The schedules of a run, fitted to its number of epochs.

use eoinas_core::{
    SearchSpace,
    schedule::{Schedule, ScheduleConfig},
};
use eoinas_prune::{Periodic, PruneSchedule, PruneScheduleConfig, Stretched};

use crate::config::{ConfigError, SearchConfig, check_temperature};

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
    skip_dropout: Option<crate::config::SkipDropout>,
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
        let (at, of) = (epoch as f64, self.epochs as f64);
        let warm_up = epoch < self.warm_up;
        EpochPlan {
            warm_up,
            learning_rate: self.learning_rate.value(at, of),
            temperature: self.temperature.value(if warm_up { 0.0 } else { at }, of),
            skip_dropout: self.skip_dropout(epoch),
            prunings: self.prune.prunings_after(epoch + 1, self.epochs),
        }
    }

    /// The authors' two formulas: `rate * (E - 1 - e) / E` in the warm-up, then `rate * exp(-decay * (e - warm-up))`.
    fn skip_dropout(&self, epoch: usize) -> f64 {
        let Some(dropout) = self.skip_dropout else { return 0.0 };
        let (at, of) = (epoch as f64, self.epochs as f64);
        match epoch.checked_sub(self.warm_up) {
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
}
