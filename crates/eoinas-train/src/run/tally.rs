//! Loss and score, summed over batches.

use eoinas_core::Event;
use eoinas_nn::{
    PassOutput,
    task::{Answers, Task},
};
use serde::{Deserialize, Serialize};

/// Sums over the batches of an epoch or an evaluation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    /// Sum of the losses of all images: in nats, of numbers their mean squared error.
    #[serde(alias = "loss_sum")]
    pub loss: f64,
    /// Images that got the right class.
    pub correct: u64,
    /// Images whose class is among the five best; with five classes or fewer that is every image.
    #[serde(default)]
    pub correct_top5: u64,
    /// All images.
    #[serde(alias = "images")]
    pub samples: u64,
    /// Of a task without classes, the sum over the images of their batches' shares ([`eoinas_nn::task::Grade::share`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shares: Option<f64>,
    /// All answers, for a task whose score needs them; none any more once it is known ([`Tally::scored`]).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answers: Option<Answers>,
    /// The score by those answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub score: Option<f64>,
}

impl Tally {
    /// Adds another one, neither of which is scored yet.
    pub fn add(&mut self, other: Self) {
        self.loss += other.loss;
        self.correct += other.correct;
        self.correct_top5 += other.correct_top5;
        self.samples += other.samples;
        if let Some(shares) = other.shares {
            *self.shares.get_or_insert(0.0) += shares;
        }
        if let Some(answers) = other.answers {
            self.answers.get_or_insert_default().extend(answers);
        }
    }

    /// All batches are in: with the score of the task, and without the answers that it needed.
    pub fn scored(mut self, task: &dyn Task) -> Self {
        if let Some(answers) = self.answers.take() {
            self.score = Some(task.score(&answers));
        }
        self
    }

    /// Mean loss of an image; `None` without any.
    pub fn mean_loss(&self) -> Option<f64> {
        self.mean(self.loss)
    }

    /// Share of the images that got the right class, 0 to 1; `None` without any, and for a task without classes.
    pub fn accuracy(&self) -> Option<f64> {
        self.mean(self.correct as f64).filter(|_| self.shares.is_none())
    }

    /// Share of the images whose class is among the five best, 0 to 1; `None` as for [`Tally::accuracy`].
    pub fn top5(&self) -> Option<f64> {
        self.mean(self.correct_top5 as f64).filter(|_| self.shares.is_none())
    }

    /// How good the answers are, 0 (worst) to 1 (best), whatever the task: C^a of a mini-batch, whose accuracy it is where
    /// there are classes. Other tasks say which share stands for it ([`eoinas_nn::task::Grade::share`]). `None` without any.
    pub fn share(&self) -> Option<f64> {
        self.mean(self.shares.unwrap_or(self.correct as f64))
    }

    /// The score by the task's measure: the accuracy where there are classes. `None` without any, and of a task that needs all
    /// answers as long as it is not [`Tally::scored`].
    pub fn score(&self) -> Option<f64> {
        if self.answers.is_some() { None } else { self.score.or_else(|| self.share()) }
    }

    /// The score where it is no accuracy.
    pub fn other_score(&self) -> Option<f64> {
        self.score().filter(|_| self.shares.is_some())
    }

    /// What the record says of an evaluation of `what`.
    pub fn evaluated(&self, what: String) -> Event {
        Event::Evaluated {
            what,
            accuracy: self.accuracy().unwrap_or(0.0),
            loss: self.mean_loss().unwrap_or(f64::NAN),
            images: self.samples,
            score: self.other_score(),
            finalist: None,
        }
    }

    fn mean(&self, sum: f64) -> Option<f64> {
        (self.samples > 0).then(|| sum / self.samples as f64)
    }
}

impl From<&PassOutput> for Tally {
    fn from(output: &PassOutput) -> Self {
        let samples = output.samples as u64;
        let (correct, correct_top5) = (output.correct as u64, output.correct_top5 as u64);
        // With classes the share is that of the right ones, and nothing else.
        let without_classes = output.answers.is_some() || (output.correct == 0 && output.share > 0.0);
        Self {
            loss: output.loss * output.samples as f64,
            correct,
            correct_top5,
            samples,
            shares: without_classes.then_some(output.share * output.samples as f64),
            answers: output.answers.clone(),
            score: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eoinas_core::NumberInfo;
    use eoinas_nn::task::Numbers;

    #[test]
    fn classes_are_written_as_ever() {
        let tally = Tally { loss: 2.5, correct: 1, correct_top5: 2, samples: 2, ..Tally::default() };
        let text = serde_json::to_string(&tally).unwrap();
        assert_eq!(text, r#"{"loss":2.5,"correct":1,"correct_top5":2,"samples":2}"#);
        assert_eq!(
            (tally.accuracy(), tally.share(), tally.score(), tally.other_score()),
            (Some(0.5), Some(0.5), Some(0.5), None)
        );
        assert_eq!(Tally::default().score(), None);
    }

    #[test]
    fn numbers_are_scored_over_all_batches() {
        let batch = |given: [f32; 2], wanted: [f32; 2]| Tally {
            samples: 2,
            shares: Some(1.0),
            answers: Some(Answers { width: 1, given: given.to_vec(), wanted: wanted.to_vec() }),
            ..Tally::default()
        };
        let mut tally = Tally::default();
        tally.add(batch([3.0, -0.5], [2.5, 0.0]));
        tally.add(batch([2.0, 7.0], [2.0, 8.0]));
        let again: Tally = serde_json::from_str(&serde_json::to_string(&tally).unwrap()).unwrap();
        assert_eq!(again, tally, "a run that stops in the middle of an epoch goes on with all answers");
        assert_eq!((tally.accuracy(), tally.top5(), tally.share(), tally.score()), (None, None, Some(0.5), None));
        let number = NumberInfo { name: "angle".into(), unit: String::new(), mean: 0.0, std: 1.0 };
        let scored = tally.scored(&Numbers::new(vec![number]));
        let mean = 12.5 / 4.0;
        let deviation = [2.5, 0.0, 2.0, 8.0].iter().map(|wanted: &f64| (wanted - mean).powi(2)).sum::<f64>();
        assert!((scored.other_score().unwrap() - (1.0 - 1.5 / deviation)).abs() < 1e-12);
        assert!(scored.answers.is_none());
    }
}
