//! Sampling as in FairNAS (Chu et al., ICCV 2021): every alive op of an edge once in as many steps as ops are alive; the
//! importance of an op is the mean validation loss of the paths that had it.

use std::{cmp::Ordering, slice};

use eoinas_core::{EdgeId, EdgeOpTable, Genotype, OpId, SearchSpace, SeedStream, Streams};
use eoinas_nn::Wanted;
use eoinas_prune::{PruneDecision, PruneScheduleConfig, derive, edge_strengths};
use eoinas_train::{
    EpochPlan, Flow, Identity, Learner, Result, SearchConfig, SearchContext, SearchMethod, Step, StepReport, Tally,
    Timetable,
    blocks::{self, Path, finite, one_hot, train_weights},
};
use rand::Rng;
use serde::{Deserialize, Serialize};

/// The search, with what it knows since the last pruning.
#[derive(Debug, Default)]
pub struct FairNas(Option<State>);

/// Steps in all and before the last pruning; sums and numbers of validation losses.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct State {
    steps: u64,
    start: u64,
    sums: EdgeOpTable<f64>,
    counts: EdgeOpTable<u64>,
}

impl State {
    fn new(space: &SearchSpace, steps: u64) -> Self {
        Self { steps, start: steps, sums: EdgeOpTable::filled(space, 0.0), counts: EdgeOpTable::filled(space, 0) }
    }

    /// Whose turn it is on an edge: windows of as many steps as it has ops go through them in an order of their own.
    fn turn(&self, learner: &Learner, id: EdgeId, streams: &Streams) -> Option<usize> {
        let (at, alive) = (self.steps - self.start, learner.alive().count(id) as u64);
        let index = (at / alive) << 16 | (id.edge as u64) << 4 | id.kind.0 as u64;
        let mut rng = streams.rng(SeedStream::Named("fairnas"), self.start, index);
        let mut order: Vec<(u64, usize)> = learner.alive().ops(id).map(|op| (rng.next_u64(), op)).collect();
        order.sort_unstable();
        order.get((at % alive) as usize).map(|(_, op)| *op)
    }

    fn mean(&self, id: OpId) -> Option<f64> {
        let count = self.counts[id];
        (count > 0).then(|| self.sums[id] / count as f64)
    }

    /// The op of an edge that goes: that of the largest loss, but a zero op before it is one of two, where none is derived.
    fn worst(&self, learner: &Learner, id: EdgeId) -> Option<OpId> {
        let space = learner.space();
        let alive: Vec<usize> = learner.alive().ops(id).collect();
        let must = |op: &usize| alive.len() == 2 && space.cells()[id.kind.0].keep.is_some() && space.ops()[*op].is_zero();
        let key = |op: &usize| (must(op), self.mean(id.op(*op)).unwrap_or(f64::NEG_INFINITY));
        let worst = alive.iter().max_by(|a, b| key(a).partial_cmp(&key(b)).unwrap_or(Ordering::Equal));
        worst.map(|op| id.op(*op))
    }
}

impl SearchMethod for FairNas {
    fn identity(&self) -> Identity {
        Identity::new("fairnas", serde_json::Value::Null)
    }

    fn timetable(&self, run: &SearchConfig, space: &SearchSpace) -> Timetable {
        Timetable::new(run.epochs).prune(PruneScheduleConfig::default(), space.ops().len())
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        let learner = &mut *context.learner;
        let state = self.0.get_or_insert_with(|| State::new(learner.space(), 0));
        let gates = one_hot(learner.space(), |id| state.turn(learner, id, &step.streams));
        let path = Path::chosen(learner, gates);
        let train = train_weights(learner, step, slice::from_ref(&path))?;
        state.steps += 1;
        let Some(valid) = &step.valid else { return Ok(StepReport { train, valid: None }) };
        let output = learner.pass(valid, path.run(), Wanted::NOTHING, &step.pass_options())?;
        finite("validation loss", output.loss)?;
        for (id, gates) in path.gates().iter() {
            for gate in gates {
                state.sums[id.op(gate.op)] += output.loss;
                state.counts[id.op(gate.op)] += 1;
            }
        }
        Ok(StepReport { train, valid: Some(Tally::from(&output)) })
    }

    fn epoch_end(&mut self, context: &mut SearchContext<'_>, plan: &EpochPlan) -> Flow<Vec<PruneDecision>> {
        let (learner, mut pruned) = (&mut *context.learner, Vec::new());
        let (Some(state), space) = (&mut self.0, learner.space().clone()) else { return Ok(pruned) };
        for id in (0..plan.prunings).flat_map(|_| space.edges()) {
            let worst = state.worst(learner, id).filter(|_| learner.alive().count(id) > 1);
            pruned.extend(worst.map(|worst| learner.prune_op(worst)).transpose()?);
        }
        if !pruned.is_empty() && learner.alive().max_count(&space) > 1 {
            *state = State::new(&space, state.steps);
        }
        Ok(pruned)
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        let (space, alive, mut scores) = (learner.space(), learner.alive(), EdgeOpTable::filled(learner.space(), 0.0));
        for id in space.edges() {
            for op in alive.ops(id) {
                let loss = self.0.as_ref().and_then(|state| state.mean(id.op(op)));
                scores[id.op(op)] = loss.map_or(0.0, |loss| (-loss).exp());
            }
        }
        Ok(derive(space, alive, &scores, &edge_strengths(space, alive, &scores)?)?)
    }

    fn save(&self) -> Flow<serde_json::Value> {
        blocks::saved(&self.0)
    }

    fn load(&mut self, state: serde_json::Value) -> Result<(), String> {
        serde_json::from_value(state).map(|state| self.0 = state).map_err(|error| error.to_string())
    }
}
