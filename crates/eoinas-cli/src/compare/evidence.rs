//! What a search knew of its ops, from its record.

use std::path::Path;

use eoinas_core::{
    EdgeId, Event, SearchSpace,
    event::{self, SearchSnapshot},
    run_folder::names,
};
use eoinas_prune::{EdgeView, OpView};

use crate::Error;

/// Where the search in the folder `run` stood before its first pruning, when all ops could still be compared; at its end
/// if it never prunes.
///
/// # Errors
/// A record that cannot be read, or that has no end of an epoch.
pub fn before_pruning(run: &Path) -> Result<SearchSnapshot, Error> {
    let path = run.join(names::EVENTS);
    let records = event::read(&path)?;
    let before = records.into_iter().take_while(|record| !matches!(record.event, Event::Pruned { .. }));
    let ends = before.filter_map(|record| match record.event {
        Event::EpochEnd(end) => end.search,
        _ => None,
    });
    Ok(ends.last().ok_or_else(|| format!("{} has no end of an epoch of a search", path.display()))?)
}

/// One edge as an indicator sees it.
pub fn edge<'a>(snapshot: &SearchSnapshot, space: &'a SearchSpace, id: EdgeId) -> EdgeView<'a> {
    let counts = snapshot.counts.as_ref().and_then(|table| table.get(id)).unwrap_or_default();
    let accuracies = snapshot.accuracies.as_ref().and_then(|table| table.get(id)).unwrap_or_default();
    let rows = space.ops().iter().zip(snapshot.beta.get(id).unwrap_or_default()).zip(counts.iter().zip(accuracies));
    let ops = rows.enumerate().map(|(index, ((op, beta), (count, accuracy)))| OpView {
        op,
        index,
        beta: *beta,
        count: *count,
        accuracy: *accuracy,
    });
    EdgeView { kind: id.kind, edge: id.edge, ops: ops.collect() }
}
