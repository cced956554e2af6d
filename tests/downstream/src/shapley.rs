//! Shapley-style averages (after Shapley-NAS, Xiao et al., CVPR 2022): what ops are worth, whatever others are there.

use eoinas_core::{EdgeId, EdgeOpTable, Gate, Gates, Genotype, OpId, SearchSpace, softmax};
use eoinas_gumbel::Softmax;
use eoinas_prune::{EdgeView, Indicator, OpView, PruneDecision};
use eoinas_train::{
    EpochPlan, Flow, Identity, Learner, LearnerSettings, Result, SearchContext, SearchMethod, Step, StepReport,
    blocks::{self, Alternating}, config::ArchConfig,
};
use rand::{RngExt, seq::SliceRandom};
use serde_json::{Value, json};

/// The supernet is DARTS's. After each epoch ops are taken out of the mixture one after the other, in random order and never
/// the last of an edge, and each is noted by what the validation loss gains as it goes: `orders` times, each cut off
/// after `length` ops. Values of several epochs are averaged with momentum, and are what the cell is derived by.
#[derive(Clone, Debug)]
pub struct Shapley {
    /// Random orders after each epoch.
    pub orders: usize,
    /// Ops that are taken out in each.
    pub length: usize,
    /// Weight of the old value of an op.
    pub momentum: f64,
    /// What was noted of each op so far.
    values: Option<EdgeOpTable<Option<f64>>>,
}

impl Shapley {
    /// With the paper's momentum.
    pub fn new(orders: usize, length: usize) -> Self {
        Self { orders, length, momentum: 0.8, values: None }
    }

    fn note(&mut self, space: &SearchSpace, id: OpId, gain: f64) {
        let value = &mut self.values.get_or_insert_with(|| EdgeOpTable::filled(space, None))[id];
        *value = Some(value.map_or(gain, |old| self.momentum * old + (1.0 - self.momentum) * gain));
    }
}

/// Ops that were never taken out have no value.
#[derive(Debug)]
struct Values(EdgeOpTable<Option<f64>>);

impl Indicator for Values {
    fn name(&self) -> String {
        "shapley".to_owned()
    }

    fn value(&self, edge: &EdgeView<'_>, op: &OpView<'_>) -> Option<f64> {
        self.0[EdgeId::new(edge.kind, edge.edge).op(op.index)]
    }
}

/// The loss of one validation batch without some ops.
fn loss(context: &SearchContext<'_>, out: &[OpId], batch: usize) -> Result<f64> {
    let (learner, space) = (&*context.learner, context.learner.space());
    let beta = softmax::beta(&learner.alphas, learner.alive(), space);
    let gates = Gates::from_fn(space, |id| {
        let left = learner.alive().ops(id).filter(|op| !out.contains(&id.op(*op)));
        left.map(|op| Gate { op, value: beta[id.op(op)] as f32 }).collect()
    });
    Ok(context.evaluate(&gates, batch..=batch)?.mean_loss().unwrap_or(0.0))
}

impl SearchMethod for Shapley {
    fn identity(&self) -> Identity {
        let Self { orders, length, momentum, .. } = self;
        Identity::new("shapley", json!({ "orders": orders, "length": length, "momentum": momentum }))
    }

    fn learner(&self) -> LearnerSettings {
        LearnerSettings { arch: ArchConfig { init_std: 1e-3, ..ArchConfig::default() }, ..LearnerSettings::default() }
    }

    fn step(&mut self, context: &mut SearchContext<'_>, step: &Step) -> Flow<StepReport> {
        Alternating::new(&Softmax).step(context.learner, step)
    }

    fn epoch_end(&mut self, context: &mut SearchContext<'_>, _: &EpochPlan) -> Flow<Vec<PruneDecision>> {
        let space = context.learner.space().clone();
        for order in 0..self.orders {
            let mut rng = context.rng("shapley", order as u64);
            let mut ops: Vec<OpId> =
                space.edges().flat_map(|id| (0..space.ops().len()).map(move |op| id.op(op))).collect();
            ops.shuffle(&mut rng);
            let batch = rng.random_range(0..context.valid_batches().max(1));
            let (mut out, mut before) = (Vec::<OpId>::new(), loss(context, &[], batch)?);
            for id in ops.into_iter().take(self.length) {
                let left = space.ops().len() - out.iter().filter(|other| other.edge == id.edge).count();
                if left > 1 {
                    out.push(id);
                    let without = loss(context, &out, batch)?;
                    self.note(&space, id, without - before);
                    before = without;
                }
            }
        }
        Ok(Vec::new())
    }

    fn derive(&self, learner: &Learner) -> Result<Genotype> {
        let none = || EdgeOpTable::filled(learner.space(), None);
        learner.derive(&Values(self.values.clone().unwrap_or_else(none)))
    }

    fn save(&self) -> Flow<Value> {
        blocks::saved(&self.values)
    }

    fn load(&mut self, state: Value) -> Result<(), String> {
        self.values = serde_json::from_value(state).map_err(|error| error.to_string())?;
        Ok(())
    }
}
