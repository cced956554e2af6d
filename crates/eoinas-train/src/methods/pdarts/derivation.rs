//! DARTS's cell with a limit of skip connections.

use eoinas_core::{EdgeId, EdgeOpTable, Genotype, OpId, SearchSpace, softmax};
use eoinas_prune::{derive, edge_strengths};

use crate::{error::Result, learner::Learner};

/// The cell by `beta`, with at most `limit` skip connections in cells that do not reduce.
pub(super) fn derive_with(learner: &Learner, limit: usize) -> Result<Genotype> {
    let (space, alive) = (learner.space(), learner.alive());
    let mut scores = softmax::beta(&learner.alphas, alive, space);
    let weigh = learner.edge_weights()?;
    loop {
        let mut strengths = edge_strengths(space, alive, &scores)?;
        strengths.iter_mut().for_each(|(id, strength)| *strength = strength.map(|strength| weigh(id, strength)));
        let genotype = derive(space, alive, &scores, &strengths)?;
        match weakest_skip_too_many(space, &genotype, &scores, limit) {
            Some(skip) => scores[skip] = 0.0,
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
) -> Option<OpId> {
    for ((kind, spec), cell) in space.kinds().zip(space.cells()).zip(&genotype.cells).filter(|((_, s), _)| !s.reduction)
    {
        let mut skips = Vec::new();
        for (node, inputs) in spec.intermediate().zip(&cell.nodes) {
            for input in inputs.iter().filter(|input| input.op.is_skip()) {
                let edge = spec.edges.iter().position(|edge| edge.to == node && edge.from == input.from)?;
                let op = space.ops().iter().position(|op| *op == input.op)?;
                let id = EdgeId::new(kind, edge).op(op);
                skips.push((id, scores[id]));
            }
        }
        if skips.len() > limit {
            let weakest = skips.into_iter().filter(|skip| skip.1 > 0.0).min_by(|a, b| a.1.total_cmp(&b.1));
            if let Some((id, _)) = weakest {
                return Some(id);
            }
        }
    }
    None
}
