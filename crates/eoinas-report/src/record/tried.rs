//! What a correlation study leaves beside a search: trainings of its cell with another op on one edge.

use eoinas_core::{CellKind, event::SpaceInfo, run_folder};

/// Cell, edge and op that a folder `CELL-EDGE-OP` is named after.
pub fn tried_op(folder: &str, space: &SpaceInfo) -> Option<(CellKind, usize, usize)> {
    let cells =
        space.cells.iter().enumerate().flat_map(|(kind, cell)| (0..cell.edges.len()).map(move |edge| (kind, edge)));
    let mut places = cells.flat_map(|(kind, edge)| (0..space.ops.len()).map(move |op| (kind, edge, op)));
    let name = |kind: usize, edge, op: usize| {
        Some(run_folder::with_op(&space.cells.get(kind)?.name, edge, space.ops.get(op)?))
    };
    let (kind, edge, op) = places.find(|(kind, edge, op)| name(*kind, *edge, *op).as_deref() == Some(folder))?;
    Some((CellKind(kind), edge, op))
}
