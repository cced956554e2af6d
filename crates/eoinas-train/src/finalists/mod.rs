//! The end of a search: candidate cells compared by what they come to when they are trained.

mod candidates;
mod config;
mod drawn;
mod helper;
mod shared;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use candle_core::Device;
use eoinas_core::{
    EdgeOpTable, Event, Genotype, Measure, Score, SearchSpace, counted, event::FinalistRound, models::DesignText,
    run_folder::names, statistics::accuracy_difference_error,
};
use eoinas_data::Dataset;
use eoinas_nn::{Operations, Task};
use serde::{Deserialize, Serialize};

use crate::{
    batch::{Runs, Trial, Trials},
    config::SearchConfig,
    error::Result,
    halt::Flow,
    run::{Options, RunWriter},
    run_dir::RunDir,
    search::Found,
    session::Session,
    training::Trained,
};

use self::shared::Shared;

pub use candidates::candidates;
pub(crate) use config::random_cells;
pub use config::{FinalistsConfig, MOST_REDUCTION};
pub(crate) use drawn::Drawing;
pub use drawn::{DrawnBy, FEW_IMAGES};
pub use helper::Helper;

/// A cell of the finals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finalist {
    /// The cell's text.
    pub genotype: String,
    /// Its score on the held-out training images after each round that it was in: the accuracy, or what the task has instead.
    pub scores: Vec<Score>,
    /// Its mean loss there.
    pub losses: Vec<f64>,
    /// Held-out images that each score was taken from.
    pub images: u64,
    /// Parameters of the trained network.
    pub parameters: u64,
    /// Its multiply-adds for one image.
    pub multiply_adds: u64,
}

/// What the trainings need of the search around them.
#[derive(Debug)]
pub(crate) struct Around<'a> {
    pub config: &'a SearchConfig,
    pub space: &'a SearchSpace,
    pub task: &'a Arc<dyn Task>,
    pub operations: &'a Operations,
    pub device: &'a Device,
    pub dataset: &'a Arc<dyn Dataset>,
}

/// Trains candidates around the method's own cell round by round, in folders below the search's own, and returns all of them,
/// the winner first; each training is in the record. What is done already is taken as it is, so that an interrupted search
/// goes on with it.
///
/// Among its neighbours the method's cell is in every round, and another one wins only where it is better by more than one
/// standard error: short trainings of cells that are alike differ by chance. Random cells are not alike, and all begin
/// as equals.
///
/// A single candidate is trained by nobody, and has no scores.
///
/// The trainings of a search that is a part of a study are shared with the processes of the study that have nothing else to do
/// ([`Helper`]).
///
/// # Errors
/// Cells that cannot be trained. A stop.
pub(crate) fn run(
    settings: &FinalistsConfig,
    derived: &Genotype,
    importance: &EdgeOpTable<Option<f64>>,
    around: &Around<'_>,
    session: &mut Session,
) -> Flow<Vec<Finalist>> {
    let search = session.run().path().to_owned();
    let of_round = |round: usize| folder_of_round(&search, round);
    let shared = session.claim().map(|claim| Shared::new(claim, around)).transpose()?;
    shared.as_ref().map_or(Ok(()), |shared| shared.take_up(&of_round(1)))?;
    let mut standing: Vec<Finalist> = match Trials::is_in(&of_round(1)) {
        true => Trials::open(&of_round(1))?
            .0
            .trials
            .into_iter()
            .map(|trial| Finalist::new(trial.design.to_string()))
            .collect(),
        false => {
            around.cells(settings, derived, importance)?.iter().map(|cell| Finalist::new(cell.to_string())).collect()
        }
    };
    let rounds = settings.rounds(standing.len());
    let first = derived.to_string();
    let sizing = settings.sizing(around.config, around.dataset.info(), around.space)?;
    for (round, (count, epochs)) in rounds.iter().copied().enumerate() {
        let (round, of) = (round + 1, rounds.len());
        let trials = Trials {
            config: sizing.of(settings.training(around.config, around.dataset.as_ref(), epochs)),
            trials: standing
                .iter()
                .take(count)
                .enumerate()
                .map(|(at, cell)| cell.trial(at, around.config.seed))
                .collect(),
        };
        let dir = open(&trials, &of_round(round))?;
        let rules = session.rules();
        if let Some(shared) = &shared {
            shared.complete(&trials, dir.path(), || around.options(Box::new(rules.clone())))?;
        }
        for (at, (finalist, trial)) in standing.iter_mut().zip(&trials.trials).enumerate() {
            let trained = trials.complete(&dir, trial, around.options(Box::new(rules.clone())))?.flow()?;
            finalist.learn(&trained);
            let long = counted(epochs, "epoch", "epochs");
            let what = format!("finalist {} of {count}, round {round} of {of}: {long}, held-out images", at + 1);
            let Trained { accuracy, loss, test_images: images, .. } = trained;
            let score = trained.score.as_ref().map(|score| score.value);
            let told = FinalistRound {
                genotype: finalist.genotype.clone(),
                round: u32::try_from(round).unwrap_or(u32::MAX),
                epochs: epochs as u64,
                parameters: trained.parameters,
                multiply_adds: trained.multiply_adds,
            };
            session.emit(Event::Evaluated { what, accuracy, loss, images, score, finalist: Some(Box::new(told)) })?;
        }
        // Those that are out stay behind, in their order.
        if let Some(now) = standing.get_mut(..count) {
            now.sort_by(Finalist::better);
            let next = rounds.get(round).map_or(1, |(count, _)| *count);
            if settings.random_cells() == 0 {
                keep_first(now, &first, next);
            }
        }
    }
    Ok(standing)
}

/// Brings the first cell of all, where it is behind, to the last of the `next` places; to the only one unless the best is
/// better than it beyond chance.
fn keep_first(standing: &mut [Finalist], first: &str, next: usize) {
    let Some(at) = standing.iter().position(|cell| cell.genotype == first) else { return };
    let place = next.saturating_sub(1);
    let wins = |standing: &[Finalist]| match (standing.first(), standing.get(at)) {
        (Some(best), Some(own)) => best.beats(own),
        _ => false,
    };
    if at > place
        && !(next == 1 && wins(standing))
        && let Some(moved) = standing.get_mut(place..=at)
    {
        moved.rotate_right(1);
    }
}

/// The network that the last training of the winner left, in the folder of a search that is done; `None` where nothing was trained.
///
/// # Errors
/// Files that cannot be read.
pub fn network_of_winner(search: &RunDir) -> Result<Option<PathBuf>> {
    let found: Option<Found> = search.result()?;
    let Some(winner) = found.as_ref().and_then(|found| found.finalists.first()) else { return Ok(None) };
    let folder = folder_of_round(search.path(), winner.scores.len());
    let trials: Trials = RunDir::open(&folder)?.read_json(names::TRIALS)?;
    let trial = trials.trials.iter().find(|trial| trial.design.to_string() == winner.genotype);
    Ok(trial.map(|trial| folder.join(&trial.name).join(names::NETWORK)))
}

fn folder_of_round(search: &Path, round: usize) -> PathBuf {
    search.join(names::FINALISTS).join(name_of_round(round))
}

fn name_of_round(round: usize) -> String {
    format!("round-{round}")
}

/// The folder of a round, which may be there already.
fn open(trials: &Trials, path: &Path) -> Result<RunWriter> {
    if Trials::is_in(path) {
        return Ok(Trials::open(path)?.1);
    }
    let mut dir = RunWriter::create(path)?;
    trials.create(&mut dir)?;
    Ok(dir)
}

impl Around<'_> {
    /// The cells of the first round: the method's own, its neighbours, random ones.
    fn cells(
        &self,
        settings: &FinalistsConfig,
        derived: &Genotype,
        importance: &EdgeOpTable<Option<f64>>,
    ) -> Result<Vec<Genotype>> {
        let random = settings.random_cells();
        let mut cells = candidates(self.space, derived, importance, settings.candidates - random);
        if random > 0 {
            cells.extend(Drawing::new(settings, self)?.best(
                random,
                random.saturating_mul(settings.drawn_for_each(self.space)),
                &cells,
            )?);
        }
        Ok(cells)
    }

    fn options(&self, rules: Box<dyn crate::StopRule>) -> Options {
        Options {
            space: Some(self.space.clone()),
            operations: self.operations.clone(),
            device: self.device.clone(),
            dataset: Some(Arc::clone(self.dataset)),
            task: Some(Arc::clone(self.task)),
            rules: vec![rules],
            ..Options::default()
        }
    }
}

impl Finalist {
    fn new(genotype: String) -> Self {
        Self { genotype, scores: Vec::new(), losses: Vec::new(), images: 0, parameters: 0, multiply_adds: 0 }
    }

    fn trial(&self, at: usize, seed: u64) -> Trial {
        let design = DesignText::Genotype(self.genotype.clone());
        Trial { name: format!("cell-{}", at + 1), design, seed, fold: None }
    }

    fn learn(&mut self, trained: &Trained) {
        self.scores.push(trained.score());
        self.losses.push(trained.loss);
        self.images = trained.test_images;
        (self.parameters, self.multiply_adds) = (trained.parameters, trained.multiply_adds);
    }

    /// Score and loss of the last round that it was in.
    pub fn last(&self) -> Option<(&Score, f64)> {
        Some((self.scores.last()?, *self.losses.last()?))
    }

    /// Whether its last score is better than another's by more than one standard error of the difference of two accuracies, or,
    /// of a task without classes, at all.
    fn beats(&self, other: &Self) -> bool {
        let (Some((own, _)), Some((other, _))) = (self.last(), other.last()) else { return false };
        let error = match own.measure == Measure::accuracy() {
            true => accuracy_difference_error((own.value, self.images), (other.value, self.images)),
            false => 0.0,
        };
        own.merit() - other.merit() > error
    }

    /// The better of two that were in the same rounds comes first: by the last score, then by the loss.
    fn better(&self, other: &Self) -> std::cmp::Ordering {
        let of = |finalist: &Self| finalist.last().map_or((f64::NEG_INFINITY, f64::INFINITY), |(s, l)| (s.merit(), l));
        let (own, other) = (of(self), of(other));
        other.0.total_cmp(&own.0).then(own.1.total_cmp(&other.1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finalist(name: &str, accuracy: f64) -> Finalist {
        let scores = vec![Score { measure: Measure::accuracy(), value: accuracy }];
        let losses = vec![1.0 - accuracy];
        Finalist { genotype: name.to_owned(), scores, losses, images: 100, parameters: 1, multiply_adds: 1 }
    }

    fn order(accuracies: [f64; 4], next: usize) -> String {
        let mut standing: Vec<Finalist> =
            accuracies.iter().zip(["a", "b", "c", "d"]).map(|(accuracy, name)| finalist(name, *accuracy)).collect();
        standing.sort_by(Finalist::better);
        keep_first(&mut standing, "a", next);
        standing.iter().map(|cell| cell.genotype.as_str()).collect()
    }

    #[test]
    fn the_first_cell_stays_in_and_loses_to_what_is_better_beyond_chance_alone() {
        assert_eq!(order([0.50, 0.40, 0.30, 0.20], 1), "abcd");
        assert_eq!(order([0.20, 0.40, 0.30, 0.21], 2), "bacd");
        assert_eq!(order([0.30, 0.40, 0.31, 0.20], 2), "bacd");
        // The standard error of the difference is 0.07.
        assert_eq!(order([0.45, 0.50, 0.40, 0.30], 1), "abcd");
        assert_eq!(order([0.40, 0.50, 0.45, 0.30], 1), "bcad");
    }
}
