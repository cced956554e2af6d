//! Which op each edge loses at a pruning.

use eoinas_core::{CellKind, EdgeId, OpId, event::PruneEvidence};
use serde::{Deserialize, Serialize};

use crate::indicator::checked_values;
use crate::{EdgeView, Evidence, Indicator, PruningError};

/// Why an op is pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PruneReason {
    /// Its indicator is the lowest of the ops that have evidence.
    LowestIndicator,
    /// No op of the edge has evidence, and its `beta` is the lowest.
    LowestBeta,
    /// Two ops are left, it is the one whose output is zero, and such an op cannot be derived.
    ZeroOp,
    /// The search method chose so.
    Chosen,
}

/// One op that is to be pruned, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PruneDecision {
    /// Kind of cell.
    pub kind: CellKind,
    /// Edge.
    pub edge: usize,
    /// Index of the op.
    pub op: usize,
    /// Why.
    pub reason: PruneReason,
    /// The indicator of every op alive on the edge, by index; `None` without evidence.
    pub indicator: Vec<(usize, Option<f64>)>,
    /// How the ops of the edge were validated in the window; `None` where none was, or where the method chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<PruneEvidence>,
}

impl PruneDecision {
    pub(crate) fn new(id: OpId, reason: PruneReason, indicator: Vec<(usize, Option<f64>)>) -> Self {
        let OpId { edge: EdgeId { kind, edge }, op } = id;
        Self { kind, edge, op, reason, indicator, evidence: None }
    }

    /// The op.
    pub fn id(&self) -> OpId {
        EdgeId { kind: self.kind, edge: self.edge }.op(self.op)
    }
}

/// One pruning: a decision for each edge that has more than one op, in the order of the space. Changes nothing.
///
/// On each edge:
/// 1. If two ops are left and one of them is zero (`none`), that one goes: what is left must be derivable. Not in cells
///    that keep every edge (NAS-Bench-201), where `none` can be derived.
/// 2. Else the op with the lowest indicator goes. Ops without evidence are exempt.
/// 3. If no op has evidence, `beta` alone decides.
///
/// Ties go to the lower `beta`, then to the lower index.
///
/// # Errors
/// An indicator that is infinite or NaN.
pub fn decide(evidence: &Evidence<'_>, indicator: &dyn Indicator) -> Result<Vec<PruneDecision>, PruningError> {
    let mut decisions = Vec::new();
    for id in evidence.space().edges() {
        let view = evidence.edge(id);
        if view.ops.len() > 1 {
            let indicator = checked_values(indicator, &view)?;
            let keeps_all = evidence.space().cell(id.kind).is_none_or(|cell| cell.keep.is_none());
            let chosen = if keeps_all { None } else { last_zero(&view) };
            let chosen = chosen.map(|op| (op, PruneReason::ZeroOp)).or_else(|| lowest(&view, &indicator));
            decisions.extend(chosen.map(|(op, reason)| PruneDecision {
                evidence: validated(evidence, id.op(op), &view, &indicator),
                ..PruneDecision::new(id.op(op), reason, indicator)
            }));
        }
    }
    Ok(decisions)
}

/// What the validation said of the ops of an edge that loses `id`, and which would have gone instead.
fn validated(
    evidence: &Evidence<'_>,
    id: OpId,
    edge: &EdgeView<'_>,
    indicator: &[(usize, Option<f64>)],
) -> Option<PruneEvidence> {
    let others = EdgeView { ops: edge.ops.iter().filter(|op| op.index != id.op).copied().collect(), ..*edge };
    let values: Vec<_> = indicator.iter().filter(|(op, _)| *op != id.op).copied().collect();
    let (next, _) = lowest(&others, &values)?;
    let next_name = others.ops.iter().find(|op| op.index == next)?.op.name().to_owned();
    let of = |op: &crate::OpView<'_>| evidence.statistics().validated(id.edge.op(op.index));
    let ops: Vec<_> = edge.ops.iter().filter_map(of).collect();
    (!ops.is_empty()).then_some(PruneEvidence { next, next_name, ops })
}

/// The zero op of an edge that has only one other op, which is not zero.
fn last_zero(edge: &EdgeView<'_>) -> Option<usize> {
    match edge.ops.as_slice() {
        [a, b] if a.op.is_zero() != b.op.is_zero() => Some(if a.op.is_zero() { a.index } else { b.index }),
        _ => None,
    }
}

fn lowest(edge: &EdgeView<'_>, indicator: &[(usize, Option<f64>)]) -> Option<(usize, PruneReason)> {
    let mut by_indicator: Option<(f64, f64, usize)> = None;
    let mut by_beta: Option<(f64, usize)> = None;
    for (op, (index, value)) in edge.ops.iter().zip(indicator) {
        // Indices ascend and a tie keeps what was found first: the lower index.
        if let Some(value) = *value
            && by_indicator.is_none_or(|(lowest, beta, _)| (value, op.beta) < (lowest, beta))
        {
            by_indicator = Some((value, op.beta, *index));
        }
        if by_beta.is_none_or(|(lowest, _)| op.beta < lowest) {
            by_beta = Some((op.beta, *index));
        }
    }
    by_indicator
        .map(|(_, _, op)| (op, PruneReason::LowestIndicator))
        .or(by_beta.map(|(_, op)| (op, PruneReason::LowestBeta)))
}
