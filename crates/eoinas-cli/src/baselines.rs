//! What a found cell's network is set beside on the same images: networks of equal cost, and a linear classifier.

use std::path::Path;

use eoinas_core::{
    Genotype, SearchSpace,
    count::Limits,
    models::{Design, ModelConfig, ModelKind},
    run_folder::names,
    statistics::accuracy_difference_error,
    zoo,
};
use eoinas_train::{LinearClassifier, Options, Outcome, RunDir, StopReason, TrainConfig, Trained, Training, batch};
use serde::{Deserialize, Serialize};

use crate::{Error, host::Host, out::say};

/// What will be trained: written with a run's first files, so that it is not forgotten whenever the run is stopped.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    /// The random cell's text.
    random_cell: String,
    /// A published cell, by its name in the zoo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published_cell: Option<String>,
    /// A human-designed network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    network: Option<ModelKind>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Baselines {
    /// The random cell's network, with as many multiply-adds as the found one as whole channels allow; so are the next two.
    random_cell: Trained,
    /// The published cell's network.
    #[serde(skip_serializing_if = "Option::is_none")]
    published_cell: Option<Trained>,
    /// The human-designed network; `None`, too, where it cannot be made as small as the found one.
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Trained>,
    /// `None` where the task has no classes.
    linear_classifier: Option<LinearClassifier>,
    #[serde(skip)]
    plan: Plan,
}

impl Plan {
    /// A cell drawn by this seed.
    pub(crate) fn new(seed: u64) -> Self {
        let random_cell = batch::random_cell(&SearchSpace::darts(), seed).to_string();
        Self { random_cell, published_cell: None, network: None }
    }

    /// The same with a published cell and a human-designed network.
    #[cfg(feature = "images")]
    pub(crate) fn with_published(self) -> Self {
        Self { published_cell: Some("darts-v2".to_owned()), network: Some(ModelKind::MobileNetV2), ..self }
    }

    /// How many networks it has.
    #[cfg(feature = "images")]
    pub(crate) fn trainings(&self) -> usize {
        1 + usize::from(self.published_cell.is_some()) + usize::from(self.network.is_some())
    }

    /// The human-designed network, with the settings of its training beside a network of so many multiply-adds.
    pub(crate) fn human_designed(&self, config: &TrainConfig, multiply_adds: u64) -> Option<(TrainConfig, Design)> {
        let kind = self.network?;
        Some((beside(config, multiply_adds), ModelConfig::new(kind).into()))
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
        // Limits hold for all.
        let equal = config.limits.are_none().then_some(trained.multiply_adds);
        let config = TrainConfig { multiply_adds: equal, ..config };
        let linear_classifier = LinearClassifier::train(&config, Options::default())?;
        let folder = out.join(names::BASELINES);
        let train = |design: Design, name: &str, config: &TrainConfig| -> Result<Outcome<Trained>, Error> {
            let options = Options { study: Some(out.path().to_owned()), ..host.options_beside(name) };
            Ok(Training::complete((config.clone(), design), &folder.join(Path::new(name)), options)?)
        };
        let random_cell = match train(Genotype::parse(&plan.random_cell)?.into(), "random-cell", &config)? {
            Outcome::Done(trained) => trained,
            Outcome::Stopped(reason) => return Ok(Err(reason)),
        };
        let mut published_cell = None;
        if let Some(name) = &plan.published_cell {
            match train(zoo::find(name)?.genotype().into(), name, &config)? {
                Outcome::Done(trained) => published_cell = Some(trained),
                Outcome::Stopped(reason) => return Ok(Err(reason)),
            }
        }
        let mut network = None;
        if let Some(kind) = plan.network {
            let config = beside(&config, trained.multiply_adds);
            match train(ModelConfig::new(kind).into(), kind.name(), &config) {
                Ok(Outcome::Done(trained)) => network = Some(trained),
                Ok(Outcome::Stopped(reason)) => return Ok(Err(reason)),
                Err(error) => host.tell(&format!("{kind} is not set beside it: {error}")),
            }
        }
        Ok(Ok(Self { random_cell, published_cell, network, linear_classifier, plan }))
    }

    /// What needs no network.
    #[cfg(feature = "images")]
    pub(crate) fn linear_classifier(&self) -> Option<&LinearClassifier> {
        self.linear_classifier.as_ref()
    }

    /// Says what the network is worth, in plain words; `best_of` so many whose trainings began, where one of them went on.
    pub(crate) fn print(&self, trained: &Trained, best_of: Option<usize>) {
        let cost = |trained: &Trained| format!("{:.1} M multiply-adds", trained.multiply_adds as f64 / 1e6);
        say!("on the same {} test images, right are:", trained.test_images);
        let (chosen, alike) = match best_of {
            Some(of) => (format!(", the best of {of} by held-out images"), "with as many images"),
            None => (String::new(), "alike"),
        };
        line(trained.accuracy, &format!("the network of the found cell{chosen}"), &cost(trained));
        let random_cell = format!("the network of a random cell, trained {alike}");
        line(self.random_cell.accuracy, &random_cell, &cost(&self.random_cell));
        if let (Some(published), Some(name)) = (&self.published_cell, &self.plan.published_cell) {
            line(published.accuracy, &format!("that of a published cell, {name}, trained alike"), &cost(published));
        }
        if let Some(network) = &self.network {
            line(network.accuracy, &format!("{}, trained alike", network.design), &cost(network));
        }
        if let Some(linear) = &self.linear_classifier {
            line(linear.accuracy, "a linear classifier on the pixels", "");
            line(linear.largest_class, "naming the same class always", "");
        }
        say!("{}", verdict(trained, &self.random_cell, best_of));
    }
}

/// The settings of the training of a human-designed network with so many multiply-adds.
fn beside(config: &TrainConfig, multiply_adds: u64) -> TrainConfig {
    TrainConfig { limits: Limits::default(), multiply_adds: Some(multiply_adds), ..config.clone() }.for_model()
}

fn line(accuracy: f64, what: &str, cost: &str) {
    let cost = if cost.is_empty() { String::new() } else { format!(" ({cost})") };
    say!("  {:6.2} %  {what}{cost}", 100.0 * accuracy);
}

/// Whether two accuracies of one training each differ by more than the number of test images leaves to chance. Of a network that was
/// chosen among so many, its luck is a part of what it is ahead by, so that nothing is said of its cell.
fn verdict(found: &Trained, random: &Trained, best_of: Option<usize>) -> String {
    let of = |trained: &Trained| (trained.accuracy, trained.test_images);
    let (difference, error) = (found.accuracy - random.accuracy, accuracy_difference_error(of(found), of(random)));
    let points = 100.0 * difference.abs();
    let side = if difference > 0.0 { "better" } else { "worse" };
    let (found_one, random_one) = match best_of {
        Some(of) => (format!("the best of {of} networks"), "that of the random cell"),
        None => ("the found cell".to_owned(), "the random one"),
    };
    if difference.abs() <= 2.0 * error {
        format!(
            "{found_one} and {random_one} are {points:.1} points apart, which {} test images cannot tell from chance",
            found.test_images
        )
    } else {
        format!(
            "{found_one} is {points:.1} points {side} than {random_one} (standard error {:.1}, one training each)",
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
        let alone = |found, random| verdict(&trained(found), &trained(random), None);
        assert!(alone(0.90, 0.895).contains("cannot tell from chance"));
        assert!(alone(0.90, 0.86).contains("the found cell is 4.0 points better"));
        assert!(alone(0.86, 0.90).contains("4.0 points worse"));
        let chosen = verdict(&trained(0.90), &trained(0.86), Some(3));
        assert!(
            chosen.contains("the best of 3 networks is 4.0 points better than that of the random cell"),
            "{chosen}"
        );
    }
}
