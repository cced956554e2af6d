//! Variants of the search beside each other.

use std::collections::BTreeSet;

use super::{done_of, errors, is_training, millions, other_scores, search_of, unit, without_empty_columns};
use crate::{
    format::mean,
    record::{Run, Source, tried_op},
    table::Table,
};

/// Which parts of the method each source of searches used, as Table 3: GOP is gradual operation pruning, OII the operation
/// importance indicator. Test errors are those of the found networks' trainings, with and without cutout, where they are
/// among the sources; the validation error is the search's own. Empty with fewer than two kinds of search.
pub fn ablation(sources: &[Source]) -> Table {
    let kind = |run: &Run| Some((run.method().to_owned(), parts(run)?));
    let kinds: BTreeSet<_> = sources.iter().flat_map(|source| source.runs.first()).filter_map(kind).collect();
    if kinds.len() < 2 { Table::default() } else { means(sources, true) }
}

/// The same without the parts of the method. Empty where no source has more than one search.
pub fn averaged(sources: &[Source]) -> Table {
    let several = |source: &Source| source.runs.iter().filter(|run| run.is_search()).count() > 1;
    if sources.iter().any(several) { means(sources, false) } else { Table::default() }
}

fn means(sources: &[Source], with_parts: bool) -> Table {
    let searching = done_of(sources, Run::is_search);
    let trainings: Vec<(&Run, &Source)> = done_of(sources, is_training)
        .into_iter()
        .flat_map(|(beside, runs)| runs.into_iter().map(move |run| (beside, run)))
        .filter_map(|(beside, run)| {
            let (source, search) = search_of(run, sources)?;
            // A correlation study trains the found cell, too, but by settings of its own.
            (!is_tried(beside, search)).then_some((run, source))
        })
        .collect();
    let seconds: Vec<f64> = searching.iter().flat_map(|(_, runs)| runs).map(|run| run.seconds).collect();
    let (name, length) = unit(&seconds);
    let time = format!("Search ({name})");
    let mut table = Table::new([
        "Architecture",
        "GOP",
        "OII",
        "Test error (%)",
        "Test error, cutout (%)",
        "Validation error (%)",
        "Score",
        "Params (M)",
        "MAdds (M)",
        &time,
        "Runs",
    ]);
    for (source, runs) in &searching {
        let all = || runs.iter().copied();
        let parts = all().find_map(parts).filter(|_| with_parts);
        let mark =
            |used: fn((bool, bool)) -> bool| parts.map_or("–", |parts| if used(parts) { "✓" } else { "×" }).to_owned();
        let trained: Vec<&Run> =
            trainings.iter().filter(|(_, of)| std::ptr::eq(*of, *source)).map(|(run, _)| *run).collect();
        let by_cutout = [false, true]
            .map(|cutout| -> Vec<&Run> { trained.iter().copied().filter(|run| has_cutout(run) == cutout).collect() });
        let [plain, cutout] = &by_cutout;
        // Of the networks that the errors are of, each once: those that were trained, else those that are to be.
        let costed = [plain, cutout, runs].into_iter().find(|runs| !runs.is_empty()).unwrap_or(runs);
        let costed = || costed.iter().copied();
        let times: Vec<f64> = all().map(|run| run.seconds / length).collect();
        table.rows.push(vec![
            source.name.clone(),
            mark(|parts| parts.0),
            mark(|parts| parts.1),
            mean(&errors(plain.iter().copied())),
            mean(&errors(cutout.iter().copied())),
            mean(&errors(all())),
            other_scores(runs),
            mean(&millions(costed(), |counts| counts.parameters)),
            mean(&millions(costed(), |counts| counts.multiply_adds)),
            mean(&times),
            runs.len().to_string(),
        ]);
    }
    without_empty_columns(table)
}

/// Whether a source has the trainings of a correlation study beside that search.
fn is_tried(source: &Source, search: &Run) -> bool {
    let folder = source.folder.file_name().unwrap_or_default().to_string_lossy();
    search.space().is_some_and(|(space, _)| tried_op(&folder, &space).is_some())
}

/// Whether a search prunes gradually, and whether it goes by more than the architecture weights.
fn parts(run: &Run) -> Option<(bool, bool)> {
    let config = &run.started.as_ref().filter(|_| run.is_search())?.config;
    // Version 0.1.0 had the settings of a method side by side with those of every search.
    let own = config.get("method").and_then(|method| method.get("eoinas")).unwrap_or(config);
    let kind = |name: &str| own.get(name).and_then(|part| part.get("kind")).and_then(|kind| kind.as_str());
    let eoinas = run.method() == "eoinas";
    Some((eoinas && kind("prune") != Some("never"), eoinas && kind("indicator").is_some_and(|kind| kind != "beta")))
}

/// Whether a training blanks squares of its images.
fn has_cutout(run: &Run) -> bool {
    let config = run.started.as_ref().map(|started| &started.config);
    let side = config.and_then(|config| config.get("augment")?.get("cutout")?.as_u64());
    side.is_some_and(|side| side > 0)
}
