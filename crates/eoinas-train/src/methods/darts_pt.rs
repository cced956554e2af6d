//! DARTS-PT.

use std::cmp::Ordering;

use eoinas_core::{
    CellKind, EdgeId, EdgeMap, Gate, Gates, Genotype, OpId, SearchSpace, SeedStream, Setting, skeleton::Form, softmax,
};
use eoinas_gumbel::{EdgeMode, Softmax};
use eoinas_prune::{PruneDecision, derive};
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};

use super::{Darts, by_beta, identity};
use crate::{
    blocks::Alternating,
    config::{ArchConfig, SearchConfig, SkipDropout},
    error::Result,
    halt::Flow,
    learner::{Learner, LearnerSettings},
    method::{Identity, SearchMethod, Step, StepReport},
    plan::{EpochPlan, Timetable},
    search::SearchContext,
};

/// DARTS-PT (Wang et al., ICLR 2021), selection by perturbation: the supernet of first-order DARTS is trained first; then its
/// edges are decided in random order, spread over the epochs that are left, so that it is trained in between: each op is taken
/// out in turn, the others keep their weights, and the edge keeps the op whose loss costs the most validation accuracy. At the
/// end the nodes, in random order, let the edge go that costs the least until as many are left as a cell keeps.
///
/// Every evaluation reads the whole validation half. Differs from its authors' code: one learning rate schedule over all (they
/// begin a new one, at a tenth of the rate, with the first decision), and equal accuracies are told apart by the loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DartsPt {
    /// Share of the epochs before the first decision, at least 0 and below 1. Default: 1/4; 3/4 in NAS-Bench-201, whose cells
    /// have few edges (its authors: 50 of 221 epochs, and 100 of 131).
    pub pretrain: f64,
    /// Whether the architecture parameters are trained; if not, all ops keep equal weights (its authors' "fixed alpha").
    /// Default: true.
    pub train_alphas: bool,
    /// Update of the architecture parameters. Default: that of [`Darts`].
    pub arch: ArchConfig,
    /// Partial channels ([`super::PcDarts`]): the ops of an edge read 1/K of its channels. Default: none.
    pub partial_channels: Option<usize>,
    /// Dropout on the skip connections of stride 1. Default: none.
    pub skip_dropout: Option<SkipDropout>,
}

impl Default for DartsPt {
    fn default() -> Self {
        let arch = Darts::default().arch;
        Self { pretrain: 0.25, train_alphas: true, arch, partial_channels: None, skip_dropout: None }
    }
}

/// How much is missed without something: the loss tells equal accuracies apart.
type Missed = (f64, f64);

fn missed(context: &SearchContext<'_>, without: impl Fn(OpId) -> bool) -> Result<Missed> {
    let (learner, space) = (&*context.learner, context.learner.space());
    let beta = softmax::beta(&learner.alphas, learner.alive(), space);
    let gates = Gates::from_fn(space, |id| {
        let ops = learner.alive().ops(id).filter(|op| !without(id.op(*op)));
        ops.map(|op| Gate { op, value: beta[id.op(op)] as f32 }).collect()
    });
    let tally = context.evaluate(&gates, ..)?;
    let merit = learner.supernet.task().measure().merit(tally.score().unwrap_or(0.0));
    Ok((-merit, tally.mean_loss().unwrap_or(0.0)))
}

fn order(a: Missed, b: Missed) -> Ordering {
    a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
}

impl DartsPt {
    pub(crate) fn prescribed(self, form: Form) -> Self {
        let pretrain = if form == Form::NasBench201 { 0.75 } else { 0.25 };
        Self { pretrain, arch: ArchConfig { init_std: Darts::default().arch.init_std, ..self.arch }, ..self }
    }

    fn darts(&self) -> Darts {
        let Self { arch, partial_channels, skip_dropout, .. } = self.clone();
        let arch = if self.train_alphas { arch } else { ArchConfig { init_std: 0.0, ..arch } };
        Darts { arch, partial_channels, edges: EdgeMode::Equal, skip_dropout, ..Darts::default() }
    }

    /// Everything in an order that the seed decides.
    fn shuffled<T>(context: &SearchContext<'_>, items: impl Iterator<Item = T>) -> Vec<T> {
        let mut items: Vec<T> = items.collect();
        items.shuffle(&mut context.streams().rng(SeedStream::Named("darts-pt"), 0, 0));
        items
    }

    /// The op that an edge keeps: none that is zero where such an op cannot be derived.
    fn best_op(context: &SearchContext<'_>, id: EdgeId) -> Result<Option<OpId>> {
        let (learner, space) = (&*context.learner, context.learner.space());
        let keeps_all = space.cell(id.kind).is_none_or(|cell| cell.keep.is_none());
        let is_zero = |op: usize| space.ops().get(op).is_some_and(|op| op.is_zero());
        let mut best: Option<(Missed, OpId)> = None;
        for op in learner.alive().ops(id).filter(|op| keeps_all || !is_zero(*op)) {
            let missed = missed(context, |other| other == id.op(op))?;
            if best.is_none_or(|(most, _)| order(missed, most) == Ordering::Greater) {
                best = Some((missed, id.op(op)));
            }
        }
        Ok(best.map(|(_, op)| op))
    }

    /// The edges that enter `node`, the one that is missed least first; `out` are those that are gone already, and what the
    /// node lets go joins them.
    fn rank(
        context: &SearchContext<'_>,
        (kind, node): (CellKind, usize),
        out: &mut Vec<EdgeId>,
    ) -> Result<Vec<EdgeId>> {
        let Some(cell) = context.learner.space().cell(kind) else { return Ok(Vec::new()) };
        let mut left: Vec<EdgeId> = cell.edges_into(node).map(|edge| EdgeId { kind, edge }).collect();
        let (keep, mut ranked) = (cell.keep.unwrap_or(left.len()), Vec::new());
        while left.len() > keep {
            let mut least: Option<(Missed, usize)> = None;
            for (at, id) in left.iter().enumerate() {
                let missed = missed(context, |op| op.edge == *id || out.contains(&op.edge))?;
                if least.is_none_or(|(least, _)| order(missed, least) == Ordering::Less) {
                    least = Some((missed, at));
                }
            }
            let Some((_, at)) = least else { break };
            let id = left.remove(at);
            out.push(id);
            ranked.push(id);
        }
        ranked.extend(left);
        Ok(ranked)
    }
}

impl SearchMethod for DartsPt {
    fn identity(&self) -> Identity {
        identity("darts-pt", self)
    }

    fn validate(&self, run: &SearchConfig, space: &SearchSpace) -> Result<(), Setting> {
        let expected = "at least 0 and below 1, a share of the epochs";
        Setting::check((0.0..1.0).contains(&self.pretrain), "pretrain", self.pretrain, expected)?;
        self.darts().validate(run, space)
    }

    fn reads_validation(&self) -> bool {
        self.train_alphas
    }

    fn learner(&self) -> LearnerSettings {
        self.darts().learner()
    }

    fn timetable(&self, run: &SearchConfig, _: &SearchSpace) -> Timetable {
        Timetable::new(run.epochs).skip_dropout(self.skip_dropout)
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        Alternating::new(&Softmax).step(context.learner, step)
    }

    fn epoch_end(&mut self, context: &mut SearchContext<'_>, _: &EpochPlan) -> Flow<Vec<PruneDecision>> {
        let edges = Self::shuffled(context, context.learner.space().edges());
        let before = (self.pretrain * context.epochs() as f64) as usize;
        let done = (context.epoch() + 1).saturating_sub(before);
        let due = edges.len().saturating_mul(done) / context.epochs().saturating_sub(before).max(1);
        let mut pruned = Vec::new();
        for id in edges.into_iter().take(due) {
            if context.learner.alive().count(id) > 1
                && let Some(best) = Self::best_op(context, id)?
            {
                pruned.extend(context.learner.keep_only(best)?);
            }
        }
        Ok(pruned)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        by_beta(learner)
    }

    fn finish(&mut self, context: &mut SearchContext<'_>) -> Flow<Genotype> {
        let space = context.learner.space().clone();
        let nodes =
            space.kinds().zip(space.cells()).flat_map(|(kind, cell)| cell.intermediate().map(move |node| (kind, node)));
        let (mut strengths, mut out) = (EdgeMap::filled(&space, None), Vec::new());
        for node in Self::shuffled(context, nodes) {
            for (rank, id) in Self::rank(context, node, &mut out)?.into_iter().enumerate() {
                strengths[id] = Some(rank as f64);
            }
        }
        let scores = softmax::beta(&context.learner.alphas, context.learner.alive(), &space);
        Ok(derive(&space, context.learner.alive(), &scores, &strengths)?)
    }
}
