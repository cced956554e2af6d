//! What a search learns about each op of each edge: `C^e`, how often it was trained, and `C^a`, how well it validated.

use eoinas_core::{EdgeGates, EdgeOpTable, Gates, OpId, SearchSpace};
use serde::{Deserialize, Serialize};

use crate::PruningError;

/// Over which steps `C^e` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CountWindow {
    /// All counts start from 0 after a pruning (the paper's authors; the default).
    #[default]
    SinceLastPrune,
    /// Counts go on over the whole search.
    WholeSearch,
}

/// How a new accuracy changes `C^a`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccuracyUpdate {
    /// It replaces the old one (the paper's authors; the default).
    #[default]
    LastValue,
    /// `decay * old + (1 - decay) * new`; the first one is taken as it is.
    ExponentialMovingAverage {
        /// Weight of the old value, at least 0 and less than 1.
        decay: f64,
    },
}

/// How statistics are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatisticsConfig {
    /// Over which steps `C^e` counts. Default: since the last pruning.
    pub window: CountWindow,
    /// How a new accuracy changes `C^a`. Default: it replaces the old one.
    pub accuracy: AccuracyUpdate,
}

impl StatisticsConfig {
    /// Checks every field.
    ///
    /// # Errors
    /// A decay outside 0..1.
    pub fn validate(&self) -> Result<(), PruningError> {
        match self.accuracy {
            AccuracyUpdate::ExponentialMovingAverage { decay } if !(0.0..1.0).contains(&decay) => {
                Err(PruningError::Config {
                    field: "accuracy.decay",
                    got: decay,
                    expected: "at least 0 and less than 1",
                })
            }
            _ => Ok(()),
        }
    }
}

/// `C^e` and `C^a` of every op of every edge.
///
/// The search records into it after its warm-up: each weight step counts the op that every edge sampled, each
/// architecture step notes its mini-batch's accuracy for the op that every edge sampled. Accuracies stay when counts are
/// reset, and statistics of pruned ops stay in their place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    config: StatisticsConfig,
    counts: EdgeOpTable<u64>,
    accuracies: EdgeOpTable<Option<f64>>,
}

impl Statistics {
    /// Nothing counted, no accuracy known.
    ///
    /// # Errors
    /// A `config` that is not valid.
    pub fn new(space: &SearchSpace, config: StatisticsConfig) -> Result<Self, PruningError> {
        config.validate()?;
        let (counts, accuracies) = (EdgeOpTable::filled(space, 0), EdgeOpTable::filled(space, None));
        Ok(Self { config, counts, accuracies })
    }

    /// How they are kept.
    pub fn config(&self) -> StatisticsConfig {
        self.config
    }

    /// `C^e`: weight steps in the window whose sampled op this was.
    pub fn counts(&self) -> &EdgeOpTable<u64> {
        &self.counts
    }

    /// `C^a` as a fraction 0..=1; `None` where none was ever recorded.
    pub fn accuracies(&self) -> &EdgeOpTable<Option<f64>> {
        &self.accuracies
    }

    /// One weight step: counts the sampled op of every edge, which is the op with the largest gate (the first one of
    /// several). An edge without gates ran nothing and counts nothing.
    ///
    /// # Errors
    /// Gates that do not fit the space; nothing is counted then.
    pub fn record_weight_step(&mut self, gates: &Gates) -> Result<(), PruningError> {
        self.sampled(gates)?.into_iter().try_for_each(|id| self.count(id))
    }

    /// One architecture step: notes the accuracy (a fraction) of its mini-batch for the sampled op of every edge.
    ///
    /// # Errors
    /// An accuracy outside 0..=1, gates that do not fit the space; nothing is noted then.
    pub fn record_arch_step(&mut self, gates: &Gates, accuracy: f64) -> Result<(), PruningError> {
        self.sampled(gates)?.into_iter().try_for_each(|id| self.note_accuracy(id, accuracy))
    }

    /// Counts one weight step for one op.
    ///
    /// # Errors
    /// No such op.
    pub fn count(&mut self, id: OpId) -> Result<(), PruningError> {
        self.check(id)?;
        self.counts[id] = self.counts[id].saturating_add(1);
        Ok(())
    }

    /// Notes an accuracy (a fraction) for one op.
    ///
    /// # Errors
    /// No such op, an accuracy outside 0..=1.
    pub fn note_accuracy(&mut self, id: OpId, value: f64) -> Result<(), PruningError> {
        if !(0.0..=1.0).contains(&value) {
            return Err(PruningError::Accuracy { value });
        }
        self.check(id)?;
        self.accuracies[id] = Some(match (self.config.accuracy, self.accuracies[id]) {
            (AccuracyUpdate::ExponentialMovingAverage { decay }, Some(old)) => decay * old + (1.0 - decay) * value,
            _ => value,
        });
        Ok(())
    }

    /// To be called after each pruning but the last one: sets the counts to 0 if the window says so.
    pub fn start_window(&mut self) {
        if self.config.window == CountWindow::SinceLastPrune {
            self.counts = self.counts.map(|_| 0);
        }
    }

    /// Whether the tables have the shape that `space` asks for.
    pub fn fits(&self, space: &SearchSpace) -> bool {
        self.counts.fits(space) && self.accuracies.fits(space)
    }

    /// The sampled op of every edge, once all of `gates` is known to fit.
    fn sampled(&self, gates: &Gates) -> Result<Vec<OpId>, PruningError> {
        if !self.counts.has_edges_of(gates) {
            return Err(PruningError::Shape { what: "gates" });
        }
        let strongest = |gates: &EdgeGates| {
            gates.iter().reduce(|best, gate| if gate.value > best.value { gate } else { best }).map(|gate| gate.op)
        };
        let sampled = gates.iter().filter_map(|(id, gates)| strongest(gates).map(|op| id.op(op)));
        sampled.map(|id| self.check(id).map(|()| id)).collect()
    }

    fn check(&self, id: OpId) -> Result<(), PruningError> {
        let known = self.counts.get(id.edge).is_some_and(|ops| id.op < ops.len());
        let OpId { edge, op } = id;
        if known { Ok(()) } else { Err(PruningError::OutOfRange { kind: edge.kind.0, edge: edge.edge, op }) }
    }
}
