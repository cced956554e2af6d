//! What a search learns about each op of each edge: `C^e`, how often it was trained, and `C^a`, how well it validated.

use eoinas_core::{EdgeGates, EdgeId, EdgeOpTable, Gates, OpId, SearchSpace, event::OpEvidence};
use serde::{Deserialize, Serialize};

use crate::{PruningError, moments::Moments};

/// Over which steps `C^e` counts, and over which means of accuracies are taken.
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
    /// The mean over the count window. Where several paths are validated on each batch it is paired: how far paths with the op
    /// are above the mean of their batch, plus the mean of all batches (so that it may leave 0 to 1 by a little). With one
    /// path a batch that mean is not known, and it is the plain mean, which keeps the difficulty of each batch and the
    /// progress of the training.
    Mean,
}

/// How statistics are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StatisticsConfig {
    /// Over which steps `C^e` counts, and means of accuracies are taken. Default: since the last pruning.
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
/// reset (but for [`AccuracyUpdate::Mean`]), and statistics of pruned ops stay in their place.
///
/// However `C^a` is kept, the mean of each op over the window and its standard error are known beside it
/// ([`Statistics::validated`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Saved")]
pub struct Statistics {
    config: StatisticsConfig,
    counts: EdgeOpTable<u64>,
    accuracies: EdgeOpTable<Option<f64>>,
    /// Of the accuracies of the window.
    moments: EdgeOpTable<Moments>,
}

/// As a checkpoint has it: those of version 0.1.0 have no moments, which begin where it is read.
#[derive(Deserialize)]
struct Saved {
    config: StatisticsConfig,
    counts: EdgeOpTable<u64>,
    accuracies: EdgeOpTable<Option<f64>>,
    moments: Option<EdgeOpTable<Moments>>,
}

impl From<Saved> for Statistics {
    fn from(Saved { config, counts, accuracies, moments }: Saved) -> Self {
        let moments = moments.unwrap_or_else(|| counts.map(|_| Moments::default()));
        Self { config, counts, accuracies, moments }
    }
}

impl Statistics {
    /// Nothing counted, no accuracy known.
    ///
    /// # Errors
    /// A `config` that is not valid.
    pub fn new(space: &SearchSpace, config: StatisticsConfig) -> Result<Self, PruningError> {
        config.validate()?;
        let (counts, accuracies) = (EdgeOpTable::filled(space, 0), EdgeOpTable::filled(space, None));
        Ok(Self { config, counts, accuracies, moments: EdgeOpTable::filled(space, Moments::default()) })
    }

    /// How they are kept.
    pub fn config(&self) -> StatisticsConfig {
        self.config
    }

    /// `C^e`: weight steps in the window whose sampled op this was.
    pub fn counts(&self) -> &EdgeOpTable<u64> {
        &self.counts
    }

    /// `C^a` as a fraction 0..=1; `None` where none was ever recorded, of a mean where none was in the window.
    pub fn accuracies(&self) -> &EdgeOpTable<Option<f64>> {
        &self.accuracies
    }

    /// The mean accuracy of an op over the window with its standard error; `None` for an op that was not validated in it.
    pub fn validated(&self, id: OpId) -> Option<OpEvidence> {
        let moments = self.moments.entry(id).filter(|moments| moments.count > 0)?;
        let mean = self.level(id.edge) + moments.mean;
        Some(OpEvidence { op: id.op, draws: moments.count, mean, error: moments.standard_error() })
    }

    /// How often an op was both trained and validated in the window: the smaller of both numbers.
    pub fn draws(&self, id: OpId) -> u64 {
        let (trained, validated) = (self.counts.entry(id), self.moments.entry(id));
        trained.zip(validated).map_or(0, |(trained, validated)| validated.count.min(*trained))
    }

    /// The mean that the accuracies of an edge's paths are above or below.
    fn level(&self, edge: EdgeId) -> f64 {
        let ops = self.moments.get(edge).unwrap_or_default();
        let (sum, count) =
            ops.iter().fold((0.0, 0), |(sum, count), op| (sum + op.base * op.count as f64, count + op.count));
        if count > 0 { sum / count as f64 } else { 0.0 }
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
        self.record_arch_batch([(gates, accuracy)])
    }

    /// One architecture step of several paths on the same mini-batch, each with its accuracy (a fraction). Their mean is what
    /// the window's means are centred by; a window should have one kind of steps, of one path or of several.
    ///
    /// # Errors
    /// An accuracy outside 0..=1, gates that do not fit the space; nothing is noted then.
    pub fn record_arch_batch<'a>(
        &mut self,
        paths: impl IntoIterator<Item = (&'a Gates, f64)>,
    ) -> Result<(), PruningError> {
        let sampled = |(gates, accuracy)| Ok((self.sampled(gates)?, fraction(accuracy)?));
        let paths: Vec<(Vec<OpId>, f64)> = paths.into_iter().map(sampled).collect::<Result<_, PruningError>>()?;
        let of = paths.len();
        let centre = if of > 1 { paths.iter().map(|(_, accuracy)| accuracy).sum::<f64>() / of as f64 } else { 0.0 };
        for (ops, accuracy) in paths {
            ops.into_iter().for_each(|id| self.note(id, accuracy, centre, of));
        }
        Ok(())
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
        let value = fraction(value)?;
        self.check(id)?;
        self.note(id, value, 0.0, 1);
        Ok(())
    }

    /// The accuracy of one of `of` paths of a batch, whose centre is `centre`, for an op that is there.
    fn note(&mut self, id: OpId, value: f64, centre: f64, of: usize) {
        self.moments[id].add(value - centre, centre, of);
        if self.config.accuracy == AccuracyUpdate::Mean {
            // What all of the edge are above has moved.
            let level = self.level(id.edge);
            for (accuracy, moments) in self.accuracies[id.edge].iter_mut().zip(&self.moments[id.edge]) {
                *accuracy = (moments.count > 0).then_some(level + moments.mean);
            }
            return;
        }
        self.accuracies[id] = Some(match (self.config.accuracy, self.accuracies[id]) {
            (AccuracyUpdate::ExponentialMovingAverage { decay }, Some(old)) => decay * old + (1.0 - decay) * value,
            _ => value,
        });
    }

    /// To be called after each pruning but the last one: begins counts and means anew if the window says so.
    pub fn start_window(&mut self) {
        if self.config.window == CountWindow::SinceLastPrune {
            self.counts = self.counts.map(|_| 0);
            self.moments = self.moments.map(|_| Moments::default());
            if self.config.accuracy == AccuracyUpdate::Mean {
                self.accuracies = self.accuracies.map(|_| None);
            }
        }
    }

    /// The same of one edge.
    pub fn start_window_of(&mut self, edge: EdgeId) {
        if self.config.window == CountWindow::SinceLastPrune && self.counts.get(edge).is_some() {
            self.counts[edge].fill(0);
            self.moments[edge].fill(Moments::default());
            if self.config.accuracy == AccuracyUpdate::Mean {
                self.accuracies[edge].fill(None);
            }
        }
    }

    /// Whether the tables have the shape that `space` asks for.
    pub fn fits(&self, space: &SearchSpace) -> bool {
        self.counts.fits(space) && self.accuracies.fits(space) && self.moments.fits(space)
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

fn fraction(value: f64) -> Result<f64, PruningError> {
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(PruningError::Accuracy { value }) }
}
