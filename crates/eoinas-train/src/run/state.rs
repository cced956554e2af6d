//! Where a run stands, apart from its tensors.

use eoinas_core::{Measure, Setting};
use serde::{Deserialize, Serialize};

use super::tally::Tally;
use crate::method::StepReport;

/// Where a run stands.
///
/// Random streams need no place in it, as every draw is derived from (seed, epoch, step); the data cursor is the step.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The epoch that is being worked on; the number of epochs when all are done.
    pub epoch: usize,
    /// Steps done in it.
    pub step: usize,
    /// Steps done in the whole run.
    pub total_steps: u64,
    /// Training batches of this epoch so far.
    pub train: Tally,
    /// Validation batches of this epoch so far: those of a search's architecture steps.
    #[serde(default)]
    pub valid: Tally,
    /// The best epoch so far.
    pub best: Option<Best>,
    /// What its score and those of the tallies are; `None`: accuracies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measure: Option<Measure>,
    /// A training's evaluation after the last epoch that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Tally>,
    /// The same of its averaged weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_averaged: Option<Tally>,
}

/// The best epoch so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Steps done at its end: the name of its checkpoint.
    pub step: u64,
    /// The score that decides, the accuracy (0 to 1) where there are classes: a search's on its validation batches; a
    /// training's on its test part, of the averaged weights where there are any.
    #[serde(rename = "accuracy")]
    pub score: f64,
}

impl State {
    /// The same, as a checkpoint of a run with such scores has it.
    pub(crate) fn of(&self, measure: Measure) -> Self {
        Self { measure: Some(measure).filter(|measure| !measure.is_accuracy()), ..self.clone() }
    }

    /// Whether scores of `measure` can be told in one row with those of the run so far.
    ///
    /// # Errors
    /// What they are, and what they were.
    pub(crate) fn check_measure(&self, measure: &Measure) -> Result<(), Setting> {
        let (began, name) = (self.measure.clone().unwrap_or_default(), &measure.name);
        let expected = format!("{}, by which the run began; give the task again that it had then", began.name);
        Setting::check(began == *measure, "the score of the task", name, expected)
    }

    /// A step is done.
    pub(super) fn step_done(&mut self, report: StepReport) {
        self.step += 1;
        self.total_steps += 1;
        self.train.add(report.train);
        self.valid.add(report.valid.unwrap_or_default());
    }

    /// An epoch is done, with this score if it has one.
    pub(super) fn epoch_done(&mut self, score: Option<f64>, measure: &Measure) {
        let best = self.best.map_or(f64::NEG_INFINITY, |best| measure.merit(best.score));
        if let Some(score) = score.filter(|score| measure.merit(*score) > best) {
            self.best = Some(Best { step: self.total_steps, score });
        }
        self.epoch += 1;
        self.step = 0;
        (self.train, self.valid) = (Tally::default(), Tally::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As version 0.1.0 wrote them.
    #[test]
    fn states_of_before_searches_and_trainings_had_one_form_are_read() {
        let search = r#"{"epoch": 1, "step": 1, "total_steps": 3, "train": {"loss": 2.5, "correct": 1, "samples": 2},
            "valid": {"loss": 0.0, "correct": 0, "samples": 0}, "best": {"step": 2, "accuracy": 0.5}}"#;
        let state: State = serde_json::from_str(search).unwrap();
        assert_eq!((state.total_steps, state.train.samples, state.best.unwrap().step), (3, 2, 2));
        let training = r#"{"epoch": 1, "step": 0, "total_steps": 3, "train": {"loss": 0.0, "correct": 0, "samples": 0},
            "best": {"epoch": 0, "step": 3, "accuracy": 0.25},
            "last": {"loss_sum": 9.0, "correct": 1, "correct_top5": 3, "images": 4}, "last_averaged": null}"#;
        let state: State = serde_json::from_str(training).unwrap();
        let last = state.last.unwrap();
        assert_eq!((last.mean_loss(), last.accuracy(), last.top5()), (Some(2.25), Some(0.25), Some(0.75)));
        assert_eq!(state.best, Some(Best { step: 3, score: 0.25 }));
    }

    #[test]
    fn the_best_epoch_is_that_of_the_measures_direction() {
        let best = |measure: &Measure| {
            let mut state = State::default();
            for (step, score) in [(1, Some(-3.0)), (2, Some(0.5)), (3, None), (4, Some(f64::NAN)), (5, Some(-9.0))] {
                state.total_steps = step;
                state.epoch_done(score, measure);
            }
            state.best.map(|best| (best.step, best.score))
        };
        assert_eq!(best(&Measure::higher("R2")), Some((2, 0.5)));
        assert_eq!(best(&Measure { name: "error".to_owned(), higher_is_better: false }), Some((5, -9.0)));
    }
}
