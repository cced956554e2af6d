//! Trained networks.

use super::{done_of, errors, is_training, millions, or_dash, other_scores, search_of, unit, without_empty_columns};
use crate::{
    format::mean,
    record::{Run, Source},
    table::Table,
};

/// Test errors as Tables 1 and 2, the errors first: one row for each source of trainings (trials that train different
/// cells, such as random ones, are averaged all the same), mean and sample deviation over its runs; the search's cost
/// and method where the searches are among the sources.
pub fn trained(sources: &[Source]) -> Table {
    let rows = done_of(sources, is_training);
    let searches: Vec<Vec<&Run>> = rows
        .iter()
        .map(|(_, runs)| {
            let found: Vec<&Run> = runs.iter().filter_map(|run| Some(search_of(run, sources)?.1)).collect();
            // Where only some of the cells were searched for, the mean would say nothing.
            if found.len() == runs.len() { found } else { Vec::new() }
        })
        .collect();
    let seconds: Vec<f64> = searches.iter().flatten().map(|run| run.seconds).collect();
    let (name, length) = unit(&seconds);
    let cost = format!("Search ({name})");
    let mut table = Table::new([
        "Architecture",
        "Test error (%)",
        "Top-5 error (%)",
        "Score",
        "Params (M)",
        "MAdds (M)",
        &cost,
        "Search method",
        "Data",
        "Runs",
    ]);
    for ((source, runs), searches) in rows.iter().zip(&searches) {
        let all = || runs.iter().copied();
        let top5: Vec<f64> =
            all().filter_map(|run| Some(100.0 * (1.0 - run.epochs.last()?.what.valid_top5?))).collect();
        let times: Vec<f64> = searches.iter().map(|run| run.seconds / length).collect();
        table.rows.push(vec![
            source.name.clone(),
            mean(&errors(all())),
            mean(&top5),
            other_scores(runs),
            mean(&millions(all(), |counts| counts.parameters)),
            mean(&millions(all(), |counts| counts.multiply_adds)),
            mean(&times),
            or_dash(searches.first().map(|run| run.method().to_owned())),
            or_dash(all().find_map(|run| Some(run.started.as_ref()?.dataset.name.clone()))),
            runs.len().to_string(),
        ]);
    }
    without_empty_columns(table)
}
