//! A training that goes on with what the finals of a search have trained.

use eoinas_core::{models::Design, run_folder::names, schedule::Cosine};
use eoinas_train::{
    FinalistsConfig, RunDir, SearchConfig, TrainConfig,
    config::WeightsConfig,
    finalists::{self, MOST_REDUCTION},
};
use serde::{Deserialize, Serialize};

use super::random_finals;
use crate::Error;

/// A training of no more epochs is short.
const SHORT: usize = 8;

/// The share of the first learning rate that finals end with whose winner goes on.
const END: f64 = 0.3;

/// Cells whose trainings begin: in three minutes there is time for so many of a useful length.
const FINALISTS: usize = 3;

/// The share of the images that those hold out: cells differ by more than so many images leave to chance (RESULTS.md).
const HELD_OUT: f64 = 0.1;

/// Where the training that follows a search is short, the finals become like it, in size, rate and length, and are about random cells
/// alone: after still shorter ones other cells are ahead than at its end. Whether they do.
pub(crate) fn finals_like(training: &TrainConfig, search: &mut SearchConfig) -> bool {
    let TrainConfig { epochs, batch_size, network, weights, .. } = training;
    let Some(finalists) = random_finals(search).filter(|of| of.candidates > 1 && *epochs <= SHORT) else {
        return false;
    };
    *finalists = FinalistsConfig {
        random: 1.0,
        epochs: *epochs,
        batch_size: *batch_size,
        network: network.clone(),
        learning_rate: weights.learning_rate.value(0.0, *epochs as f64),
        images: None,
        ..finalists.clone()
    };
    true
}

/// How the network of the found cell is trained where finals like that training were its beginning, with all images but those that they
/// held out: it goes on with all of them, at the rate that they ended with, until it has seen as many as a training of its own would
/// have. Part of the plan of a run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct GoingOn {
    epochs: usize,
    /// At its start; it ends at 0 on half a cosine.
    learning_rate: f64,
}

impl GoingOn {
    /// Makes finals like the training that follows ([`finals_like`]) its beginning. There are so many `trainings` with those of baselines;
    /// returns the share of the time that these take, beside [`FINALISTS`] that are as long.
    pub(crate) fn prepare(finalists: &mut FinalistsConfig, trainings: usize) -> f64 {
        (finalists.candidates, finalists.most_candidates) = (FINALISTS, Some(FINALISTS));
        // As many as there is time for.
        finalists.epochs = 1;
        // A second round would begin anew.
        finalists.reduction = MOST_REDUCTION;
        finalists.held_out = HELD_OUT;
        finalists.learning_rate_end = END * finalists.learning_rate;
        let after = trainings.saturating_sub(1) as f64 + HELD_OUT;
        after / (FINALISTS as f64 + after)
    }

    /// What follows such finals.
    pub(crate) fn after(finalists: &FinalistsConfig) -> Self {
        let epochs = (finalists.held_out * finalists.epochs as f64).round().max(1.0) as usize;
        Self { epochs, learning_rate: finalists.learning_rate_end }
    }
}

/// What is trained in `out` after the search in `search`: the task itself, or, where the plan says so, what goes on with the winner.
///
/// # Errors
/// Files that cannot be read.
pub(super) fn task(
    out: &RunDir,
    search: &RunDir,
    (config, design): (TrainConfig, Design),
) -> Result<(TrainConfig, Design), Error> {
    if !out.join(names::GOING_ON).exists() {
        return Ok((config, design));
    }
    let GoingOn { epochs, learning_rate } = out.read_json(names::GOING_ON)?;
    let learning_rate = Cosine { start: learning_rate, end: 0.0 }.into();
    let weights = WeightsConfig { learning_rate, ..config.weights };
    let going_on = TrainConfig { epochs, weights, multiply_adds: None, ..config.clone() };
    // What has begun needs the network no more, wherever its folder is now.
    let training = out.join(names::TRAINING);
    if training.join(names::CONFIG).exists() {
        let TrainConfig { init, network, .. } = RunDir::open(&training)?.read_json(names::CONFIG)?;
        return Ok((TrainConfig { init, network, ..going_on }, design));
    }
    match finalists::network_of_winner(search)? {
        Some(network) => Ok(going_on.with_init(&network, 1.0)?),
        None => Ok((config, design)),
    }
}
