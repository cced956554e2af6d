//! When ops are pruned.

use serde::{Deserialize, Serialize};

use crate::PruningError;

/// `count` prunings: after `first` epochs, then after every `every` more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Periodic {
    /// Completed epochs before the first pruning, at least 1. Paper: 40.
    pub first: usize,
    /// Epochs between two prunings, at least 1. Paper: 20.
    pub every: usize,
    /// How many prunings. Paper: 7, which leave one op of eight.
    pub count: usize,
}

/// A [`Periodic`] schedule stretched or shrunk to the run: its last pruning follows the last epoch and the others keep
/// their share of the run. Several prunings can follow one epoch of a short run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Stretched(pub Periodic);

/// No pruning (GDAS, DARTS).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Never {}

/// When ops are pruned, by the name of its `kind`, as configuration files have it. Each pruning takes one op from every edge
/// that has more than one.
///
/// ```
/// use eoinas_prune::PruneScheduleConfig;
/// let text = r#"{"kind": "periodic", "first": 40, "every": 20, "count": 7}"#;
/// let paper: PruneScheduleConfig = serde_json::from_str(text)?;
/// assert_eq!(paper, PruneScheduleConfig::default());
/// assert_eq!(paper.prunings_after(40, 160), 1);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum PruneScheduleConfig {
    /// No pruning.
    Never(Never),
    /// After `first` epochs, then after every `every` more. The default, with the paper's numbers.
    Periodic(Periodic),
    /// The same in proportion to the run.
    Stretched(Stretched),
}

impl Periodic {
    /// The paper's: after 40, 60, ..., 160 epochs (of 160).
    pub fn paper() -> Self {
        Self { first: 40, every: 20, count: 7 }
    }

    /// Checks every field.
    ///
    /// # Errors
    /// `first` or `every` of 0.
    pub fn validate(&self) -> Result<(), PruningError> {
        for (field, value) in [("first", self.first), ("every", self.every)] {
            if value == 0 {
                return Err(PruningError::Config { field, got: 0.0, expected: "at least 1 epoch" });
            }
        }
        Ok(())
    }

    /// How many prunings come at or before `epochs` (in u128, where products of two of its numbers fit).
    fn up_to(&self, epochs: u128) -> usize {
        let Some(after_first) = epochs.checked_sub(self.first.max(1) as u128) else { return 0 };
        let due = after_first / self.every.max(1) as u128 + 1;
        usize::try_from(due).unwrap_or(usize::MAX).min(self.count)
    }

    /// Epochs up to the last pruning; 0 without any.
    fn last(&self) -> u128 {
        match self.count.checked_sub(1) {
            Some(gaps) => self.first.max(1) as u128 + self.every.max(1) as u128 * gaps as u128,
            None => 0,
        }
    }
}

impl Periodic {
    /// As [`PruneScheduleConfig::prunings_after`].
    pub fn prunings_after(&self, done: usize, _epochs: usize) -> usize {
        self.up_to(done as u128) - self.up_to(done.saturating_sub(1) as u128)
    }
}

impl Stretched {
    /// As [`PruneScheduleConfig::prunings_after`].
    pub fn prunings_after(&self, done: usize, epochs: usize) -> usize {
        self.prunings_by(done, epochs).saturating_sub(self.prunings_by(done.saturating_sub(1), epochs))
    }

    /// Pruning i of the plan, at epoch x, moves to ceil(x * epochs / last). It is due by `done` when
    /// x <= done * last / epochs.
    fn prunings_by(&self, done: usize, epochs: usize) -> usize {
        match (done as u128).checked_mul(self.0.last()) {
            Some(product) if epochs > 0 && done > 0 => self.0.up_to(product / epochs as u128),
            _ => 0,
        }
    }
}

impl Default for PruneScheduleConfig {
    fn default() -> Self {
        Self::Periodic(Periodic::paper())
    }
}

impl PruneScheduleConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// `first` or `every` of 0.
    pub fn validate(&self) -> Result<(), PruningError> {
        match self {
            Self::Never(_) => Ok(()),
            Self::Periodic(plan) | Self::Stretched(Stretched(plan)) => plan.validate(),
        }
    }

    /// The schedule that leaves one of `ops` ops on each edge at the end of `epochs`: `None` if this one does (or never
    /// prunes), else this one [`Stretched`] to the run with `ops - 1` prunings.
    ///
    /// ```
    /// use eoinas_prune::PruneScheduleConfig;
    /// let paper = PruneScheduleConfig::default();
    /// assert_eq!(paper.scaled_to(160, 8), None);
    /// let short = paper.scaled_to(16, 8).unwrap();
    /// let epochs: Vec<usize> = (1..=16).filter(|done| short.prunings_after(*done, 16) == 1).collect();
    /// assert_eq!(epochs, [4, 6, 8, 10, 12, 14, 16]);
    /// ```
    pub fn scaled_to(&self, epochs: usize, ops: usize) -> Option<Self> {
        let needed = ops.saturating_sub(1);
        match *self {
            Self::Never(_) => None,
            _ if self.total(epochs) >= needed => None,
            Self::Periodic(plan) | Self::Stretched(Stretched(plan)) => {
                Some(Self::Stretched(Stretched(Periodic { count: needed, ..plan })))
            }
        }
    }
}

impl PruneScheduleConfig {
    /// The schedule whose last pruning follows the last of `epochs`: `None` if that of this one does not come before it, else
    /// this one [`Stretched`] to the run.
    ///
    /// ```
    /// use eoinas_prune::PruneScheduleConfig;
    /// let paper = PruneScheduleConfig::default();
    /// assert_eq!(paper.stretched_to(160), None);
    /// let long = paper.stretched_to(320).unwrap();
    /// let epochs: Vec<usize> = (1..=320).filter(|done| long.prunings_after(*done, 320) == 1).collect();
    /// assert_eq!(epochs, [80, 120, 160, 200, 240, 280, 320]);
    /// ```
    pub fn stretched_to(&self, epochs: usize) -> Option<Self> {
        match *self {
            Self::Periodic(plan) if self.last_pruning().is_some_and(|last| last < epochs) => {
                Some(Self::Stretched(Stretched(plan)))
            }
            _ => None,
        }
    }

    /// The epoch that the last pruning follows where the run has as many as the schedule was made for; `None` without any.
    pub fn last_pruning(&self) -> Option<usize> {
        match self {
            Self::Never(_) => None,
            Self::Periodic(plan) | Self::Stretched(Stretched(plan)) => {
                usize::try_from(plan.last()).ok().filter(|last| *last > 0)
            }
        }
    }

    /// How many prunings a run of `epochs` has.
    pub fn total(&self, epochs: usize) -> usize {
        self.prunings_by(epochs, epochs)
    }

    /// How many prunings come at or before the end of `done` epochs in a run of `epochs`.
    pub fn prunings_by(&self, done: usize, epochs: usize) -> usize {
        match self {
            Self::Never(_) => 0,
            Self::Periodic(schedule) => schedule.up_to(done as u128),
            Self::Stretched(schedule) => schedule.prunings_by(done, epochs),
        }
    }

    /// How many prunings follow right after `done` epochs are completed (from 1) in a run of `epochs`.
    pub fn prunings_after(&self, done: usize, epochs: usize) -> usize {
        match self {
            Self::Never(_) => 0,
            Self::Periodic(schedule) => schedule.prunings_after(done, epochs),
            Self::Stretched(schedule) => schedule.prunings_after(done, epochs),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// (completed epochs, prunings) where there are any.
    fn due(schedule: PruneScheduleConfig, epochs: usize) -> Vec<(usize, usize)> {
        let all = (1..=epochs).map(|done| (done, schedule.prunings_after(done, epochs)));
        all.filter(|(_, prunings)| *prunings > 0).collect()
    }

    #[test]
    fn paper_prunes_seven_times_after_40_to_160_epochs() {
        let expected: Vec<_> = [40, 60, 80, 100, 120, 140, 160].map(|done| (done, 1)).into();
        assert_eq!(due(PruneScheduleConfig::Periodic(Periodic::paper()), 160), expected);
        assert_eq!(due(PruneScheduleConfig::Stretched(Stretched(Periodic::paper())), 160), expected);
        assert_eq!(due(PruneScheduleConfig::Periodic(Periodic::paper()), 500), expected);
        assert_eq!(due(PruneScheduleConfig::default(), 99), expected[..3]);
    }

    #[test]
    fn short_runs() {
        let short = |epochs| due(PruneScheduleConfig::Stretched(Stretched(Periodic::paper())), epochs);
        assert_eq!(short(8), [(2, 1), (3, 1), (4, 1), (5, 1), (6, 1), (7, 1), (8, 1)]);
        assert_eq!(short(3), [(1, 1), (2, 3), (3, 3)]);
        assert_eq!(short(1), [(1, 7)]);
        assert_eq!(short(0), []);
    }

    #[test]
    fn scaling_only_where_it_is_needed() {
        let paper = PruneScheduleConfig::default();
        assert_eq!(paper.scaled_to(160, 5), None);
        assert_eq!(paper.scaled_to(100, 5), None);
        assert_eq!(paper.scaled_to(159, 8).unwrap().total(159), 7);
        assert_eq!(paper.scaled_to(160, 9).unwrap().total(160), 8, "one more op of a user's own");
        assert_eq!(PruneScheduleConfig::Never(Never {}).scaled_to(8, 8), None);
        assert_eq!(paper.scaled_to(0, 1), None);
    }

    #[test]
    fn bad_fields_are_named() {
        let error = PruneScheduleConfig::Periodic(Periodic { first: 0, every: 1, count: 1 }).validate().unwrap_err();
        assert_eq!(error.to_string(), "first is 0; it must be at least 1 epoch");
        assert!(Periodic { first: 1, every: 0, count: 1 }.validate().is_err());
        assert!(PruneScheduleConfig::default().validate().is_ok());
    }

    #[test]
    fn huge_numbers_neither_overflow_nor_hang() {
        let plan = Periodic { first: usize::MAX, every: usize::MAX, count: usize::MAX };
        assert_eq!(plan.prunings_after(usize::MAX, usize::MAX), 1);
        let _ = Stretched(plan).prunings_after(usize::MAX, usize::MAX);
        assert_eq!(Periodic { first: 1, every: 1, count: usize::MAX }.prunings_after(5, 9), 1);
    }

    proptest! {
        #[test]
        fn every_schedule_scales_to_one_op(first in 1usize..99, every in 1usize..50, count in 0usize..12,
                                           epochs in 1usize..200, ops in 1usize..12) {
            let schedule = PruneScheduleConfig::Periodic(Periodic { first, every, count });
            let used = schedule.scaled_to(epochs, ops).unwrap_or(schedule);
            prop_assert!(used.total(epochs) >= ops - 1);
            if used != schedule {
                prop_assert_eq!(used.total(epochs), ops - 1);
                prop_assert!(used.prunings_after(epochs, epochs) > 0, "the last one follows the last epoch");
            }
        }

        #[test]
        fn prunings_add_up(first in 1usize..30, every in 1usize..9, count in 0usize..9, epochs in 1usize..99) {
            let plan = Periodic { first, every, count };
            for schedule in [PruneScheduleConfig::Periodic(plan), PruneScheduleConfig::Stretched(Stretched(plan))] {
                let mut sum = 0;
                for done in 1..=epochs {
                    sum += schedule.prunings_after(done, epochs);
                    prop_assert_eq!(schedule.prunings_by(done, epochs), sum);
                }
                prop_assert_eq!(schedule.total(epochs), sum);
            }
        }

        #[test]
        fn periodic_agrees_with_the_list(first in 1usize..30, every in 1usize..9, count in 0usize..9, done in 1usize..99) {
            let listed = (0..count).filter(|i| first + every * i == done).count();
            prop_assert_eq!(Periodic { first, every, count }.prunings_after(done, 99), listed);
        }
    }
}
