//! Gradients of gates on their way from the cells to the architecture.

use std::collections::BTreeMap;

use eoinas_core::{Gates, OpId};
use eoinas_kernels::GateGradient;

use crate::error::Result;

/// What the cells found: an op, and the gradient of its gate in one cell.
pub(crate) type GateSums = Vec<(OpId, GateGradient)>;

/// The sums over the cells of a kind, in the shape of `gates`. What is on a GPU comes in one transfer.
pub(crate) fn gather(gates: &Gates, sums: &GateSums) -> Result<Gates> {
    let values = GateGradient::values(sums.iter().map(|(_, gradient)| gradient))?;
    let mut totals = BTreeMap::new();
    for ((id, _), value) in sums.iter().zip(values) {
        *totals.entry(*id).or_insert(0.0) += value;
    }
    let mut gradients = gates.zeros_like();
    for (id, gates) in gradients.iter_mut() {
        for gate in gates {
            gate.value = totals.get(&id.op(gate.op)).copied().unwrap_or(0.0) as f32;
        }
    }
    Ok(gradients)
}
