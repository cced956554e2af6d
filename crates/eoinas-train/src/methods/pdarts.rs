//! P-DARTS.

use eoinas_core::{CellKind, EdgeOpTable, Genotype, SearchSpace, softmax};
use eoinas_gumbel::Softmax;
use eoinas_prune::{Beta, EdgeStrengths, PruneDecision, derive};

use crate::{
    blocks::Alternating,
    error::Result,
    halt::Flow,
    learner::Learner,
    method::{Identity, SearchMethod, Step, StepReport},
    plan::EpochPlan,
    search::SearchContext,
};

/// P-DARTS (Chen, Xie, Wu and Tian, 2019): first-order DARTS in stages. Between two stages every edge keeps its ops of the
/// largest `beta` alone and the network is built anew with more cells, fresh weights and architecture parameters (search
/// space approximation, Section 3.2); each stage begins with weights alone, and dropout on skip connections begins higher
/// in later stages and decays within each (Section 3.3). The stages are [`crate::config::SearchConfig::deepen`].
///
/// The cell is that of DARTS with at most so many skip connections in cells that do not reduce: while there are more, the
/// one with the lowest `beta` is left out and the cell derived again (Section 3.3).
#[derive(Debug)]
pub struct PDarts {
    skip_limit: usize,
}

impl PDarts {
    /// With at most so many skip connections in a normal cell; the paper's limit is 2.
    pub fn new(skip_limit: usize) -> Self {
        Self { skip_limit }
    }
}

impl SearchMethod for PDarts {
    fn identity(&self) -> Identity {
        Identity::new("pdarts", serde_json::Value::Null)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        Alternating::new(&Softmax).step(context.learner, step)
    }

    fn epoch_end(&mut self, context: &mut SearchContext<'_>, plan: &EpochPlan) -> Flow<Vec<PruneDecision>> {
        let Some(next) = plan.deepen else { return Ok(Vec::new()) };
        let learner = &mut *context.learner;
        let times = learner.alive().max_count(learner.space()).saturating_sub(next.ops);
        let pruned = learner.prune(&Beta {}, times)?;
        learner.rebuild(next.cells)?;
        Ok(pruned)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        let (space, alive) = (learner.space(), learner.alive());
        let mut scores = softmax::beta(&learner.alphas, alive, space);
        let weigh = learner.edge_weights()?;
        loop {
            let strengths = EdgeStrengths::of(space, alive, &scores)?.weighed(space, &weigh);
            let genotype = derive(space, alive, &scores, &strengths)?;
            match weakest_skip_too_many(space, &genotype, &scores, self.skip_limit) {
                Some((kind, edge, op)) => {
                    scores.edge_mut(kind, edge).get_mut(op).into_iter().for_each(|score| *score = 0.0);
                }
                None => return Ok(genotype),
            }
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
