//! Heat maps of what the search knew of each op of each edge.

use eoinas_core::{CellKind, CellSpec, Edge, EdgeId, event::SearchSnapshot};

use super::Section;
use crate::{
    error::Result,
    plot::{Figure, HeatMap, HeatRow},
    record::{Run, edge_name, node_name},
};

/// Value of an op of an edge in a snapshot.
type Value = fn(&SearchSnapshot, CellKind, usize, usize) -> Option<f64>;

pub(super) fn section(run: &Run) -> Result<Section> {
    let Some((space, _)) = run.space() else { return Ok(Section::default()) };
    let (title, good) = match run.measure().is_accuracy() {
        true => ("Accuracy over iterations C", "validation accuracy in percent"),
        false => ("Share over iterations C", "how good the op's paths were on validation batches (0 to 100)"),
    };
    let of_iterations = format!("Eq. 6: {good} over the training iterations of the op in the window.");
    let maps: [(&str, &str, Value); 3] = [
        (
            "Architecture weights β",
            "Eq. 2: softmax of the alphas over the ops that are alive on the edge.",
            |s, kind, edge, op| s.beta.entry(EdgeId::new(kind, edge).op(op)).copied(),
        ),
        (title, &of_iterations, |s, kind, edge, op| {
            let accuracy = s.accuracies.as_ref()?.entry(EdgeId::new(kind, edge).op(op)).copied().flatten()?;
            let count = *s.counts.as_ref()?.entry(EdgeId::new(kind, edge).op(op))?;
            (count > 0).then(|| accuracy * 100.0 / count as f64)
        }),
        ("Indicator I", "What the method judges ops by, for EoiNAS Eq. 7: β + λ C.", |s, kind, edge, op| {
            s.indicator.as_ref()?.entry(EdgeId::new(kind, edge).op(op)).copied().flatten()
        }),
    ];
    let mut figures = Vec::new();
    for (title, caption, value) in maps {
        for (kind, cell) in space.cells.iter().enumerate() {
            figures.extend(map(run, title, caption, value, CellKind(kind), cell, &space.ops)?);
        }
    }
    for (kind, cell) in space.cells.iter().enumerate() {
        figures.extend(edges(run, CellKind(kind), cell)?);
    }
    let text = "A row for each op of each edge, a column for each epoch; a cross stands where the op was pruned, and \
                lighter is more. Point at a cell to read it.";
    Ok(Section::new("Every op of every edge", text, figures))
}

fn map(
    run: &Run,
    title: &str,
    caption: &str,
    value: Value,
    kind: CellKind,
    cell: &CellSpec,
    ops: &[String],
) -> Result<Option<Figure>> {
    let shots = thinned(run);
    let mut rows = Vec::new();
    for edge in 0..cell.edges.len() {
        for (op, name) in ops.iter().enumerate() {
            let at = |(_, shot): &(u64, &SearchSnapshot)| {
                value(shot, kind, edge, op)
                    .filter(|v| shot.alive.contains(EdgeId::new(kind, edge).op(op)) && v.is_finite())
            };
            let pruned = run.prunings.iter().find(|p| (p.kind, p.edge, p.op) == (kind, edge, op)).map(|p| p.epoch);
            let column = pruned.and_then(|epoch| shots.iter().rposition(|(at, _)| *at <= epoch));
            let values = shots.iter().map(at).collect();
            rows.push(HeatRow { edge: edge_name(cell, edge), op: name.clone(), values, pruned: column });
        }
    }
    let title = format!("{title}, {} cell", cell.name);
    HeatMap { title, caption: caption.to_owned(), columns: columns(&shots), rows }.figure()
}

/// Weights of the edges, where they have parameters of their own: rows of one node stand together, as they share one softmax.
fn edges(run: &Run, kind: CellKind, cell: &CellSpec) -> Result<Option<Figure>> {
    let shots = thinned(run);
    let row = |(index, edge): (usize, &Edge)| HeatRow {
        edge: format!("node {}", node_name(edge.to, cell.inputs)),
        op: format!("from {}", node_name(edge.from, cell.inputs)),
        values: shots.iter().map(|(_, shot)| shot.edges.as_ref()?.get(EdgeId::new(kind, index)).copied()).collect(),
        pruned: None,
    };
    let title = format!("Weights of the edges, {} cell", cell.name);
    let caption = "Softmax of the edges' own parameters over the edges that enter a node.".to_owned();
    let rows = cell.edges.iter().enumerate().map(row).collect();
    HeatMap { title, caption, columns: columns(&shots), rows }.figure()
}

/// A column for each epoch, counted from 1.
fn columns(shots: &[(u64, &SearchSnapshot)]) -> Vec<String> {
    shots.iter().map(|(epoch, _)| crate::format::nth(*epoch).to_string()).collect()
}

/// At most so many epochs as a map can show, those with prunings always among them where they are few.
fn thinned(run: &Run) -> Vec<(u64, &SearchSnapshot)> {
    let all: Vec<_> = run.snapshots().collect();
    let every = all.len().div_ceil(crate::plot::MAX_COLUMNS).max(1);
    let pruned = run.pruning_epochs();
    let keep_pruned = pruned.len() * 2 <= crate::plot::MAX_COLUMNS;
    let last = all.len().saturating_sub(1);
    let kept = |(index, (epoch, _)): &(usize, (u64, &SearchSnapshot))| {
        index % every == 0 || *index == last || (keep_pruned && pruned.contains(epoch))
    };
    all.into_iter().enumerate().filter(kept).map(|(_, shot)| shot).collect()
}
