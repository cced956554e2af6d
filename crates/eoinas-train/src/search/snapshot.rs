//! What the record says of a search at the end of an epoch.

use eoinas_core::{
    Event,
    event::{EpochEnd, SearchSnapshot},
    softmax,
};
use eoinas_gumbel::{EdgeMode, edge_probabilities};
use eoinas_prune::PruneDecision;

use crate::{error::Result, learner::Learner, method::SearchMethod, plan::EpochPlan, run::State};

/// The end of an epoch, before its prunings.
pub(super) fn epoch_end(
    state: &State,
    plan: &EpochPlan,
    learner: &Learner,
    method: &dyn SearchMethod,
) -> Result<EpochEnd> {
    let [train, valid] =
        [&state.train, &state.valid].map(|tally| tally.clone().scored(learner.supernet.task().as_ref()));
    Ok(EpochEnd {
        epoch: state.epoch as u64,
        steps: state.total_steps,
        train_loss: train.mean_loss().unwrap_or(f64::NAN),
        train_accuracy: train.accuracy().unwrap_or(0.0),
        train_score: train.other_score(),
        valid_loss: valid.mean_loss(),
        valid_accuracy: valid.accuracy(),
        valid_score: valid.other_score(),
        learning_rate: plan.learning_rate,
        search: Some(snapshot(plan, learner, method)?),
        ..EpochEnd::default()
    })
}

fn snapshot(plan: &EpochPlan, learner: &Learner, method: &dyn SearchMethod) -> Result<SearchSnapshot> {
    let (space, alive, statistics) = (learner.space(), learner.alive(), learner.prune.statistics());
    let beta = softmax::beta(&learner.alphas, alive, space);
    let entropy = space.kinds().zip(space.cells()).map(|(kind, cell)| {
        let sum: f64 = beta.matrix(kind).iter().filter(|beta| **beta > 0.0).map(|beta| -beta * beta.ln()).sum();
        sum / cell.edges.len().max(1) as f64
    });
    Ok(SearchSnapshot {
        warm_up: plan.warm_up,
        temperature: plan.temperature,
        alive: alive.clone(),
        alive_ops: alive_ops(learner) as u64,
        entropy: entropy.collect(),
        alphas: learner.alphas.clone(),
        counts: Some(statistics.counts().clone()),
        accuracies: Some(statistics.accuracies().clone()),
        edges: match learner.edge_mode() {
            EdgeMode::Equal => None,
            EdgeMode::Normalised | EdgeMode::Sampled => Some(edge_probabilities(&learner.edges, space)?),
        },
        indicator: method.indicators(learner)?,
        genotype: Some(method.derive(learner)?.to_string()),
        beta,
    })
}

/// Alive ops over all edges.
pub(super) fn alive_ops(learner: &Learner) -> usize {
    learner.space().edges().map(|id| learner.alive().count(id)).sum()
}

/// One pruned op.
pub(super) fn pruned(epoch: usize, decision: PruneDecision, learner: &Learner) -> Event {
    let PruneDecision { kind, edge, op, reason, indicator, evidence } = decision;
    let name = learner.space().ops().get(op).map(|op| op.name().to_owned()).unwrap_or_default();
    let reason = serde_json::to_value(reason).ok().and_then(|value| value.as_str().map(str::to_owned));
    Event::Pruned { epoch: epoch as u64, kind, edge, op, name, reason: reason.unwrap_or_default(), indicator, evidence }
}
