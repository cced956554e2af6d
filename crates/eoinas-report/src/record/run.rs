//! One run.

use std::path::PathBuf;

use eoinas_core::{
    CellKind, CellSpec, Counts, Genotype, Measure,
    event::{EpochEnd, FinalistRound, PruneEvidence, RunStarted, SearchSnapshot, SpaceInfo, Task},
};

use super::genotype::{costs, read_genotype};

/// Something that happened at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Timed<T> {
    /// Seconds that the run had taken.
    pub seconds: f64,
    /// What happened.
    pub what: T,
}

/// One op that one edge lost.
#[derive(Clone, Debug, PartialEq)]
pub struct Pruning {
    /// The epoch after which it was pruned.
    pub epoch: u64,
    /// Kind of cell.
    pub kind: CellKind,
    /// Edge, as numbered in the space.
    pub edge: usize,
    /// Index of the op in the space.
    pub op: usize,
    /// Its name.
    pub name: String,
    /// The rule that chose it.
    pub reason: String,
    /// The indicator of each op that was alive, by index.
    pub indicator: Vec<(usize, Option<f64>)>,
    /// How the ops of the edge were validated.
    pub evidence: Option<PruneEvidence>,
}

/// A network's evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Which network on which images.
    pub what: String,
    /// How good it is by the run's measure ([`Run::measure`]): the share of the images that it got right, 0..1, where there are
    /// classes.
    pub score: f64,
    /// Mean loss; NaN where it was not finite.
    pub loss: f64,
    /// Number of images.
    pub images: u64,
    /// Of a cell in the finals of a search: which one, in which round.
    pub finalist: Option<Box<FinalistRound>>,
}

/// The cell that a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// The genotype's text.
    pub text: String,
    /// Trained parameters of the network to be retrained.
    pub parameters: Option<u64>,
    /// Its multiply-adds for one image.
    pub multiply_adds: Option<u64>,
}

/// A stop before the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// One word.
    pub reason: String,
    /// In words.
    pub detail: String,
}

/// Something in the record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line, from 1; `None` where something is missing as a whole.
    pub line: Option<usize>,
    /// In words.
    pub text: String,
}

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It ended in order.
    Finished,
    /// It stopped before its end and said why.
    Stopped(Stop),
    /// The record just ends: the run goes on, or was killed.
    Unfinished,
}

/// A run as its record tells it.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// Name of its folder.
    pub name: String,
    /// Its folder.
    pub dir: PathBuf,
    /// What was fixed before the first step; `None` where the first event cannot be read.
    pub started: Option<RunStarted>,
    /// Ends of epochs, in order.
    pub epochs: Vec<Timed<EpochEnd>>,
    /// Prunings, in order.
    pub prunings: Vec<Pruning>,
    /// Warnings.
    pub warnings: Vec<String>,
    /// Evaluations apart from the epochs' own.
    pub evaluations: Vec<Evaluation>,
    /// The found cell.
    pub derived: Option<Derived>,
    /// The last stop.
    pub stop: Option<Stop>,
    /// Whether the last event says that the run ended in order.
    pub ended: bool,
    /// Seconds that the run has taken.
    pub seconds: f64,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

impl Run {
    /// How it stands.
    pub fn state(&self) -> State {
        match (&self.stop, self.ended) {
            (Some(stop), _) => State::Stopped(stop.clone()),
            (None, true) => State::Finished,
            (None, false) => State::Unfinished,
        }
    }

    /// Whether it is a search; where the first event is lost, whether an epoch tells of one.
    pub fn is_search(&self) -> bool {
        match &self.started {
            Some(started) => started.task == Task::Search,
            None => self.snapshots().next().is_some() || !self.prunings.is_empty(),
        }
    }

    /// Where the search stood at the end of each epoch.
    pub fn snapshots(&self) -> impl DoubleEndedIterator<Item = (u64, &SearchSnapshot)> {
        self.epochs.iter().filter_map(|end| Some((end.what.epoch, end.what.search.as_ref()?)))
    }

    /// The space; where the first event is lost, the one that the tables' shape fits, and whether it is such a guess.
    pub fn space(&self) -> Option<(SpaceInfo, bool)> {
        if let Some(space) = self.started.as_ref().and_then(|started| started.space.clone()) {
            return Some((space, false));
        }
        let (_, snapshot) = self.snapshots().next()?;
        [eoinas_core::SearchSpace::darts(), eoinas_core::SearchSpace::nas_bench_201()]
            .iter()
            .find(|space| snapshot.beta.fits(space))
            .map(|space| (SpaceInfo::from(space), true))
    }

    /// The found or trained cell; of a search that is under way, the one that it would derive now.
    pub fn genotype(&self) -> Option<Genotype> {
        read_genotype(&self.genotype_text()?)
    }

    /// The text of that cell, as the record has it.
    pub(crate) fn genotype_text(&self) -> Option<String> {
        let trained = || self.started.as_ref()?.genotype.as_ref().map(ToString::to_string);
        let now = || self.snapshots().rev().find_map(|(_, snapshot)| snapshot.genotype.clone());
        self.derived.as_ref().map(|derived| derived.text.clone()).or_else(trained).or_else(now)
    }

    /// What its scores are: the accuracy where the record says nothing else; where the first event is lost, whether an epoch
    /// has other ones.
    pub fn measure(&self) -> Measure {
        match &self.started {
            Some(started) => started.measure.clone().unwrap_or_default(),
            None if self.epochs.iter().any(|end| end.what.train_score.is_some()) => Measure::higher("score"),
            None => Measure::accuracy(),
        }
    }

    /// The score that the run is judged by (the accuracy, 0..1, where there are classes: [`Run::measure`]), and what it was
    /// measured on: the last evaluation, in finals that of the found cell, else the last epoch's validation.
    pub fn score(&self) -> Option<(f64, String)> {
        let found = self.derived.as_ref().map(|derived| derived.text.as_str());
        let of_others = |of: &Evaluation| {
            found.is_some() && of.finalist.as_ref().is_some_and(|round| Some(round.genotype.as_str()) != found)
        };
        if let Some(last) = self.evaluations.iter().rev().find(|of| !of_others(of)) {
            return Some((last.score, last.what.clone()));
        }
        let last = self.epochs.iter().rev().find_map(|end| Some((valid_score(&end.what)?, end.what.epoch)))?;
        let network = if self.is_search() { "supernet, validation half" } else { "network, test part" };
        Some((last.0, format!("{network}, after epoch {}", crate::format::nth(last.1))))
    }

    /// Parameters and multiply-adds of the network that is trained, or that is to be retrained after a search.
    pub fn costs(&self) -> Option<Counts> {
        if let Some(Derived { parameters: Some(parameters), multiply_adds: Some(multiply_adds), .. }) = self.derived {
            return Some(Counts { parameters, multiply_adds });
        }
        if self.is_search() {
            return None;
        }
        let started = self.started.as_ref()?;
        match &started.model {
            Some(info) => Some(info.counts),
            None => costs(&self.genotype()?, started.skeleton.as_ref()?),
        }
    }

    /// The method's name.
    pub fn method(&self) -> &str {
        self.started.as_ref().map_or("unknown", |started| &started.method)
    }

    /// Epochs that were planned.
    pub fn planned(&self) -> Option<u64> {
        self.started.as_ref().map(|started| started.epochs)
    }

    /// The epochs after which something was pruned, in order.
    pub fn pruning_epochs(&self) -> Vec<u64> {
        let mut epochs: Vec<u64> = self.prunings.iter().map(|pruning| pruning.epoch).collect();
        epochs.dedup();
        epochs
    }
}

/// The score of an epoch on its training images.
pub(crate) fn train_score(end: &EpochEnd) -> Option<f64> {
    Some(end.train_score.unwrap_or(end.train_accuracy))
}

/// The score of an epoch on the images that it is validated on.
pub(crate) fn valid_score(end: &EpochEnd) -> Option<f64> {
    end.valid_score.or(end.valid_accuracy)
}

/// An edge as figures name it: `c_{k-2} → 2`, nodes numbered from the first intermediate one as 0.
pub(crate) fn edge_name(cell: &CellSpec, edge: usize) -> String {
    match cell.edges.get(edge) {
        Some(edge) => format!("{} → {}", node_name(edge.from, cell.inputs), node_name(edge.to, cell.inputs)),
        None => format!("edge {edge}"),
    }
}

/// A node as figures name it: `c_{k-2}`, `c_{k-1}`, then 0, 1, ...
pub(crate) fn node_name(node: usize, inputs: usize) -> String {
    if node < inputs { format!("c_{{k-{}}}", inputs - node) } else { (node - inputs).to_string() }
}
