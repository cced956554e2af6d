//! Figure 1 from the records of a study: what a search said of an edge's ops against what each is worth when it is the one
//! on that edge and the network is trained on its own.

use std::collections::BTreeMap;

use eoinas_core::{
    CellKind,
    statistics::{kendall_tau, mean_and_deviation, spearman_rho},
};

use super::{Section, ranks::moments};
use crate::{
    error::Result,
    format::{maybe, number},
    plot::{Point, Scatter},
    record::{Run, Source, edge_name},
    table::Table,
};

/// The networks of one edge of one search.
struct Edge {
    /// The edge with its cell, and the study's variant.
    name: String,
    /// Seed of the search.
    seed: String,
    tried: Vec<Tried>,
}

struct Tried {
    op: String,
    accuracy: f64,
    beta: Option<f64>,
    indicator: Option<f64>,
}

/// A value that a search has for each op.
type Said = fn(&Tried) -> Option<f64>;

/// Points and rank correlations of every edge that was tried: trainings in folders named `CELL-EDGE-OP` beside a search,
/// as the correlation study leaves them. Nothing where there are none.
///
/// # Errors
/// The plotting library fails.
pub(super) fn section(sources: &[Source]) -> Result<Option<Section>> {
    let mut edges: BTreeMap<String, Vec<Edge>> = BTreeMap::new();
    for (source, run) in sources.iter().flat_map(|source| source.runs.iter().map(move |run| (source, run))) {
        for edge in if run.is_search() { tried(source, run, sources) } else { Vec::new() } {
            edges.entry(edge.name.clone()).or_default().push(edge);
        }
    }
    let mut figures = Vec::new();
    let mut table = Table::new(["edge", "said by", "Kendall", "Spearman", "runs"]);
    for (name, seeds) in &edges {
        let values: [(&str, Said); 2] = [("weight", |tried| tried.beta), ("indicator", |tried| tried.indicator)];
        for (what, said) in values {
            let (taus, rhos) = (correlations(seeds, said, kendall_tau), correlations(seeds, said, spearman_rho));
            let row = [name.clone(), what.to_owned(), mean(&taus), mean(&rhos), taus.len().to_string()];
            if let Some(figure) = scatter(name, what, seeds, said).figure()? {
                figures.push(figure);
                table.rows.push(row.to_vec());
            }
        }
    }
    let text = "Each op was put on the edge of the found cell in turn, and each network was trained on its own (Figure 1). \
                A value that says how good an op is would have rising points.";
    let mut section = Section::new("How good each op is on its own", text, figures);
    section.tables.push(("Rank correlation with the accuracy on its own".to_owned(), table));
    Ok((!section.figures.is_empty()).then_some(section))
}

/// What was tried on the edges of this search's cell.
fn tried(source: &Source, search: &Run, sources: &[Source]) -> Vec<Edge> {
    let Some((space, _)) = search.space() else { return Vec::new() };
    let Some((_, shot)) = moments(search).into_iter().next() else { return Vec::new() };
    let mut edges: BTreeMap<(usize, usize), Edge> = BTreeMap::new();
    for beside in sources.iter().filter(|beside| beside.folder.parent() == source.folder.parent()) {
        let folder = beside.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut parts = folder.splitn(3, '-');
        let (Some(cell), Some(edge), Some(op)) = (parts.next(), parts.next(), parts.next()) else { continue };
        let kind = space.cells.iter().position(|known| known.name == cell);
        let (Some(kind), Ok(edge)) = (kind, edge.parse::<usize>()) else { continue };
        let (Some(spec), Some(at)) = (space.cells.get(kind), space.ops.iter().position(|known| known == op)) else {
            continue;
        };
        let of_seed = |run: &&Run| !run.is_search() && (!source.several || run.name == search.name);
        let Some((accuracy, _)) = beside.runs.iter().find(of_seed).and_then(Run::accuracy) else { continue };
        let variant =
            source.folder.parent().and_then(|folder| folder.file_name()).unwrap_or_default().to_string_lossy();
        let indicator = shot.indicator.as_ref().map(|table| table.edge(CellKind(kind), edge));
        let tried = Tried {
            op: op.to_owned(),
            accuracy,
            beta: shot.beta.edge(CellKind(kind), edge).get(at).copied(),
            indicator: indicator.and_then(|values| values.get(at).copied().flatten()),
        };
        let new = || Edge {
            name: format!("{} of the {cell} cell, {variant}", edge_name(spec, edge)),
            seed: search.name.clone(),
            tried: Vec::new(),
        };
        edges.entry((kind, edge)).or_insert_with(new).tried.push(tried);
    }
    edges.into_values().collect()
}

/// The correlation of each seed in which it is defined.
fn correlations(seeds: &[Edge], said: Said, of: fn(&[f64], &[f64]) -> Option<f64>) -> Vec<f64> {
    let known = |edge: &Edge| -> (Vec<f64>, Vec<f64>) {
        edge.tried.iter().filter_map(|tried| Some((said(tried)?, tried.accuracy))).unzip()
    };
    seeds.iter().map(known).filter_map(|(said, accuracy)| of(&said, &accuracy)).collect()
}

fn mean(values: &[f64]) -> String {
    match mean_and_deviation(values) {
        Some((mean, deviation)) if values.len() > 1 => format!("{} ± {}", number(mean), number(deviation)),
        mean => maybe(mean.map(|(mean, _)| mean)),
    }
}

fn scatter(name: &str, what: &str, seeds: &[Edge], said: Said) -> Scatter {
    let points = seeds.iter().enumerate().flat_map(|(group, edge)| {
        edge.tried.iter().filter_map(move |tried| {
            let name = format!("{}, {}", tried.op, edge.seed);
            let name = if seeds.len() > 1 { name } else { tried.op.clone() };
            Some(Point { name, at: (said(tried)?, tried.accuracy), deviation: 0.0, group })
        })
    });
    let several = seeds.len() > 1;
    Scatter {
        title: format!("Accuracy on its own against {what}: {name}"),
        caption: format!(
            "Kendall {}, Spearman {}{}; before the first pruning.",
            mean(&correlations(seeds, said, kendall_tau)),
            mean(&correlations(seeds, said, spearman_rho)),
            if several { ", mean and deviation over the seeds" } else { "" }
        ),
        x: if what == "weight" { "architecture weight β".to_owned() } else { what.to_owned() },
        y: "accuracy".to_owned(),
        points: points.collect(),
        groups: if several { seeds.iter().map(|edge| edge.seed.clone()).collect() } else { Vec::new() },
        named: !several,
        ..Scatter::default()
    }
}
