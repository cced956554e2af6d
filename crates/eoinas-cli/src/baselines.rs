//! What a found cell's network is set beside on the same images: a random cell of equal cost, and a linear classifier.

use eoinas_core::{Genotype, SearchSpace, run_folder::names, statistics::accuracy_difference_error};
use eoinas_train::{LinearClassifier, Options, Outcome, RunDir, StopReason, TrainConfig, Trained, Training, batch};
use serde::{Deserialize, Serialize};

use crate::{Error, host::Host, out::say};

/// What will be trained: written with a run's first files, so that it is not forgotten whenever the run is stopped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The random cell's text.
    random_cell: String,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Baselines {
    /// The random cell's network, with as many multiply-adds as the found one as whole channels allow.
    random_cell: Trained,
    /// `None` where the task has no classes.
    linear_classifier: Option<LinearClassifier>,
}

impl Plan {
    /// A cell drawn by this seed.
    pub(crate) fn new(seed: u64) -> Self {
        Self { random_cell: batch::random_cell(&SearchSpace::darts(), seed).to_string() }
    }

    /// Whether the run in this folder has one.
    pub(crate) fn is_in(out: &RunDir) -> bool {
        out.join(names::BASELINES_PLAN).exists()
    }
}

impl Baselines {
    /// Trains what the plan in `out` says beside the network that was trained there, or goes on with that.
    pub(crate) fn train(out: &RunDir, trained: &Trained, host: &Host) -> Result<Result<Self, StopReason>, Error> {
        let plan: Plan = out.read_json(names::BASELINES_PLAN)?;
        let config: TrainConfig = out.read_json(names::TRAINING_PLAN)?;
        // Limits hold for both.
        let equal = config.limits.are_none().then_some(trained.multiply_adds);
        let config = TrainConfig { multiply_adds: equal, ..config };
        let linear_classifier = LinearClassifier::train(&config, Options::default())?;
        let options = Options { study: Some(out.path().to_owned()), ..host.options() };
        let folder = out.join(names::BASELINES).join("random-cell");
        let cell = Genotype::parse(&plan.random_cell)?;
        Ok(match Training::complete((config, cell), &folder, options)? {
            Outcome::Done(random_cell) => Ok(Self { random_cell, linear_classifier }),
            Outcome::Stopped(reason) => Err(reason),
        })
    }

    /// Says what the network is worth, in plain words.
    pub(crate) fn print(&self, trained: &Trained) {
        let cost = |trained: &Trained| format!("{:.1} M multiply-adds", trained.multiply_adds as f64 / 1e6);
        let random = &self.random_cell;
        say!("on the same {} test images, right are:", trained.test_images);
        line(trained.accuracy, "the network of the found cell", &cost(trained));
        line(random.accuracy, "the network of a random cell, trained alike", &cost(random));
        if let Some(linear) = &self.linear_classifier {
            line(linear.accuracy, "a linear classifier on the pixels", "");
            line(linear.largest_class, "naming the same class always", "");
        }
        say!("{}", verdict(trained, random));
    }
}

fn line(accuracy: f64, what: &str, cost: &str) {
    let cost = if cost.is_empty() { String::new() } else { format!(" ({cost})") };
    say!("  {:6.2} %  {what}{cost}", 100.0 * accuracy);
}

/// Whether two accuracies of one training each differ by more than the number of test images leaves to chance.
fn verdict(found: &Trained, random: &Trained) -> String {
    let of = |trained: &Trained| (trained.accuracy, trained.test_images);
    let (difference, error) = (found.accuracy - random.accuracy, accuracy_difference_error(of(found), of(random)));
    let points = 100.0 * difference.abs();
    let side = if difference > 0.0 { "better" } else { "worse" };
    if difference.abs() <= 2.0 * error {
        format!(
            "the found cell and the random one are {points:.1} points apart, which {} test images cannot tell from chance",
            found.test_images
        )
    } else {
        format!(
            "the found cell is {points:.1} points {side} than the random one (standard error {:.1}, one training each)",
            100.0 * error
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained(accuracy: f64) -> Trained {
        serde_json::from_value(serde_json::json!({
            "genotype": "", "accuracy": accuracy, "top5": 1.0, "loss": 1.0, "averaged_accuracy": null, "best_accuracy": accuracy,
            "best_epoch": 0, "test_images": 2000, "train_images": 5000, "seed": 0, "epochs": 1, "seconds": 1.0,
            "parameters": 1, "multiply_adds": 1
        }))
        .unwrap()
    }

    #[test]
    fn a_difference_within_chance_is_called_so() {
        assert!(verdict(&trained(0.90), &trained(0.895)).contains("cannot tell from chance"));
        assert!(verdict(&trained(0.90), &trained(0.86)).contains("4.0 points better"));
        assert!(verdict(&trained(0.86), &trained(0.90)).contains("4.0 points worse"));
    }
}
