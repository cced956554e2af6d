//! DARTS-PT (Wang et al., ICLR 2021): the cell of DARTS's supernet by what its accuracy loses without an op.

use eoinas_core::{EdgeId, EdgeMap, Gate, Gates, Genotype, OpId, SeedStream, softmax};
use eoinas_gumbel::Softmax;
use eoinas_prune::{Beta, PruneDecision, derive};
use eoinas_train::{
    EpochPlan, Flow, Identity, Learner, LearnerSettings, Result, SearchContext, SearchMethod, Step, StepReport,
    blocks::Alternating,
    config::ArchConfig,
};
use rand::Rng;
use serde_json::json;

/// After the first epochs, which are DARTS's, edges are decided in random order between the others, so that the supernet is
/// trained a little in between: each op is taken out in turn, and the edge keeps the one that the validation accuracy
/// misses most. At the end a node keeps the edges that it misses most, node by node.
#[derive(Clone, Debug)]
pub struct DartsPt {
    /// Epochs before the first decision.
    pub pretrain: usize,
}

/// How much is missed without some ops: the loss tells equal accuracies apart.
type Missed = (f64, f64);

fn missed(context: &SearchContext<'_>, without: impl Fn(OpId) -> bool) -> Result<Missed> {
    let (learner, space) = (&*context.learner, context.learner.space());
    let beta = softmax::beta(&learner.alphas, learner.alive(), space);
    let gates = Gates::from_fn(space, |id| {
        let ops = learner.alive().ops(id).filter(|op| !without(id.op(*op)));
        ops.map(|op| Gate { op, value: beta[id.op(op)] as f32 }).collect()
    });
    let tally = context.evaluate(&gates, ..)?;
    Ok((-tally.score().unwrap_or(0.0), tally.mean_loss().unwrap_or(0.0)))
}

/// The op that an edge keeps: none that is zero where such an op cannot be derived.
fn best_op(context: &SearchContext<'_>, id: EdgeId) -> Result<OpId> {
    let space = context.learner.space();
    let may = |op: &usize| space.cells()[id.kind.0].keep.is_none() || !space.ops()[*op].is_zero();
    let mut best = ((f64::NEG_INFINITY, f64::NEG_INFINITY), id.op(0));
    for op in context.learner.alive().ops(id).filter(may) {
        let missed = missed(context, |other| other == id.op(op))?;
        if missed > best.0 {
            best = (missed, id.op(op));
        }
    }
    Ok(best.1)
}

/// Everything in an order that the seed decides.
fn shuffled<T>(context: &SearchContext<'_>, items: impl Iterator<Item = T>) -> Vec<T> {
    let mut rng = context.streams().rng(SeedStream::Named("darts-pt"), 0, 0);
    let mut keyed: Vec<(u64, T)> = items.map(|item| (rng.next_u64(), item)).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, item)| item).collect()
}

impl SearchMethod for DartsPt {
    fn identity(&self) -> Identity {
        Identity::new("darts-pt", json!({ "pretrain": self.pretrain }))
    }

    fn learner(&self) -> LearnerSettings {
        LearnerSettings { arch: ArchConfig { init_std: 1e-3, ..ArchConfig::default() }, ..LearnerSettings::default() }
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        Alternating::new(&Softmax).step(context.learner, step)
    }

    fn epoch_end(&mut self, context: &mut SearchContext<'_>, _: &EpochPlan) -> Flow<Vec<PruneDecision>> {
        let order = shuffled(context, context.learner.space().edges());
        let done = (context.epoch() + 1).saturating_sub(self.pretrain);
        let due = order.len() * done / context.epochs().saturating_sub(self.pretrain).max(1);
        let mut pruned = Vec::new();
        for id in order.into_iter().take(due) {
            if context.learner.alive().count(id) > 1 {
                let best = best_op(context, id)?;
                pruned.extend(context.learner.keep_only(best)?);
            }
        }
        Ok(pruned)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        learner.derive(&Beta {})
    }

    fn finish(&mut self, context: &mut SearchContext<'_>) -> Flow<Genotype> {
        let space = context.learner.space().clone();
        let nodes =
            space.kinds().zip(space.cells()).flat_map(|(kind, cell)| cell.intermediate().map(move |node| (kind, node)));
        let (mut strengths, mut out) = (EdgeMap::filled(&space, None), Vec::new());
        for (kind, node) in shuffled(context, nodes) {
            let edges: Vec<EdgeId> =
                space.cells()[kind.0].edges_into(node).map(|edge| EdgeId::new(kind, edge)).collect();
            let mut ranks = Vec::new();
            for &id in &edges {
                ranks.push((missed(context, |op| op.edge == id || out.contains(&op.edge))?, id));
            }
            ranks.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(std::cmp::Ordering::Equal));
            let keep = space.cells()[kind.0].keep.unwrap_or(edges.len());
            out.extend(ranks.iter().skip(keep).map(|(_, id)| *id));
            for (rank, (_, id)) in ranks.into_iter().enumerate() {
                strengths[id] = Some(-(rank as f64));
            }
        }
        let scores = softmax::beta(&context.learner.alphas, context.learner.alive(), &space);
        Ok(derive(&space, context.learner.alive(), &scores, &strengths)?)
    }
}
