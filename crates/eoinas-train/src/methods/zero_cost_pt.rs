//! Zero-Cost-PT.

use eoinas_core::{EdgeOpTable, Genotype, SearchSpace, Setting};
use eoinas_nn::{PassOptions, Wanted};
use serde::{Deserialize, Serialize};

use super::{by_beta, identity};
use crate::{
    blocks,
    config::SearchConfig,
    error::Result,
    halt::Flow,
    learner::Learner,
    method::{Identity, SearchMethod, Step, StepReport},
    plan::Timetable,
    probes::{ByTable, Measurements, Probe, Ties, mixture},
    search::SearchContext,
    tally::Tally,
};

/// Zero-Cost-PT (Xiang et al., AAAI 2023), all edges at once: nothing is trained. Each epoch draws fresh weights and probes
/// every op once, on one batch of the training half; the cell is that of the largest mean importance, differences
/// within one standard error decided by costs.
///
/// An epoch is one initialisation. Theirs decides edge after edge in random order, with one initialisation; BatchNorm has the
/// batch's statistics here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ZeroCostPt {
    /// What is measured of each op. Default: what the patterns of ReLUs lose without it.
    pub probe: Probe,
    /// What decides between ops that are not told apart. Default: more multiply-adds.
    pub ties: Ties,
    /// What was measured so far.
    #[serde(skip)]
    measurements: Measurements,
}

impl ZeroCostPt {
    /// Initialisations that are averaged over where nothing else is asked for.
    pub const INITIALISATIONS: usize = 8;

    /// By another probe.
    #[must_use]
    pub fn by(self, probe: Probe) -> Self {
        Self { probe, ..self }
    }

    /// With something else that decides between ops that are not told apart.
    #[must_use]
    pub fn with_ties(self, ties: Ties) -> Self {
        Self { ties, ..self }
    }

    fn scores(&self, learner: &Learner) -> EdgeOpTable<Option<f64>> {
        self.measurements.scores(learner.space(), learner.supernet.skeleton(), self.ties)
    }
}

impl SearchMethod for ZeroCostPt {
    fn identity(&self) -> Identity {
        identity("zero-cost-pt", self)
    }

    fn reads_validation(&self) -> bool {
        false
    }

    fn trains(&self) -> bool {
        false
    }

    fn validate(&self, _: &SearchConfig, _: &SearchSpace) -> Result<(), Setting> {
        Ok(())
    }

    fn timetable(&self, run: &SearchConfig, _: &SearchSpace) -> Timetable {
        Timetable::new(run.epochs).steps(1)
    }

    fn least_epochs(&self) -> usize {
        Self::INITIALISATIONS
    }

    /// Sixteen: the standard error falls with the root of the initialisations.
    fn most_epochs(&self) -> Option<usize> {
        Some(2 * Self::INITIALISATIONS)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        context.learner.reinitialise(step.epoch as u64)?;
        let mut rng = context.rng("probe", 0);
        let supernet = &context.learner.supernet;
        self.measurements.add(&self.probe.importance(supernet, &step.train, &mut rng)?);
        // What the untrained mixture says, for the record.
        let output = supernet.pass(&step.train, &mixture(supernet, None), Wanted::NOTHING, &PassOptions::default())?;
        Ok(StepReport { train: Tally::from(&output), valid: None })
    }

    fn indicators(&self, learner: &Learner) -> Result<Option<EdgeOpTable<Option<f64>>>> {
        Ok((!self.measurements.is_empty()).then(|| self.scores(learner)))
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        if self.measurements.is_empty() {
            return by_beta(learner);
        }
        learner.derive(&ByTable(self.scores(learner)))
    }

    fn save(&self) -> Flow<serde_json::Value> {
        blocks::saved(&self.measurements)
    }

    fn load(&mut self, state: serde_json::Value) -> Result<(), String> {
        self.measurements = serde_json::from_value(state).map_err(|error| error.to_string())?;
        Ok(())
    }
}
