//! Figure 1 from the records of a study: what a search said of an edge's ops against what each is worth when it is the one
//! on that edge and the network is trained on its own.

use std::{collections::BTreeMap, path::Path};

use eoinas_core::{
    CellKind, EdgeId,
    statistics::{kendall_tau, spearman_rho},
};

use super::{Section, ranks::moments};
use crate::{
    error::Result,
    format::mean,
    plot::{Point, Scatter},
    record::{Run, Source, edge_name, tried_op},
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

/// What a search says of each op: its word in titles, the name of its axis, and where it stands.
struct Said {
    what: &'static str,
    axis: &'static str,
    of: fn(&Tried) -> Option<f64>,
}

const SAID: [Said; 2] = [
    Said { what: "weight", axis: "architecture weight β", of: |tried| tried.beta },
    Said { what: "indicator", axis: "indicator", of: |tried| tried.indicator },
];

/// Points and rank correlations of every edge that was tried: trainings in folders named `CELL-EDGE-OP` beside a search,
/// as the correlation study leaves them. Nothing where there are none.
///
/// # Errors
/// The plotting library fails.
pub(super) fn section(sources: &[Source]) -> Result<Option<Section>> {
    let mut edges: BTreeMap<String, Vec<Edge>> = BTreeMap::new();
    for source in sources {
        for search in source.runs.iter().filter(|run| run.is_search()) {
            for edge in tried(source, search, sources) {
                edges.entry(edge.name.clone()).or_default().push(edge);
            }
        }
    }
    let mut figures = Vec::new();
    let mut table = Table::new(["edge", "said by", "Kendall", "Spearman", "runs"]);
    for (name, seeds) in &edges {
        for said in &SAID {
            let (taus, rhos) = (said.correlations(seeds, kendall_tau), said.correlations(seeds, spearman_rho));
            let (tau, rho) = (mean(&taus), mean(&rhos));
            if let Some(figure) = said.scatter(name, seeds, (&tau, &rho)).figure()? {
                figures.push(figure);
                table.rows.push(vec![name.clone(), said.what.to_owned(), tau, rho, taus.len().to_string()]);
            }
        }
    }
    if figures.is_empty() {
        return Ok(None);
    }
    let text = "Each op was put on the edge of the found cell in turn, and each network was trained on its own (Figure 1). \
                A value that says how good an op is would have rising points.";
    let mut section = Section::new("How good each op is on its own", text, figures);
    section.tables.push(("Rank correlation with the accuracy on its own".to_owned(), table));
    Ok(Some(section))
}

/// What was tried on the edges of this search's cell.
fn tried(source: &Source, search: &Run, sources: &[Source]) -> Vec<Edge> {
    let Some((space, _)) = search.space() else { return Vec::new() };
    let Some((_, shot)) = moments(search).into_iter().next() else { return Vec::new() };
    let study = source.folder.parent();
    let variant = study.and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let of_seed = |run: &&Run| !run.is_search() && (!source.several || run.name == search.name);
    let mut edges: BTreeMap<(CellKind, usize), Edge> = BTreeMap::new();
    for beside in sources.iter().filter(|beside| beside.folder.parent() == study) {
        let folder = beside.folder.file_name().unwrap_or_default().to_string_lossy();
        let Some((kind, edge, op)) = tried_op(&folder, &space) else { continue };
        let Some((accuracy, _)) = beside.runs.iter().find(of_seed).and_then(Run::score) else { continue };
        let (Some(cell), Some(name)) = (space.cells.get(kind.0), space.ops.get(op)) else { continue };
        let indicator =
            shot.indicator.as_ref().and_then(|table| table.entry(EdgeId::new(kind, edge).op(op)).copied().flatten());
        let beta = shot.beta.entry(EdgeId::new(kind, edge).op(op)).copied();
        let new = || Edge {
            name: format!("{} of the {} cell, {variant}", edge_name(cell, edge), cell.name),
            seed: search.name.clone(),
            tried: Vec::new(),
        };
        let tried = Tried { op: name.clone(), accuracy, beta, indicator };
        edges.entry((kind, edge)).or_insert_with(new).tried.push(tried);
    }
    edges.into_values().collect()
}

impl Said {
    /// The correlation of each seed in which it is defined.
    fn correlations(&self, seeds: &[Edge], of: fn(&[f64], &[f64]) -> Option<f64>) -> Vec<f64> {
        let known = |edge: &Edge| -> (Vec<f64>, Vec<f64>) {
            edge.tried.iter().filter_map(|tried| Some(((self.of)(tried)?, tried.accuracy))).unzip()
        };
        seeds.iter().map(known).filter_map(|(said, accuracy)| of(&said, &accuracy)).collect()
    }

    fn scatter(&self, name: &str, seeds: &[Edge], (tau, rho): (&str, &str)) -> Scatter {
        let several = seeds.len() > 1;
        let points = seeds.iter().enumerate().flat_map(|(group, edge)| {
            edge.tried.iter().filter_map(move |tried| {
                let name = if several { format!("{}, {}", tried.op, edge.seed) } else { tried.op.clone() };
                Some(Point { name, at: ((self.of)(tried)?, tried.accuracy), deviation: 0.0, group })
            })
        });
        let over = if several { ", mean and deviation over the seeds" } else { "" };
        Scatter {
            title: format!("Accuracy on its own against {}: {name}", self.what),
            caption: format!("Kendall {tau}, Spearman {rho}{over}; before the first pruning."),
            x: self.axis.to_owned(),
            y: "accuracy".to_owned(),
            points: points.collect(),
            groups: if several { seeds.iter().map(|edge| edge.seed.clone()).collect() } else { Vec::new() },
            named: !several,
            ..Scatter::default()
        }
    }
}
