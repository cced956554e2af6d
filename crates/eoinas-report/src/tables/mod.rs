//! Tables of the kind of the paper's Tables 1 to 3, from a set of runs.

mod ablation;
mod searches;
mod trained;

use eoinas_core::Measure;

use crate::{
    format::mean,
    record::{Run, Source, State},
    table::Table,
};

pub use ablation::{ablation, averaged};
pub use searches::searches;
pub use trained::trained;

/// Every table that the runs can fill, what they are compared by before the single runs: ablation as Table 3, or the
/// means of the searches' seeds; trained networks as Tables 1 and 2; searches.
pub fn tables(sources: &[Source]) -> Vec<(String, Table)> {
    let ablation = ablation(sources);
    // The ablation has the means, too.
    let averaged = if ablation.rows.is_empty() { averaged(sources) } else { Table::default() };
    let tables = [ablation, averaged, trained(sources), searches(sources)];
    let titled = TITLES.iter().map(|title| (*title).to_owned()).zip(tables);
    titled.filter(|(_, table)| !table.rows.is_empty()).collect()
}

/// What the tables are called.
pub(crate) const TITLES: [&str; 4] = ["Ablation", "Means of the searches", "Trained networks", "Searches"];

/// The runs that are done, since others would distort a mean; all of them where none is.
fn done<'a>(runs: impl Iterator<Item = &'a Run> + Clone) -> Vec<&'a Run> {
    let finished: Vec<&Run> = runs.clone().filter(|run| run.state() == State::Finished).collect();
    if finished.is_empty() { runs.collect() } else { finished }
}

/// The sources with their runs of one kind that are done; those without any are left out.
fn done_of(sources: &[Source], kind: fn(&Run) -> bool) -> Vec<(&Source, Vec<&Run>)> {
    let with_runs = sources.iter().map(|source| (source, done(source.runs.iter().filter(|run| kind(run)))));
    with_runs.filter(|(_, runs)| !runs.is_empty()).collect()
}

fn is_training(run: &Run) -> bool {
    !run.is_search()
}

/// The search that found the cell that a run trains; of several that found the same one, that in the nearest folder.
fn search_of<'a>(run: &Run, sources: &'a [Source]) -> Option<(&'a Source, &'a Run)> {
    let genotype = run.genotype()?;
    let near = |other: &Run| other.dir.components().zip(run.dir.components()).take_while(|(a, b)| a == b).count();
    let searches = sources.iter().flat_map(|source| source.runs.iter().map(move |run| (source, run)));
    let same = searches.filter(|(_, other)| {
        other.is_search() && other.derived.is_some() && other.genotype().as_ref() == Some(&genotype)
    });
    same.fold(None, |best: Option<(&Source, &Run)>, next| match best {
        Some(best) if near(best.1) >= near(next.1) => Some(best),
        _ => Some(next),
    })
}

/// Errors of runs in percent; runs whose scores are no accuracies have none.
fn errors<'a>(runs: impl IntoIterator<Item = &'a Run>) -> Vec<f64> {
    let runs = runs.into_iter().filter(|run| run.measure().is_accuracy());
    runs.filter_map(|run| Some(100.0 * (1.0 - run.score()?.0))).collect()
}

/// The scores of runs where they are no accuracies, with their name: `R2 0.91 ± 0.01`.
fn other_scores(runs: &[&Run]) -> String {
    let mut cells: Vec<String> = Vec::new();
    let mut measures: Vec<Measure> = Vec::new();
    for measure in runs.iter().map(|run| run.measure()).filter(|measure| !measure.is_accuracy()) {
        if !measures.contains(&measure) {
            let of = runs.iter().filter(|run| run.measure() == measure).filter_map(|run| Some(run.score()?.0));
            cells.push(format!("{} {}", measure.name, mean(&of.collect::<Vec<_>>())));
            measures.push(measure);
        }
    }
    or_dash(Some(cells.join(", ")).filter(|text| !text.is_empty()))
}

/// Millions of parameters or multiply-adds of the runs' networks.
fn millions<'a>(runs: impl IntoIterator<Item = &'a Run>, value: fn(&eoinas_core::Counts) -> u64) -> Vec<f64> {
    runs.into_iter().filter_map(|run| Some(value(&run.costs()?) as f64 / 1e6)).collect()
}

/// Name and seconds of the largest unit in which the longest of these times is no small fraction.
fn unit(seconds: &[f64]) -> (&'static str, f64) {
    match seconds.iter().copied().fold(0.0, f64::max) {
        8640.0.. => ("days", 86400.0),
        3600.0.. => ("hours", 3600.0),
        60.0.. => ("min", 60.0),
        _ => ("s", 1.0),
    }
}

fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "–".to_owned())
}

/// The table without the columns that have a value in no row.
fn without_empty_columns(table: Table) -> Table {
    without_empty(table, |_| true)
}

/// The same of the columns that are called so.
fn without_empty(table: Table, called: impl Fn(&str) -> bool) -> Table {
    let has = |column: &usize| table.rows.iter().any(|row| row.get(*column).is_some_and(|text| text != "–"));
    let stays = |column: &usize| table.header.get(*column).is_some_and(|name| !called(name)) || has(column);
    let kept: Vec<usize> = (0..table.header.len()).filter(stays).collect();
    let pick = |row: &Vec<String>| kept.iter().filter_map(|column| row.get(*column).cloned()).collect();
    Table { header: pick(&table.header), rows: table.rows.iter().map(pick).collect() }
}
