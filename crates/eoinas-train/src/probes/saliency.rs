//! Probes by the loss.

use eoinas_core::{EdgeOpTable, Gates};
use eoinas_nn::{Batch, PassOptions, Supernet, Wanted};

use super::{mixture, of_each};
use crate::error::Result;

/// The absolute slope of the loss by each gate of the mixture.
pub(super) fn of_gates(supernet: &Supernet, batch: &Batch) -> Result<EdgeOpTable<Option<f64>>> {
    let output = supernet.pass(batch, &mixture(supernet, None), Wanted::GATES, &PassOptions::default())?;
    let mut table = EdgeOpTable::filled(supernet.space(), None);
    for (edge, gates) in output.gate_gradients.iter().flat_map(Gates::iter) {
        for gate in gates {
            table[edge.op(gate.op)] = Some(f64::from(gate.value.abs()));
        }
    }
    Ok(table)
}

/// What the loss gains without each op.
pub(super) fn loss_without(supernet: &Supernet, batch: &Batch) -> Result<EdgeOpTable<Option<f64>>> {
    let loss = |gates: &Gates| -> Result<f64> {
        Ok(supernet.pass(batch, gates, Wanted::NOTHING, &PassOptions::default())?.loss)
    };
    let whole = loss(&mixture(supernet, None))?;
    of_each(supernet, |gates| Ok(loss(&gates)? - whole))
}
