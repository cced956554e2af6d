//! Gradients of gates on their way from the cells to the architecture.

use std::collections::BTreeMap;

use eoinas_core::{Gate, Gates};
use eoinas_kernels::GateGradient;

use crate::error::Result;

/// What the cells of one kind found: an edge, an op, and the gradient of its gate in one cell.
pub(crate) type KindGates = Vec<(usize, usize, GateGradient)>;

/// The same for every kind of cell.
pub(crate) type GateSums = Vec<KindGates>;

/// The sums over the cells of a kind, in the shape of `gates`. What is on a GPU comes in one transfer.
pub(crate) fn gather(gates: &Gates, sums: &GateSums) -> Result<Gates> {
    let values = GateGradient::values(sums.iter().flatten().map(|(_, _, gradient)| gradient))?;
    let places = sums.iter().enumerate().flat_map(|(kind, found)| found.iter().map(move |&(e, op, _)| (kind, e, op)));
    let mut totals = BTreeMap::new();
    for (place, value) in places.zip(values) {
        *totals.entry(place).or_insert(0.0) += value;
    }
    let mut gradients = gates.zeros_like();
    for (kind, edges) in gradients.kinds.iter_mut().enumerate() {
        for (edge, gates) in edges.iter_mut().enumerate() {
            for Gate { op, value } in gates {
                *value = totals.get(&(kind, edge, *op)).copied().unwrap_or(0.0) as f32;
            }
        }
    }
    Ok(gradients)
}
