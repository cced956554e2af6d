//! Architecture weights: how they are spread, and how their ranking differs from the indicator's.

use eoinas_core::{
    CellKind, EdgeId,
    event::SearchSnapshot,
    statistics::{kendall_tau, spearman_rho},
};

use super::Section;
use crate::{
    error::Result,
    format::{maybe, nth, number},
    id::Id,
    plot::{Figure, LineChart, Matrix, Point, Scatter, Series},
    record::{Run, edge_name},
    statistics::{density, ranks},
    table::Table,
    theme,
};

/// An op's name, weight and indicator.
type Judged = (String, f64, f64);

/// The last epoch before the first pruning, where every op is still in the race, and that before the last one.
pub(super) fn moments(run: &Run) -> Vec<(u64, &SearchSnapshot)> {
    let pruned = run.pruning_epochs();
    let shots: Vec<_> = run.snapshots().collect();
    let at = |epoch: Option<&u64>| shots.iter().copied().rfind(|(at, _)| epoch.is_none_or(|epoch| at <= epoch));
    let mut moments: Vec<_> = [at(pruned.first()), at(pruned.last())].into_iter().flatten().collect();
    moments.dedup_by_key(|(epoch, _)| *epoch);
    moments
}

/// Figures 4 and 5: each weight and the density of all.
pub(super) fn weights(run: &Run) -> Result<Section> {
    let Some((space, _)) = run.space() else { return Ok(Section::default()) };
    let mut figures = Vec::new();
    for (epoch, shot) in moments(run) {
        let (mut points, mut curves, mut groups) = (Vec::new(), Vec::new(), Vec::new());
        for (kind, cell) in space.cells.iter().enumerate() {
            let mut values = Vec::new();
            for edge in 0..cell.edges.len() {
                let beta = shot.beta.get(EdgeId::new(CellKind(kind), edge)).unwrap_or_default();
                for op in shot.alive.ops(EdgeId::new(CellKind(kind), edge)) {
                    let (Some(value), Some(name)) = (beta.get(op), space.ops.get(op)) else { continue };
                    values.push(*value);
                    let name = format!("{}, {}, {name}", cell.name, edge_name(cell, edge));
                    points.push(Point { name, at: (*value, 0.0), deviation: 0.0, group: kind });
                }
            }
            let curve = density(&values, 120);
            // Observations stand below the curve, one row for each kind of cell.
            let most = curve.iter().map(|(_, y)| *y).fold(0.0, f64::max);
            for point in points.iter_mut().filter(|point| point.group == kind) {
                point.at.1 = -0.06 * most * (kind as f64 + 1.0);
            }
            groups.push(format!("{} cell", cell.name));
            curves.push((cell.name.clone(), curve));
        }
        let scatter = Scatter {
            title: format!("Distribution of the architecture weights after epoch {}", nth(epoch)),
            caption:
                "Every weight β of the alive ops, and the kernel density estimate of their distribution (Figures 4 \
                      and 5): weights that lie close together tell little about which op is better."
                    .to_owned(),
            x: "β".to_owned(),
            y: "density".to_owned(),
            points,
            groups,
            curves,
            named: false,
        };
        figures.extend(scatter.figure()?);
    }
    Ok(Section::new("How architecture weights are spread", "", figures))
}

/// Figure 2 (c): ranking by weights against ranking by the indicator.
pub(super) fn section(run: &Run) -> Result<Section> {
    let Some((space, _)) = run.space() else { return Ok(Section::default()) };
    let Some((epoch, shot)) = moments(run).into_iter().find(|(_, shot)| shot.indicator.is_some()) else {
        return Ok(Section::default());
    };
    let size = space.ops.len();
    let mut counts = vec![vec![0; size]; size];
    let mut table = Table::new(["cell", "edge", "Spearman", "Kendall", "best by weight", "best by indicator"]);
    let mut most: Option<(f64, String, Vec<Judged>)> = None;
    for (kind, cell) in space.cells.iter().enumerate() {
        for edge in 0..cell.edges.len() {
            let pairs = pairs(shot, CellKind(kind), edge, &space.ops);
            let (beta, indicator): (Vec<f64>, Vec<f64>) =
                pairs.iter().map(|(_, beta, indicator)| (*beta, *indicator)).unzip();
            for (by_beta, by_indicator) in ranks(&beta).into_iter().zip(ranks(&indicator)) {
                let at = |rank: f64| (rank.floor() as usize).saturating_sub(1);
                if let Some(count) = counts.get_mut(at(by_indicator)).and_then(|row| row.get_mut(at(by_beta))) {
                    *count += 1;
                }
            }
            let best = |value: fn(&Judged) -> f64| {
                pairs
                    .iter()
                    .max_by(|a, b| value(a).total_cmp(&value(b)))
                    .map(|(name, ..)| name.clone())
                    .unwrap_or_default()
            };
            let (spearman, kendall) = (spearman_rho(&beta, &indicator), kendall_tau(&beta, &indicator));
            let name = edge_name(cell, edge);
            let row = [cell.name.clone(), name.clone(), maybe(spearman), maybe(kendall)];
            table.rows.push(row.into_iter().chain([best(|p| p.1), best(|p| p.2)]).collect());
            if let Some(rho) = spearman.filter(|rho| most.as_ref().is_none_or(|(least, ..)| rho < least)) {
                most = Some((rho, format!("{name} of the {} cell", cell.name), pairs));
            }
        }
    }
    let matrix = Matrix {
        title: "Ranks by weight and by indicator".to_owned(),
        caption: format!(
            "How many ops have which rank on their edge, by β and by the indicator, after epoch {}; on the diagonal both \
             agree (Figure 2 c).",
            nth(epoch)
        ),
        x: "rank by β".to_owned(),
        y: "rank by indicator".to_owned(),
        counts,
    };
    let mut figures: Vec<Figure> = matrix.figure()?.into_iter().collect();
    if let Some((rho, place, pairs)) = most {
        figures.extend(slopes(rho, &place, &pairs)?);
    }
    let mut section = Section::new("The indicator's ranking against the weights'", "", figures);
    section.tables.push(("Agreement on each edge".to_owned(), table));
    Ok(section)
}

/// Name, weight and indicator of the alive ops of an edge.
fn pairs(shot: &SearchSnapshot, kind: CellKind, edge: usize, ops: &[String]) -> Vec<Judged> {
    let indicator =
        shot.indicator.as_ref().map_or(&[][..], |table| table.get(EdgeId::new(kind, edge)).unwrap_or_default());
    let beta = shot.beta.get(EdgeId::new(kind, edge)).unwrap_or_default();
    let pair = |op: usize| Some((ops.get(op)?.clone(), *beta.get(op)?, indicator.get(op).copied().flatten()?));
    shot.alive.ops(EdgeId::new(kind, edge)).filter_map(pair).collect()
}

/// The edge on which both disagree most: a line for each op from its rank by weight to that by the indicator.
fn slopes(rho: f64, place: &str, pairs: &[Judged]) -> Result<Option<Figure>> {
    let by = |value: fn(&Judged) -> f64| ranks(&pairs.iter().map(value).collect::<Vec<_>>());
    let (left, right) = (by(|p| p.1), by(|p| p.2));
    let series = pairs.iter().zip(left.iter().zip(&right)).map(|((name, ..), (a, b))| Series {
        name: name.clone(),
        points: vec![(0.0, *a), (1.0, *b)],
        ..Series::default()
    });
    let inks = pairs.iter().map(|(name, ..)| theme::own(name)).collect();
    let chart = LineChart {
        title: format!("Where both disagree most: {place}"),
        caption: format!(
            "Rank of each op by its weight (left, 0) and by its indicator (right, 1), the best on top; Spearman's \
             correlation is {}.",
            number(rho)
        ),
        x: "0: by weight, 1: by indicator".to_owned(),
        y: "rank".to_owned(),
        series: series.collect(),
        reversed: true,
        inks,
        ..LineChart::default()
    };
    Ok(chart.figure()?.map(|figure| Figure { id: Id::of("disagreement"), ..figure }))
}
