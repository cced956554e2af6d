//! DARTS's cell with a limit of skip connections.

use eoinas_core::{CellKind, EdgeOpTable, Genotype, SearchSpace, softmax};
use eoinas_prune::{EdgeStrengths, derive};

use crate::{error::Result, learner::Learner};

/// The cell by `beta`, with at most `limit` skip connections in cells that do not reduce.
pub(super) fn derive_with(learner: &Learner, limit: usize) -> Result<Genotype> {
    let (space, alive) = (learner.space(), learner.alive());
    let mut scores = softmax::beta(&learner.alphas, alive, space);
    let weigh = learner.edge_weights()?;
    loop {
        let strengths = EdgeStrengths::of(space, alive, &scores)?.weighed(space, &weigh);
        let genotype = derive(space, alive, &scores, &strengths)?;
        match weakest_skip_too_many(space, &genotype, &scores, limit) {
            Some((kind, edge, op)) => {
                scores.edge_mut(kind, edge).get_mut(op).into_iter().for_each(|score| *score = 0.0);
            }
            None => return Ok(genotype),
        }
    }
}

/// The skip connection of the lowest score in the first normal cell that has more than `limit`. Those of score 0 were left
/// out before and stand there because their edge has nothing else.
fn weakest_skip_too_many(
    space: &SearchSpace,
    genotype: &Genotype,
    scores: &EdgeOpTable<f64>,
    limit: usize,
) -> Option<(CellKind, usize, usize)> {
    for ((kind, spec), cell) in space.kinds().zip(space.cells()).zip(&genotype.cells).filter(|((_, s), _)| !s.reduction)
    {
        let mut skips = Vec::new();
        for (node, inputs) in spec.intermediate().zip(&cell.nodes) {
            for input in inputs.iter().filter(|input| input.op.is_skip()) {
                let edge = spec.edges.iter().position(|edge| edge.to == node && edge.from == input.from)?;
                let op = space.ops().iter().position(|op| *op == input.op)?;
                skips.push((kind, edge, op, scores.edge(kind, edge).get(op).copied().unwrap_or(0.0)));
            }
        }
        if skips.len() > limit {
            let weakest = skips.into_iter().filter(|skip| skip.3 > 0.0).min_by(|a, b| a.3.total_cmp(&b.3));
            if let Some((kind, edge, op, _)) = weakest {
                return Some((kind, edge, op));
            }
        }
    }
    None
}
