//! What a reader wants first: how good, at what cost, on what, made by which command, trained by which.

use std::{collections::BTreeSet, path::Path};

use eoinas_core::{counted, event::shell_word, run_folder::names};

use super::Chapter;
use crate::{
    format::{command, count, duration, nth, sentence, shown},
    id::{Id, Ids},
    record::{Run, State},
    svg::escape,
};

/// What all the runs are, and how they stand.
pub(super) fn summary(chapters: &[Chapter<'_>]) -> String {
    let count = |what: &dyn Fn(&Run) -> bool| chapters.iter().filter(|chapter| what(chapter.run)).count();
    let named = |count: usize, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let kinds = [
        named(count(&Run::is_search), "search", "searches"),
        named(count(&|run| !run.is_search()), "training", "trainings"),
    ];
    let kinds = kinds.into_iter().flatten().collect::<Vec<_>>().join(" and ");
    let data: BTreeSet<&str> =
        chapters.iter().filter_map(|chapter| Some(chapter.run.started.as_ref()?.dataset.name.as_str())).collect();
    let data = data.into_iter().collect::<Vec<_>>().join(", ");
    let open = count(&|run| run.state() != State::Finished);
    let damaged = count(&|run| !run.problems.is_empty());
    let states = [
        Some(if open == 0 { "all are finished".to_owned() } else { format!("{open} did not come to the end yet") }),
        named(damaged, "record has parts that cannot be read", "records have parts that cannot be read"),
    ];
    let states = states.into_iter().flatten().collect::<Vec<_>>().join("; ");
    let on = if data.is_empty() { String::new() } else { format!(" on {data}") };
    format!("{kinds}{on}; {states}.")
}

/// What a run is called.
pub(super) fn heading(chapter: &Chapter<'_>) -> String {
    let kind = if chapter.run.is_search() { "Search" } else { "Training" };
    format!("{kind}: {}", chapter.title)
}

/// One sentence about a run.
pub fn verdict(run: &Run) -> String {
    let model = run.started.as_ref().and_then(|started| started.model.as_ref());
    // The method of a training says no more than that.
    let what = match model {
        _ if run.is_search() => format!("search with {}", run.method()),
        Some(info) => format!("training of {}", info.model),
        None => "training".to_owned(),
    };
    let state = match run.state() {
        State::Finished => "finished".to_owned(),
        State::Stopped(stop) => format!("stopped ({})", stop.reason.replace('_', " ")),
        State::Unfinished => "not finished".to_owned(),
    };
    let measure = run.measure();
    let score = match run.score() {
        Some((score, on)) => format!("{} ({on})", shown(&measure, score)),
        None => format!("no {} yet", measure.title()),
    };
    format!("{what}, {state}: {score}")
}

pub(super) fn head(chapter: &Chapter<'_>, single: bool, ids: &mut Ids) -> String {
    let run = chapter.run;
    let level = if single { "h1" } else { "h2" };
    let mut tiles = Vec::new();
    if let Some((score, on)) = run.score() {
        tiles.push((shown(&run.measure(), score), on));
    }
    let epochs = run.epochs.last().map_or(0, |end| nth(end.what.epoch));
    let planned = run.planned().map_or(String::new(), |planned| format!(" of {planned}"));
    tiles.push((
        duration(run.seconds),
        match planned.is_empty() {
            true => counted(epochs, "epoch", "epochs"),
            false => format!("{epochs}{planned} epochs"),
        },
    ));
    if let Some(costs) = run.costs() {
        let network = if run.is_search() { "of the network to be retrained" } else { "of the network" };
        tiles.push((count(costs.parameters), format!("parameters {network}")));
        tiles.push((count(costs.multiply_adds), "multiply-adds for one image".to_owned()));
    }
    if let Some(started) = &run.started {
        let data = &started.dataset;
        let other = if run.is_search() { "validation" } else { "test" };
        let images =
            format!("{} training and {} {other} images, {}", data.train_images, data.valid_images, data.answers());
        tiles.push((data.name.clone(), images));
    }
    let tiles = tiles.iter().map(|(value, name)| {
        format!("<div class=\"tile\"><b>{}</b><span>{}</span></div>", escape(value), escape(name))
    });
    format!(
        "<header id=\"{}\"><{level}>{}</{level}><p>{}</p><div class=\"tiles\">{}</div></header>\n",
        ids.take(&Id::of(&format!("run-{}", chapter.title))),
        escape(&heading(chapter)),
        escape(&sentence(&verdict(run))),
        tiles.collect::<String>()
    )
}

/// The genotype's text.
pub(super) fn genotype(run: &Run) -> String {
    run.genotype().map_or(String::new(), |genotype| {
        format!("<details><summary>Genotype</summary><pre>{}</pre></details>\n", escape(&genotype.to_string()))
    })
}

/// Commands and settings.
pub(super) fn facts(run: &Run) -> String {
    let mut text = String::from("<section><h2>How it was made</h2>\n");
    let Some(started) = &run.started else {
        return text + "<p>The first event is missing, and with it command and settings.</p></section>\n";
    };
    if started.command.is_empty() {
        text += "<p>The run was started by a program of its own, not by a command.</p>\n";
    } else {
        text += &format!("<p>This command made it:</p><pre>{}</pre>\n", escape(&command(&started.command)));
    }
    if let Some(train) = train_command(run) {
        text += &format!("<p>This one trains the cell's network:</p><pre>{}</pre>\n", escape(&train));
    }
    let settings = serde_json::to_string_pretty(&started.config).unwrap_or_default();
    text += &format!(
        "<details><summary>All settings (seed {}, program version {})</summary><pre>{}</pre></details></section>\n",
        started.seed,
        escape(&started.program_version),
        escape(&settings)
    );
    text
}

/// The command that trains the network of a found cell, on the images of the search; `None` where there is no cell yet,
/// or for a training.
pub fn train_command(run: &Run) -> Option<String> {
    run.derived.as_ref().filter(|_| run.is_search())?;
    let genotype = run.dir.join(names::GENOTYPE_TEXT);
    let data = run.started.as_ref().and_then(|started| started.config.get("data"));
    let word = |name: &str| data.and_then(|data| data.get(name)).and_then(|value| value.as_str());
    // By the program that searched: the installed one, or else its twin among the examples.
    let program = run.started.as_ref().and_then(|started| started.command.first());
    let train = match program.filter(|program| Path::new(program).file_stem().is_some_and(|stem| stem == "eoinas")) {
        Some(program) => format!("{} train", shell_word(program)),
        // Examples read pictures where that is asked for.
        None if word("dataset") == Some("folder") => {
            "cargo run --release --features images --example train_cell --".to_owned()
        }
        None => "cargo run --release --example train_cell --".to_owned(),
    };
    let mut text = format!("{train} --genotype {}", shell_word(genotype));
    if let Some(dir) = word("dir") {
        text += &format!(" --data {}", shell_word(dir));
    }
    // There are several that need no folder.
    if let Some(dataset) = word("dataset") {
        text += &format!(" --dataset {}", shell_word(dataset));
    }
    Some(text)
}
