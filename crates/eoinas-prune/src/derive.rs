//! From scores to a cell.

use eoinas_core::{
    AliveOps, CellGenotype, CellKind, CellSpec, EdgeId, EdgeMap, EdgeOpTable, Genotype, GenotypeEdge, SearchSpace,
};

use crate::PruningError;
use crate::indicator::checked_beta;

/// How strong each edge is: the largest score of its alive ops. `none` does not count where it cannot be derived; `None`:
/// nothing on the edge can be.
///
/// # Errors
/// Scores or alive ops that do not fit `space`.
pub fn edge_strengths(
    space: &SearchSpace,
    alive: &AliveOps,
    scores: &EdgeOpTable<f64>,
) -> Result<EdgeMap<Option<f64>>, PruningError> {
    check(space, alive, scores)?;
    let best = |id: EdgeId| space.cell(id.kind).and_then(|cell| best_op(space, cell, alive, scores, id));
    Ok(EdgeMap::from_fn(space, |id| best(id).map(|(_, score)| score)))
}

/// The cell of each kind: every node keeps its strongest predecessors, all of them distinct, and on each edge the alive
/// op with the largest score.
///
/// How many predecessors is the cell's `keep`: two in the paper. There, ops whose output is zero (`none`) are never
/// derived. A cell that keeps every edge (NAS-Bench-201) derives the best of all its alive ops, `none` included.
/// A node with fewer predecessors than `keep` keeps those it has. Ties go to the lower index. Inputs of a node are
/// listed by predecessor.
///
/// # Errors
/// Something that does not fit `space`, a node that has nothing but zero ops before it.
pub fn derive(
    space: &SearchSpace,
    alive: &AliveOps,
    scores: &EdgeOpTable<f64>,
    strengths: &EdgeMap<Option<f64>>,
) -> Result<Genotype, PruningError> {
    check(space, alive, scores)?;
    if !strengths.fits(space) {
        return Err(PruningError::Shape { what: "edge strengths" });
    }
    let cells = space.kinds().zip(space.cells());
    let cells = cells.map(|(kind, cell)| derive_cell(space, cell, kind, alive, scores, strengths));
    Ok(Genotype { cells: cells.collect::<Result<_, _>>()? })
}

/// The cells that `beta` alone gives (DARTS, GDAS): strengths and ops both by the softmax of the alphas.
///
/// # Errors
/// Something that does not fit `space`, an alpha that is not finite, a node with nothing but zero ops before it.
pub fn derive_from_beta(
    space: &SearchSpace,
    alphas: &EdgeOpTable<f32>,
    alive: &AliveOps,
) -> Result<Genotype, PruningError> {
    let beta = checked_beta(space, alphas, alive)?;
    derive(space, alive, &beta, &edge_strengths(space, alive, &beta)?)
}

fn derive_cell(
    space: &SearchSpace,
    cell: &CellSpec,
    kind: CellKind,
    alive: &AliveOps,
    scores: &EdgeOpTable<f64>,
    strengths: &EdgeMap<Option<f64>>,
) -> Result<CellGenotype, PruningError> {
    let input = |edge: usize| {
        let id = EdgeId { kind, edge };
        let (op, score) = best_op(space, cell, alive, scores, id)?;
        let derived = GenotypeEdge { op: space.ops().get(op)?.clone(), from: cell.edges.get(edge)?.from };
        Some((strengths[id].unwrap_or(score), derived))
    };
    let node = |node: usize| {
        let mut inputs: Vec<(f64, GenotypeEdge)> = cell.edges_into(node).filter_map(input).collect();
        // Stable, so that of two equally strong edges the first one stays in front.
        inputs.sort_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut kept: Vec<GenotypeEdge> = Vec::new();
        for (_, input) in inputs {
            if kept.len() < cell.keep.unwrap_or(usize::MAX) && kept.iter().all(|other| other.from != input.from) {
                kept.push(input);
            }
        }
        kept.sort_by_key(|input| input.from);
        if kept.is_empty() { Err(PruningError::NothingToDerive { cell: cell.name.clone(), node }) } else { Ok(kept) }
    };
    Ok(cell.found(cell.intermediate().map(node).collect::<Result<_, _>>()?))
}

/// The alive op of an edge with the largest score (the first one of several) that may be derived, and its score.
fn best_op(
    space: &SearchSpace,
    cell: &CellSpec,
    alive: &AliveOps,
    scores: &EdgeOpTable<f64>,
    id: EdgeId,
) -> Option<(usize, f64)> {
    let derivable = |op: &usize| cell.keep.is_none() || space.ops().get(*op).is_some_and(|op| !op.is_zero());
    let candidates = alive.ops(id).filter(derivable).map(|op| (op, scores[id.op(op)]));
    candidates.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

fn check(space: &SearchSpace, alive: &AliveOps, scores: &EdgeOpTable<f64>) -> Result<(), PruningError> {
    if !alive.fits(space) {
        return Err(PruningError::Shape { what: "alive ops" });
    }
    if !scores.fits(space) {
        return Err(PruningError::Shape { what: "scores" });
    }
    Ok(())
}
