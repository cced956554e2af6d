//! The end of a search: candidate cells compared by what they come to when they are trained.

mod candidates;
mod config;

use std::{path::Path, sync::Arc};

use candle_core::Device;
use eoinas_core::{Event, Genotype, Score, SearchSpace, run_folder::names};
use eoinas_data::Dataset;
use eoinas_nn::Operations;
use serde::{Deserialize, Serialize};

use crate::{
    batch::{Runs, Trial, Trials},
    config::SearchConfig,
    error::Result,
    halt::Flow,
    run::{Options, RunWriter},
    session::Session,
    training::Trained,
};

pub use candidates::candidates;
pub use config::FinalistsConfig;

/// A cell of the finals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finalist {
    /// The cell's text.
    pub genotype: String,
    /// Its score on the held-out training images after each round that it was in: the accuracy, or what the task has instead.
    pub scores: Vec<Score>,
    /// Its mean loss there.
    pub losses: Vec<f64>,
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
    pub operations: &'a Operations,
    pub device: &'a Device,
    pub dataset: &'a Arc<dyn Dataset>,
}

/// Trains the cells round by round, in folders below the search's own, and returns all of them, the winner first; each
/// training is in the record. What is done already is taken as it is, so that an interrupted search goes on with it.
///
/// # Errors
/// Cells that cannot be trained. A stop.
pub(crate) fn run(
    settings: &FinalistsConfig,
    cells: Vec<Genotype>,
    around: &Around<'_>,
    session: &mut Session,
) -> Flow<Vec<Finalist>> {
    let mut standing: Vec<Finalist> = cells.iter().map(Finalist::new).collect();
    let folder = session.run().join(names::FINALISTS);
    let rounds = settings.rounds(cells.len());
    for (round, (count, epochs)) in rounds.iter().copied().enumerate() {
        let (round, of) = (round + 1, rounds.len());
        let trials = Trials {
            config: settings.training(around.config, epochs),
            trials: standing
                .iter()
                .take(count)
                .enumerate()
                .map(|(at, cell)| cell.trial(at, around.config.seed))
                .collect(),
        };
        let dir = open(&trials, &folder.join(format!("round-{round}")))?;
        let rules = session.rules();
        let trained = trials.run(&dir, |_| around.options(Box::new(rules.clone())))?.flow()?;
        for (finalist, trained) in standing.iter_mut().zip(&trained) {
            finalist.learn(trained);
            let what =
                format!("finalist {}, round {round} of {of}: {epochs} epochs, held-out images", trained.genotype);
            let Trained { accuracy, loss, test_images: images, .. } = *trained;
            let score = trained.score.as_ref().map(|score| score.value);
            session.emit(Event::Evaluated { what, accuracy, loss, images, score })?;
        }
        // Those that are out stay behind, in their order.
        if let Some(now) = standing.get_mut(..count) {
            now.sort_by(Finalist::better);
        }
    }
    Ok(standing)
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
    fn options(&self, rules: Box<dyn crate::StopRule>) -> Options {
        Options {
            space: Some(self.space.clone()),
            operations: self.operations.clone(),
            device: self.device.clone(),
            dataset: Some(Arc::clone(self.dataset)),
            rules: vec![rules],
            ..Options::default()
        }
    }
}

impl Finalist {
    fn new(genotype: &Genotype) -> Self {
        let genotype = genotype.to_string();
        Self { genotype, scores: Vec::new(), losses: Vec::new(), parameters: 0, multiply_adds: 0 }
    }

    fn trial(&self, at: usize, seed: u64) -> Trial {
        Trial { name: format!("cell-{}", at + 1), genotype: self.genotype.clone(), seed }
    }

    fn learn(&mut self, trained: &Trained) {
        self.scores.push(trained.score());
        self.losses.push(trained.loss);
        (self.parameters, self.multiply_adds) = (trained.parameters, trained.multiply_adds);
    }

    /// Score and loss of the last round that it was in.
    pub fn last(&self) -> Option<(&Score, f64)> {
        Some((self.scores.last()?, *self.losses.last()?))
    }

    /// The better of two that were in the same rounds comes first: by the last score, then by the loss.
    fn better(&self, other: &Self) -> std::cmp::Ordering {
        let of = |finalist: &Self| finalist.last().map_or((f64::NEG_INFINITY, f64::INFINITY), |(s, l)| (s.merit(), l));
        let (own, other) = (of(self), of(other));
        other.0.total_cmp(&own.0).then(own.1.total_cmp(&other.1))
    }
}
