//! How good a trained network is on pictures whose classes are known: what is right and what is not, class by class, and
//! where it was most certain and wrong.

mod card;
mod confusion;
mod heat;
mod kept;
mod page;

use eoinas_core::statistics::wilson_interval;

pub use card::Card;
pub use confusion::{ClassResult, Confusion, Mixed};
pub use kept::Kept;
pub use page::EvaluationPage;

/// What a network said of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// What the sample is called: its file, or its place in a data set.
    pub name: String,
    /// Its class, an index into the network's classes.
    pub class: usize,
    /// The class that the network said: the first of the largest outputs.
    pub predicted: usize,
    /// The probability of each class, 0 to 1.
    pub probabilities: Vec<f32>,
}

impl Prediction {
    /// Whether the network is right.
    pub fn is_right(&self) -> bool {
        self.class == self.predicted
    }

    /// How certain the network is of what it said, 0 to 1.
    pub fn probability(&self) -> f32 {
        self.probabilities.get(self.predicted).copied().unwrap_or(0.0)
    }
}

/// All that a network said of a set of samples.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    classes: Vec<String>,
    predictions: Vec<Prediction>,
    confusion: Confusion,
}

impl Evaluation {
    /// Counts `predictions`; `classes` are the names of all classes that the network knows. Predictions of other classes are
    /// left out of every count.
    pub fn new(classes: Vec<String>, predictions: Vec<Prediction>) -> Self {
        let mut confusion = Confusion::new(classes.len());
        predictions.iter().for_each(|prediction| confusion.add(prediction.class, prediction.predicted));
        Self { classes, predictions, confusion }
    }

    /// Names of all classes that the network knows.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The name of a class.
    pub fn class(&self, index: usize) -> &str {
        self.classes.get(index).map_or("", String::as_str)
    }

    /// What was said, in the order of the samples.
    pub fn predictions(&self) -> &[Prediction] {
        &self.predictions
    }

    /// How often each class was taken for each.
    pub fn confusion(&self) -> &Confusion {
        &self.confusion
    }

    /// The share of the samples that got their class, 0 to 1; `None` without any.
    pub fn accuracy(&self) -> Option<f64> {
        let (right, all) = (self.confusion.right(), self.confusion.samples());
        (all > 0).then(|| right as f64 / all as f64)
    }

    /// Wilson's interval of 95 % around it; `None` without any.
    pub fn interval(&self) -> Option<(f64, f64)> {
        wilson_interval(self.confusion.right(), self.confusion.samples())
    }

    /// The most frequent class and its share of the samples: what naming it always would reach. `None` without any.
    pub fn chance(&self) -> Option<(usize, f64)> {
        let (all, confusion) = (self.confusion.samples(), &self.confusion);
        let most = (0..self.classes.len()).rev().max_by_key(|class| confusion.of(*class).samples)?;
        (all > 0).then(|| (most, confusion.of(most).samples as f64 / all as f64))
    }

    /// Indices of right predictions, `most` of them: the first of each class, then the second, and so on.
    pub fn right_of_each(&self, most: usize) -> Vec<usize> {
        let mut seen = vec![0_usize; self.classes.len()];
        let mut right: Vec<(usize, usize)> = Vec::new();
        for (index, prediction) in self.predictions.iter().enumerate().filter(|(_, prediction)| prediction.is_right()) {
            if let Some(count) = seen.get_mut(prediction.class) {
                right.push((*count, index));
                *count += 1;
            }
        }
        right.sort_unstable();
        right.into_iter().take(most).map(|(_, index)| index).collect()
    }

    /// Indices of the wrong predictions, those that the network was most certain of first, `most` of them.
    pub fn certain_mistakes(&self, most: usize) -> Vec<usize> {
        let wrong = self.predictions.iter().enumerate().filter(|(_, prediction)| !prediction.is_right());
        let mut wrong: Vec<_> = wrong.map(|(index, prediction)| (index, prediction.probability())).collect();
        wrong.sort_by(|a, b| b.1.total_cmp(&a.1));
        wrong.into_iter().take(most).map(|(index, _)| index).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(class: usize, predicted: usize, probability: f32) -> Prediction {
        let mut probabilities = vec![(1.0 - probability) / 2.0; 3];
        probabilities[predicted] = probability;
        Prediction { name: String::new(), class, predicted, probabilities }
    }

    fn evaluation(predictions: Vec<Prediction>) -> Evaluation {
        Evaluation::new(["ant", "bee", "cat"].map(str::to_owned).to_vec(), predictions)
    }

    #[test]
    fn counts_by_hand() {
        let of = evaluation(vec![said(0, 0, 0.9), said(0, 0, 0.5), said(0, 1, 0.6), said(1, 1, 0.8), said(1, 0, 0.7)]);
        assert_eq!((of.accuracy(), of.chance()), (Some(0.6), Some((0, 0.6))));
        assert_eq!(of.interval(), wilson_interval(3, 5));
        let confusion = of.confusion();
        assert_eq!(confusion.rows().collect::<Vec<_>>(), [&[2, 1, 0][..], &[1, 1, 0], &[0, 0, 0]]);
        assert_eq!(confusion.of(0), ClassResult { samples: 3, right: 2, said: 3 });
        assert_eq!((confusion.of(1).recall(), confusion.of(1).precision()), (Some(0.5), Some(0.5)));
        // A class that is not there and was never said has neither.
        assert_eq!((confusion.of(2).recall(), confusion.of(2).precision()), (None, None));
        assert_eq!(confusion.present(), [0, 1]);
        let mixed = confusion.mixed();
        assert_eq!(mixed, [Mixed { class: 0, said: 1, samples: 1 }, Mixed { class: 1, said: 0, samples: 1 }]);
    }

    #[test]
    fn the_most_certain_mistakes_come_first() {
        let of = evaluation(vec![said(0, 0, 0.99), said(0, 1, 0.6), said(1, 2, 0.9), said(2, 1, 0.6), said(2, 0, 0.7)]);
        assert_eq!(of.certain_mistakes(24), [2, 4, 1, 3]);
        assert_eq!(of.certain_mistakes(2), [2, 4]);
        assert!(evaluation(vec![said(1, 1, 0.4)]).certain_mistakes(24).is_empty());
    }

    #[test]
    fn right_ones_are_of_every_class() {
        let of = evaluation(vec![said(0, 0, 0.9), said(0, 0, 0.8), said(0, 1, 0.9), said(2, 2, 0.5), said(1, 1, 0.4)]);
        assert_eq!(of.right_of_each(3), [0, 3, 4]);
        assert_eq!(of.right_of_each(9), [0, 3, 4, 1]);
    }

    #[test]
    fn of_nothing_there_is_nothing_to_say() {
        let of = evaluation(Vec::new());
        assert_eq!((of.accuracy(), of.interval(), of.chance()), (None, None, None));
        assert!(of.confusion().present().is_empty() && of.confusion().mixed().is_empty());
    }
}
