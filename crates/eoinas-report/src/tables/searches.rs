//! Searches, one by one.

use eoinas_core::Genotype;

use super::{or_dash, other_scores, without_empty};
use crate::{
    format::{self, fixed},
    record::{Source, State},
    table::Table,
};

/// Title of the column of errors.
const ERROR: &str = "Validation error (%)";
/// Title of the column of scores that are no accuracies.
const SCORE: &str = "Score";

/// One row for each search.
pub fn searches(sources: &[Source]) -> Table {
    let mut searches = sources.iter().flat_map(|source| &source.runs).filter(|run| run.is_search());
    let others = searches.any(|run| !run.measure().is_accuracy());
    let mut table = Table::new([
        "Search",
        ERROR,
        SCORE,
        "Params (M)",
        "MAdds (M)",
        "Depth",
        "skip_connect",
        "Time",
        "Epochs",
        "State",
        "Method",
        "Data",
        "Seed",
        if others { "Measured" } else { "Error of" },
    ]);
    for (source, run) in sources.iter().flat_map(|source| source.runs.iter().map(move |run| (source, run))) {
        if !run.is_search() {
            continue;
        }
        let genotype = run.genotype();
        let joined = |value: fn(&eoinas_core::CellGenotype) -> usize| {
            let values =
                |g: &Genotype| g.cells.iter().map(|cell| value(cell).to_string()).collect::<Vec<_>>().join(" / ");
            or_dash(genotype.as_ref().map(values))
        };
        let costs = run.costs();
        let million = |value: Option<u64>| or_dash(value.map(|value| fixed(value as f64 / 1e6)));
        let started = run.started.as_ref();
        let (error, on) = run.score().map(|(score, on)| (fixed(100.0 * (1.0 - score)), on)).unzip();
        table.rows.push(vec![
            source.title(run),
            or_dash(error.filter(|_| run.measure().is_accuracy())),
            other_scores(&[run]),
            million(costs.map(|counts| counts.parameters)),
            million(costs.map(|counts| counts.multiply_adds)),
            joined(crate::cell::depth),
            joined(|cell| crate::cell::skip_sources(cell).len()),
            format::duration(run.seconds),
            run.epochs.len().to_string(),
            match run.state() {
                State::Finished => "finished".to_owned(),
                State::Stopped(stop) => stop.reason.replace('_', " "),
                State::Unfinished => "not finished".to_owned(),
            },
            run.method().to_owned(),
            or_dash(started.map(|started| started.dataset.name.clone())),
            or_dash(started.map(|started| started.seed.to_string())),
            // The derived network or the supernet, without the images that all of them are measured on.
            or_dash(on.and_then(|on| Some(on.split(',').next()?.to_owned()))),
        ]);
    }
    without_empty(table, |name| name == SCORE || (others && name == ERROR))
}
