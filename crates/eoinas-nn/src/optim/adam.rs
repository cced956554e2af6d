//! Adam with L2 decay over architecture parameters: small tables of plain numbers.

use eoinas_core::{AliveOps, EdgeOpTable, SearchSpace};
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
}

impl Default for Adam {
    fn default() -> Self {
        Self { learning_rate: 3e-4, betas: (0.5, 0.999), epsilon: 1e-8, weight_decay: 1e-3, clip: Some(5.0) }
    }
}

impl AdamState {
    /// No updates yet.
    pub fn new(space: &SearchSpace) -> Self {
        Self { steps: 0, first: EdgeOpTable::filled(space, 0.0), second: EdgeOpTable::filled(space, 0.0) }
    }
}

impl Adam {
    /// One update of `alphas`; only entries of alive ops are read and written. Gives the global norm of their gradients
    /// before clipping. A norm that is not finite changes nothing.
    pub fn step(
        &self,
        space: &SearchSpace,
        state: &mut AdamState,
        alphas: &mut EdgeOpTable<f32>,
        gradients: &EdgeOpTable<f32>,
        alive: &AliveOps,
    ) -> f64 {
        let alive_entries =
            || space.edges().flat_map(|(kind, edge)| alive.ops(kind, edge).map(move |op| (kind, edge, op)));
        let squares = alive_entries().filter_map(|(kind, edge, op)| gradients.edge(kind, edge).get(op));
        let norm = squares.map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
        if !norm.is_finite() {
            return norm;
        }
        let clip = clip_factor(norm, self.clip);
        state.steps += 1;
        let steps = i32::try_from(state.steps).unwrap_or(i32::MAX);
        let corrections = (1.0 - self.betas.0.powi(steps), 1.0 - self.betas.1.powi(steps));
        for (kind, edge, op) in alive_entries() {
            let (Some(alpha), Some(&gradient), Some(first), Some(second)) = (
                alphas.edge_mut(kind, edge).get_mut(op),
                gradients.edge(kind, edge).get(op),
                state.first.edge_mut(kind, edge).get_mut(op),
                state.second.edge_mut(kind, edge).get_mut(op),
            ) else {
                continue;
            };
            let g = clip * f64::from(gradient) + self.weight_decay * f64::from(*alpha);
            let m = self.betas.0 * f64::from(*first) + (1.0 - self.betas.0) * g;
            let v = self.betas.1 * f64::from(*second) + (1.0 - self.betas.1) * g * g;
            let denominator = (v / corrections.1).sqrt() + self.epsilon;
            *alpha = (f64::from(*alpha) - self.learning_rate * (m / corrections.0) / denominator) as f32;
            (*first, *second) = (m as f32, v as f32);
        }
        norm
    }
}
