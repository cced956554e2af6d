//! Searches, one by one.

use eoinas_core::Genotype;

use super::or_dash;
use crate::{
    format::{self, fixed},
    record::{Source, State},
    table::Table,
};

/// One row for each search.
pub fn searches(sources: &[Source]) -> Table {
    let mut table = Table::new([
        "Search",
        "Validation error (%)",
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
        "Error of",
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
        let (error, on) = run.accuracy().map(|(accuracy, on)| (fixed(100.0 * (1.0 - accuracy)), on)).unzip();
        table.rows.push(vec![
            source.title(run),
            or_dash(error),
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
    table
}
