//! The cells: drawn, how deep they are, where their skip connections sit.

use eoinas_core::{CellKind, EdgeId, Genotype};

use super::Section;
use crate::{
    cell,
    error::Result,
    id::Id,
    plot::{Figure, LineChart, Series},
    record::{Run, node_name, read_genotype},
    table::Table,
};

pub(super) fn found(run: &Run) -> Section {
    let title = match (run.derived.is_some(), run.is_search()) {
        (true, _) => "The found cell",
        (false, true) => "The cell that would be derived now",
        (false, false) => "The cell",
    };
    let Some(genotype) = run.genotype() else { return Section::default() };
    let mut section = Section::new(title, "", genotype.cells.iter().map(figure).collect());
    section.tables.push(("Depth and skip connections".to_owned(), depth_table(&genotype)));
    section
}

/// A cell's drawing as a figure; its table lists the edges.
pub(super) fn figure(cell: &eoinas_core::CellGenotype) -> Figure {
    let mut table = Table::new(["from", "to", "op"]);
    for (to, node) in (cell.inputs..).zip(&cell.nodes) {
        for edge in node {
            let ends = [edge.from, to].map(|node| node_name(node, cell.inputs));
            table.rows.push(ends.into_iter().chain([edge.op.name().to_owned()]).collect());
        }
    }
    Figure {
        id: Id::of(&format!("cell-{}", cell.name)),
        title: if cell.name == "cell" { "The cell".to_owned() } else { format!("The {} cell", cell.name) },
        svg: cell::draw(cell).svg,
        dot: Some(cell::dot(cell)),
        table,
        wide: true,
        ..Figure::default()
    }
}

fn depth_table(genotype: &Genotype) -> Table {
    let mut table = Table::new(["cell", "depth", "skip_connect", "where"]);
    for cell in &genotype.cells {
        let skips = cell::skip_sources(cell);
        let name = |(from, to): &(usize, usize)| {
            format!("{} → {}", node_name(*from, cell.inputs), node_name(*to, cell.inputs))
        };
        let places = skips.iter().map(name).collect::<Vec<_>>().join(", ");
        let depth = cell::depth(cell).to_string();
        table.rows.push(vec![cell.name.clone(), depth, skips.len().to_string(), places]);
    }
    table
}

/// Depth and skip connections of the cell that each epoch would have given.
pub(super) fn depths(run: &Run) -> Result<Section> {
    let genotypes: Vec<(f64, Genotype)> = run
        .snapshots()
        .filter_map(|(epoch, snapshot)| Some((epoch as f64 + 1.0, read_genotype(snapshot.genotype.as_deref()?)?)))
        .collect();
    let names: Vec<String> = genotypes
        .last()
        .map(|(_, genotype)| genotype.cells.iter().map(|cell| cell.name.clone()).collect())
        .unwrap_or_default();
    let series = |value: &dyn Fn(&eoinas_core::CellGenotype) -> f64| -> Vec<Series> {
        let line = |(kind, name): (usize, &String)| {
            let points = genotypes.iter().filter_map(|(epoch, g)| Some((*epoch, value(g.cells.get(kind)?))));
            Series { name: name.clone(), points: points.collect(), dashed: kind == 1, ..Series::default() }
        };
        names.iter().enumerate().map(line).collect()
    };
    let chart = |title: &str, caption: &str, y: &str, series| LineChart {
        from_zero: true,
        ..super::curves::chart(run, title, caption, y, series)
    };
    let depth = chart(
        "Depth of the cells",
        "Longest chain of nodes in the cell that would be derived at each epoch (Section 4.6).",
        "nodes",
        series(&|cell| cell::depth(cell) as f64),
    );
    let skips = chart(
        "Skip connections of the cells",
        "Number of skip_connect in the cell that would be derived at each epoch.",
        "edges",
        series(&|cell| cell::skip_sources(cell).len() as f64),
    );
    let figures = [depth.figure()?, skips.figure()?].into_iter().flatten().collect();
    Ok(Section::new("What would be derived at each epoch", "", figures))
}

/// Vertical lines at the prunings.
pub(super) fn marks(run: &Run) -> Vec<f64> {
    run.pruning_epochs().iter().map(|epoch| *epoch as f64 + 1.0).collect()
}

/// The supernet's cells with what was alive on them halfway through the prunings, or is alive now.
pub(super) fn supernet(run: &Run) -> Section {
    let Some((space, _)) = run.space() else { return Section::default() };
    let pruned = run.pruning_epochs();
    // A snapshot is taken before the prunings of its epoch.
    let halfway = pruned.get(pruned.len() / 2).copied();
    let mut shots: Vec<_> = run.snapshots().collect();
    if let Some(epoch) = halfway.filter(|_| run.derived.is_some()) {
        shots.retain(|(at, _)| *at <= epoch);
    }
    let Some((epoch, snapshot)) = shots.last() else { return Section::default() };
    let figures = space.cells.iter().enumerate().map(|(kind, cell)| {
        let kind = CellKind(kind);
        let mut table = Table::new(["edge", "alive"]);
        for edge in 0..cell.edges.len() {
            let names =
                snapshot.alive.ops(EdgeId::new(kind, edge)).filter_map(|op| space.ops.get(op)).map(String::as_str);
            table.rows.push(vec![crate::record::edge_name(cell, edge), names.collect::<Vec<_>>().join(" ")]);
        }
        Figure {
            id: Id::of(&format!("supernet-{}", cell.name)),
            title: format!("The supernet's {} cell after epoch {}", cell.name, crate::format::nth(*epoch)),
            caption: "Each square is a candidate op (Figure 3); hollow ones are pruned.".to_owned(),
            svg: cell::draw_alive(cell, kind, &space.ops, &snapshot.alive).svg,
            dot: Some(cell::dot_alive(cell, kind, &space.ops, &snapshot.alive)),
            table,
            wide: true,
            ..Figure::default()
        }
    });
    Section::new("The search cell", "", figures.collect())
}
