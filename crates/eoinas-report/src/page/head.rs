//! What a reader wants first: how good, at what cost, on what, made by which command, trained by which.

use crate::{
    format::{command, count, duration, percent, shell_word},
    record::{Run, State},
    svg::escape,
};

/// One sentence about a run.
pub fn verdict(run: &Run) -> String {
    let what = if run.is_search() { "search" } else { "training" };
    let state = match run.state() {
        State::Finished => "finished".to_owned(),
        State::Stopped(stop) => format!("stopped ({})", stop.reason.replace('_', " ")),
        State::Unfinished => "not finished".to_owned(),
    };
    let accuracy =
        run.accuracy().map_or_else(|| "no accuracy yet".to_owned(), |(a, on)| format!("{} ({on})", percent(a)));
    format!("{} {what}, {state}: {accuracy}", run.method())
}

pub(super) fn head(run: &Run, single: bool) -> String {
    let level = if single { "h1" } else { "h2" };
    let kind = if run.is_search() { "Search" } else { "Training" };
    let mut tiles = Vec::new();
    if let Some((accuracy, on)) = run.accuracy() {
        tiles.push((percent(accuracy), on));
    }
    let epochs = run.epochs.last().map_or(0, |end| end.what.epoch + 1);
    let planned = run.planned().map_or(String::new(), |planned| format!(" of {planned}"));
    tiles.push((duration(run.seconds), format!("{epochs}{planned} epochs")));
    if let Some(costs) = run.costs() {
        let network = if run.is_search() { "of the network to be retrained" } else { "of the network" };
        tiles.push((count(costs.parameters), format!("parameters {network}")));
        tiles.push((count(costs.multiply_adds), "multiply-adds for one image".to_owned()));
    }
    if let Some(started) = &run.started {
        let data = &started.dataset;
        let other = if run.is_search() { "validation" } else { "test" };
        let images = format!(
            "{} training and {} {other} images, {} classes",
            data.train_images,
            data.valid_images,
            data.classes.len()
        );
        tiles.push((data.name.clone(), images));
    }
    let tiles = tiles.iter().map(|(value, name)| {
        format!("<div class=\"tile\"><b>{}</b><span>{}</span></div>", escape(value), escape(name))
    });
    format!(
        "<header id=\"run-{}\"><{level}>{kind} {}</{level}><p>{}</p><div class=\"tiles\">{}</div></header>\n",
        crate::plot::id(&run.name),
        escape(&run.name),
        escape(&verdict(run)),
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
    let genotype = run.dir.join("genotype.txt");
    let mut text =
        format!("cargo run --release --example train_cell -- --genotype {}", shell_word(&genotype.to_string_lossy()));
    let data = run.started.as_ref().and_then(|started| started.config.get("data"));
    let word = |name: &str| data.and_then(|data| data.get(name)).and_then(|value| value.as_str());
    if let Some(dir) = word("dir") {
        text += &format!(" --data {}", shell_word(dir));
        if let Some(dataset) = word("dataset") {
            text += &format!(" --dataset {}", shell_word(dataset));
        }
    }
    Some(text)
}
