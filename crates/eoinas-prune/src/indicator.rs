//! How important an op is: the trait, and what it is given.

use std::fmt;

use eoinas_core::softmax::beta;
use eoinas_core::{AliveOps, CellKind, EdgeId, EdgeOpTable, Op, SearchSpace};

use crate::{PruningError, Statistics};

/// The alive ops of one edge and what is known about them.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeView<'a> {
    /// Kind of cell.
    pub kind: CellKind,
    /// Edge.
    pub edge: usize,
    /// The alive ops, ascending by index.
    pub ops: Vec<OpView<'a>>,
}

/// One alive op of an edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpView<'a> {
    /// The op.
    pub op: &'a Op,
    /// Its index in the space.
    pub index: usize,
    /// `beta` of Eq. 2 over the alive ops of the edge.
    pub beta: f64,
    /// `C^e`: weight steps in the window whose sampled op this was.
    pub count: u64,
    /// `C^a`: validation accuracy as a fraction; `None` if none was recorded.
    pub accuracy: Option<f64>,
}

/// Says how important an op is. On every edge the alive op with the lowest value is pruned.
///
/// ```
/// use eoinas_prune::{EdgeView, Indicator, OpView};
///
/// /// Validation accuracy alone.
/// #[derive(Debug)]
/// struct Accuracy;
///
/// impl Indicator for Accuracy {
///     fn name(&self) -> String {
///         "accuracy".to_owned()
///     }
///
///     fn value(&self, _edge: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64> {
///         op.accuracy
///     }
/// }
/// ```
pub trait Indicator: fmt::Debug + Send + Sync {
    /// Its name, with every setting that it has: `accuracy`, `smoothed(prior=2)`. A search belongs to it: one that is
    /// resumed with an indicator of another name is refused.
    fn name(&self) -> String;

    /// The importance of `op`, one of the alive ops of `edge`; higher is better. `None`: no evidence, which exempts the
    /// op from pruning. A value that is not finite is refused with [`PruningError::Indicator`].
    fn value(&self, edge: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64>;
}

/// All that a pruning looks at, checked to fit together.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    space: &'a SearchSpace,
    alive: &'a AliveOps,
    statistics: &'a Statistics,
    beta: EdgeOpTable<f64>,
}

impl<'a> Evidence<'a> {
    /// Puts it together.
    ///
    /// # Errors
    /// Something that does not fit `space`, an alpha of an alive op that is not finite.
    pub fn new(
        space: &'a SearchSpace,
        alphas: &EdgeOpTable<f32>,
        alive: &'a AliveOps,
        statistics: &'a Statistics,
    ) -> Result<Self, PruningError> {
        if !statistics.fits(space) {
            return Err(PruningError::Shape { what: "statistics" });
        }
        let beta = checked_beta(space, alphas, alive)?;
        Ok(Self { space, alive, statistics, beta })
    }

    /// The space.
    pub fn space(&self) -> &'a SearchSpace {
        self.space
    }

    /// The alive ops.
    pub fn alive(&self) -> &'a AliveOps {
        self.alive
    }

    /// What was trained and validated.
    pub(crate) fn statistics(&self) -> &'a Statistics {
        self.statistics
    }

    /// `beta` of Eq. 2 over the alive ops of each edge.
    pub fn beta(&self) -> &EdgeOpTable<f64> {
        &self.beta
    }

    /// What an indicator is shown of one edge.
    pub fn edge(&self, id: EdgeId) -> EdgeView<'a> {
        let rows = self.space.ops().iter().zip(self.alive.edge(id)).zip(&self.beta[id]);
        let numbers = self.statistics.counts()[id].iter().zip(&self.statistics.accuracies()[id]);
        let all = rows.zip(numbers).enumerate();
        let ops = all
            .filter(|(_, (((_, alive), _), _))| **alive)
            .map(|(index, (((op, _), beta), (count, accuracy)))| OpView {
                op,
                index,
                beta: *beta,
                count: *count,
                accuracy: *accuracy,
            })
            .collect();
        EdgeView { kind: id.kind, edge: id.edge, ops }
    }

    /// The indicator of every op: `None` for pruned ops and for those without evidence.
    ///
    /// # Errors
    /// An indicator that is infinite or NaN.
    pub fn indicators(&self, indicator: &dyn Indicator) -> Result<EdgeOpTable<Option<f64>>, PruningError> {
        let mut table = EdgeOpTable::filled(self.space, None);
        for id in self.space.edges() {
            for (op, value) in checked_values(indicator, &self.edge(id))? {
                table[id.op(op)] = value;
            }
        }
        Ok(table)
    }

    /// One number for every op: its indicator, or `beta` where there is no evidence (which Eq. 7 never falls below);
    /// 0 for pruned ops. What strengths and derived ops are taken from.
    ///
    /// # Errors
    /// An indicator that is infinite or NaN.
    pub fn scores(&self, indicator: &dyn Indicator) -> Result<EdgeOpTable<f64>, PruningError> {
        let indicators = self.indicators(indicator)?;
        let mut scores = self.beta.clone();
        for kind in self.space.kinds() {
            for (score, value) in scores.matrix_mut(kind).iter_mut().zip(indicators.matrix(kind)) {
                *score = value.unwrap_or(*score);
            }
        }
        Ok(scores)
    }
}

/// `beta`, once alphas and alive ops are known to fit.
pub(crate) fn checked_beta(
    space: &SearchSpace,
    alphas: &EdgeOpTable<f32>,
    alive: &AliveOps,
) -> Result<EdgeOpTable<f64>, PruningError> {
    if !alphas.fits(space) {
        return Err(PruningError::Shape { what: "alphas" });
    }
    if !alive.fits(space) {
        return Err(PruningError::Shape { what: "alive ops" });
    }
    for id in space.edges() {
        let mut values = alphas[id].iter().zip(alive.edge(id)).enumerate();
        if let Some((op, (&value, _))) = values.find(|(_, (alpha, alive))| **alive && !alpha.is_finite()) {
            return Err(PruningError::Alpha { kind: id.kind.0, edge: id.edge, op, value });
        }
    }
    Ok(beta(alphas, alive, space))
}

/// The indicator of each alive op of an edge, by the op's index.
pub(crate) fn checked_values(
    indicator: &dyn Indicator,
    edge: &EdgeView<'_>,
) -> Result<Vec<(usize, Option<f64>)>, PruningError> {
    let value = |op: &OpView<'_>| match indicator.value(edge, op) {
        Some(value) if !value.is_finite() => Err(PruningError::Indicator {
            indicator: format!("{indicator:?}"),
            kind: edge.kind.0,
            edge: edge.edge,
            name: op.op.name().to_owned(),
            value,
        }),
        value => Ok((op.index, value)),
    };
    edge.ops.iter().map(value).collect()
}
