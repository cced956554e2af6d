//! Tables of the kind of the paper's Tables 1 to 3, from a set of runs.

use eoinas_core::{Genotype, statistics::mean_and_deviation};

use crate::{
    format,
    record::{Run, Source},
    table::Table,
};

/// Runs that are one line of a table.
#[derive(Debug)]
struct Line<'a> {
    name: String,
    runs: Vec<&'a Run>,
    /// The search that found the cell that is trained, where it is among the sources.
    search: Option<&'a Run>,
}

/// Every table that the runs can fill: trained networks as Tables 1 and 2, searches, ablation as Table 3.
pub fn tables(sources: &[Source]) -> Vec<(String, Table)> {
    let mut tables = vec![
        ("Trained networks".to_owned(), trained(sources)),
        ("Searches".to_owned(), searches(sources)),
        ("Ablation".to_owned(), ablation(sources)),
    ];
    tables.retain(|(_, table)| !table.rows.is_empty());
    tables
}

/// Test errors as Tables 1 and 2: one row for each folder of trainings (trials that train different cells, such as random
/// ones, are averaged all the same), mean and sample deviation over its runs; search cost in days where the search is
/// among the sources.
pub fn trained(sources: &[Source]) -> Table {
    let mut table = Table::new([
        "Architecture",
        "Data",
        "Runs",
        "Search (days)",
        "Params (M)",
        "MAdds (M)",
        "Test error (%)",
        "Top-5 error (%)",
        "Search method",
    ]);
    for line in lines(sources) {
        let errors: Vec<f64> = line.runs.iter().filter_map(|run| Some(100.0 * (1.0 - run.accuracy()?.0))).collect();
        let top5 = |run: &&Run| Some(100.0 * (1.0 - run.epochs.last()?.what.valid_top5?));
        let top5: Vec<f64> = line.runs.iter().filter_map(top5).collect();
        let millions = |value: fn(&eoinas_core::Counts) -> u64| -> Vec<f64> {
            line.runs.iter().filter_map(|run| Some(value(&run.costs()?) as f64 / 1e6)).collect()
        };
        let data = line.runs.iter().find_map(|run| Some(run.started.as_ref()?.dataset.name.clone()));
        table.rows.push(vec![
            line.name.clone(),
            data.unwrap_or_else(|| "–".to_owned()),
            line.runs.len().to_string(),
            line.search.map_or_else(|| "–".to_owned(), |search| format::number(search.seconds / 86400.0)),
            mean(&millions(|counts| counts.parameters)),
            mean(&millions(|counts| counts.multiply_adds)),
            mean(&errors),
            mean(&top5),
            line.search.map_or_else(|| "–".to_owned(), |search| search.method().to_owned()),
        ]);
    }
    table
}

/// One row for each search.
pub fn searches(sources: &[Source]) -> Table {
    let mut table = Table::new([
        "Search",
        "Method",
        "Data",
        "Seed",
        "State",
        "Epochs",
        "Time",
        "Params (M)",
        "MAdds (M)",
        "Validation error (%)",
        "of",
        "Depth",
        "skip_connect",
    ]);
    for (source, run) in sources.iter().flat_map(|source| source.runs.iter().map(move |run| (source, run))) {
        if !run.is_search() {
            continue;
        }
        let genotype = run.genotype();
        let joined = |value: fn(&eoinas_core::CellGenotype) -> usize| {
            let values =
                |g: &Genotype| g.cells.iter().map(|cell| value(cell).to_string()).collect::<Vec<_>>().join(" / ");
            genotype.as_ref().map_or_else(|| "–".to_owned(), values)
        };
        let costs = run.costs();
        let million = |value: Option<u64>| format::maybe(value.map(|value| value as f64 / 1e6));
        let started = run.started.as_ref();
        table.rows.push(vec![
            if source.several { format!("{}/{}", source.name, run.name) } else { source.name.clone() },
            run.method().to_owned(),
            started.map_or_else(|| "–".to_owned(), |started| started.dataset.name.clone()),
            started.map_or_else(|| "–".to_owned(), |started| started.seed.to_string()),
            match run.state() {
                crate::record::State::Finished => "finished".to_owned(),
                crate::record::State::Stopped(stop) => stop.reason,
                crate::record::State::Unfinished => "not finished".to_owned(),
            },
            run.epochs.len().to_string(),
            format::duration(run.seconds),
            million(costs.map(|counts| counts.parameters)),
            million(costs.map(|counts| counts.multiply_adds)),
            format::maybe(run.accuracy().map(|(accuracy, _)| 100.0 * (1.0 - accuracy))),
            run.accuracy().map_or_else(|| "–".to_owned(), |(_, on)| on),
            joined(crate::cell::depth),
            joined(|cell| crate::cell::skip_sources(cell).len()),
        ]);
    }
    table
}

/// Which parts of the method each folder of searches used, as Table 3: GOP is gradual operation pruning, OII the operation
/// importance indicator. Errors are those of the found networks' trainings where they are among the sources, else of the
/// searches' own validation. Empty with fewer than two kinds of search.
pub fn ablation(sources: &[Source]) -> Table {
    let mut table =
        Table::new(["Architecture", "GOP", "OII", "Runs", "Time (days)", "Params (M)", "Error (%)", "measured on"]);
    let mut kinds: Vec<(String, bool, bool)> = Vec::new();
    for source in sources {
        let runs: Vec<&Run> = source.runs.iter().filter(|run| run.is_search()).collect();
        let Some((gop, oii)) = runs.iter().find_map(|run| parts(run)) else { continue };
        kinds.push((runs.first().map(|run| run.method().to_owned()).unwrap_or_default(), gop, oii));
        let trainings: Vec<&Run> = sources
            .iter()
            .flat_map(|other| &other.runs)
            .filter(|run| {
                !run.is_search()
                    && runs.iter().any(|search| search.derived.is_some() && search.genotype() == run.genotype())
            })
            .collect();
        let measured = if trainings.is_empty() { &runs } else { &trainings };
        let errors: Vec<f64> = measured.iter().filter_map(|run| Some(100.0 * (1.0 - run.accuracy()?.0))).collect();
        let parameters: Vec<f64> = runs.iter().filter_map(|run| Some(run.costs()?.parameters as f64 / 1e6)).collect();
        let days: Vec<f64> = runs.iter().map(|run| run.seconds / 86400.0).collect();
        let mark = |used: bool| if used { "✓" } else { "×" }.to_owned();
        table.rows.push(vec![
            source.name.clone(),
            mark(gop),
            mark(oii),
            measured.len().to_string(),
            mean(&days),
            mean(&parameters),
            mean(&errors),
            if trainings.is_empty() { "the search's validation half" } else { "the test part, after training" }
                .to_owned(),
        ]);
    }
    kinds.sort();
    kinds.dedup();
    if kinds.len() < 2 {
        table.rows.clear();
    }
    table
}

/// Whether a search prunes gradually, and whether it goes by more than the architecture weights.
fn parts(run: &Run) -> Option<(bool, bool)> {
    let config = &run.started.as_ref()?.config;
    let kind = |name: &str| config.get(name).and_then(|part| part.get("kind")).and_then(|kind| kind.as_str());
    let eoinas = run.method() == "eoinas";
    Some((eoinas && kind("prune") != Some("never"), eoinas && kind("indicator").is_some_and(|kind| kind != "beta")))
}

fn lines(sources: &[Source]) -> Vec<Line<'_>> {
    let searches: Vec<&Run> =
        sources.iter().flat_map(|source| &source.runs).filter(|run| run.is_search() && run.derived.is_some()).collect();
    let mut lines = Vec::new();
    for source in sources {
        let runs: Vec<&Run> = source.runs.iter().filter(|run| !run.is_search()).collect();
        if runs.is_empty() {
            continue;
        }
        let genotype = runs.first().and_then(|run| run.genotype());
        let same = |run: &&Run| genotype.is_some() && run.genotype() == genotype;
        let search =
            if runs.iter().all(|run| run.genotype() == genotype) { searches.iter().copied().find(same) } else { None };
        lines.push(Line { name: source.name.clone(), runs, search });
    }
    lines
}

/// `34.21 ± 0.35`, or the value alone where there is one or all are equal.
fn mean(values: &[f64]) -> String {
    match mean_and_deviation(values) {
        Some((mean, deviation)) if deviation > 0.0 => format!("{mean:.2} ± {deviation:.2}"),
        Some((mean, _)) => format::number((mean * 1000.0).round() / 1000.0),
        None => "–".to_owned(),
    }
}
