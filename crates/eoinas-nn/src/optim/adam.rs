//! Adam with L2 decay over architecture parameters: small tables of plain numbers.

use eoinas_core::{AliveOps, EdgeMap, EdgeOpTable, SearchSpace};
use serde::{Deserialize, Serialize};

use super::clip_factor;

/// Adam as PyTorch has it, with L2 decay added to the gradient (not decoupled).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Adam {
    /// Learning rate. Paper: 3e-4.
    pub learning_rate: f64,
    /// Decay of the first and second moment. Paper: 0.5, 0.999.
    pub betas: (f64, f64),
    /// Added to the root of the second moment. Default: 1e-8.
    pub epsilon: f64,
    /// L2 decay. Paper: 1e-3.
    pub weight_decay: f64,
    /// Limit of the gradients' global norm over all kinds of cell together, `None`: no clipping. Default: 5.
    pub clip: Option<f64>,
}

/// Moments of every architecture parameter and the number of updates so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdamState {
    /// Number of updates.
    pub steps: u64,
    /// First moments.
    pub first: EdgeOpTable<f32>,
    /// Second moments.
    pub second: EdgeOpTable<f32>,
    /// First moments of the edges' own parameters.
    pub edge_first: EdgeMap<f32>,
    /// Their second moments.
    pub edge_second: EdgeMap<f32>,
}

impl Default for Adam {
    fn default() -> Self {
        Self { learning_rate: 3e-4, betas: (0.5, 0.999), epsilon: 1e-8, weight_decay: 1e-3, clip: Some(5.0) }
    }
}

impl AdamState {
    /// No updates yet.
    pub fn new(space: &SearchSpace) -> Self {
        let (ops, edges) = (EdgeOpTable::filled(space, 0.0), EdgeMap::filled(space, 0.0));
        Self { steps: 0, first: ops.clone(), second: ops, edge_first: edges.clone(), edge_second: edges }
    }
}

impl Adam {
    /// One update of `alphas`; only entries of alive ops are read and written. Gives the global norm of their gradients
    /// before clipping. A norm that is not finite changes nothing.
    ///
    /// # Panics
    /// Tables of another space.
    pub fn step(
        &self,
        space: &SearchSpace,
        state: &mut AdamState,
        alphas: &mut EdgeOpTable<f32>,
        gradients: &EdgeOpTable<f32>,
        alive: &AliveOps,
    ) -> f64 {
        let mut edges = EdgeMap::filled(space, 0.0);
        let edge_gradients = edges.clone();
        self.step_with_edges(space, state, (alphas, &mut edges), (gradients, &edge_gradients), alive)
    }

    /// The same for the parameters of ops and of edges together: one norm, one count of updates. A parameter of 0 that
    /// never had a gradient stays 0.
    ///
    /// # Panics
    /// Tables of another space.
    pub fn step_with_edges(
        &self,
        space: &SearchSpace,
        state: &mut AdamState,
        (alphas, edges): (&mut EdgeOpTable<f32>, &mut EdgeMap<f32>),
        (gradients, edge_gradients): (&EdgeOpTable<f32>, &EdgeMap<f32>),
        alive: &AliveOps,
    ) -> f64 {
        let alive_ops = || space.edges().flat_map(|edge| alive.ops(edge).map(move |op| edge.op(op)));
        let of_ops = alive_ops().map(|id| gradients[id]);
        let of_edges = space.edges().map(|id| edge_gradients[id]);
        let norm = of_ops.chain(of_edges).map(|g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
        if !norm.is_finite() {
            return norm;
        }
        state.steps += 1;
        let steps = i32::try_from(state.steps).unwrap_or(i32::MAX);
        let corrections = (1.0 - self.betas.0.powi(steps), 1.0 - self.betas.1.powi(steps));
        let update = Update { adam: self, clip: clip_factor(norm, self.clip), corrections };
        for id in alive_ops() {
            update.apply(&mut alphas[id], gradients[id], (&mut state.first[id], &mut state.second[id]));
        }
        for id in space.edges() {
            update.apply(&mut edges[id], edge_gradients[id], (&mut state.edge_first[id], &mut state.edge_second[id]));
        }
        norm
    }
}

/// What the parameters of one update have in common.
struct Update<'a> {
    adam: &'a Adam,
    clip: f64,
    /// Of the bias of both moments.
    corrections: (f64, f64),
}

impl Update<'_> {
    fn apply(&self, value: &mut f32, gradient: f32, (first, second): (&mut f32, &mut f32)) {
        let Self { adam, clip, corrections } = self;
        let g = clip * f64::from(gradient) + adam.weight_decay * f64::from(*value);
        let m = adam.betas.0 * f64::from(*first) + (1.0 - adam.betas.0) * g;
        let v = adam.betas.1 * f64::from(*second) + (1.0 - adam.betas.1) * g * g;
        let denominator = (v / corrections.1).sqrt() + adam.epsilon;
        *value = (f64::from(*value) - adam.learning_rate * (m / corrections.0) / denominator) as f32;
        (*first, *second) = (m as f32, v as f32);
    }
}
