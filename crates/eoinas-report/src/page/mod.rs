//! One self-contained HTML page.

mod figure;
mod head;

use crate::{
    format,
    record::{Run, Source, State},
    story::Section,
    svg::escape,
    table::Table,
    theme,
};

pub use head::{train_command, verdict};

/// A run with its parts.
#[derive(Clone, Debug)]
pub struct Chapter<'a> {
    /// The run.
    pub run: &'a Run,
    /// Its cells, drawn.
    pub cells: Section,
    /// The story.
    pub sections: Vec<Section>,
    /// Address of the run's own page, where its story is told there.
    pub link: Option<String>,
}

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Page<'a> {
    /// Its title.
    pub title: String,
    /// Parts that concern all runs.
    pub overview: Vec<Section>,
    /// Tables as papers have them, with their titles.
    pub tables: Vec<(String, Table)>,
    /// The runs, the best first.
    pub chapters: Vec<Chapter<'a>>,
}

impl Page<'_> {
    /// The page's text.
    pub fn to_html(&self) -> String {
        let mut body = String::new();
        let mut ids = figure::Ids::default();
        let single = self.chapters.len() == 1;
        if !single {
            body += &format!("<header><h1>{}</h1></header>\n", escape(&self.title));
            for (title, table) in &self.tables {
                body += &format!("<section><h2>{}</h2>{}</section>\n", escape(title), table.to_html());
            }
            for section in &self.overview {
                body += &figure::section(section, &mut ids);
            }
        }
        for chapter in &self.chapters {
            let inner = chapter_html(chapter, single, &mut ids);
            body += &format!("<article>{inner}</article>\n");
        }
        if single {
            for section in &self.overview {
                body += &figure::section(section, &mut ids);
            }
            for (title, table) in &self.tables {
                body += &format!("<section><h2>{}</h2>{}</section>\n", escape(title), table.to_html());
            }
        }
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
             <link rel=\"icon\" href=\"data:,\">\n<style>\n{}{}</style>\n</head>\n<body>\n{body}\
             <div id=\"tip\" role=\"status\"></div>\n<script>\n{}</script>\n</body>\n</html>\n",
            escape(&self.title),
            theme::variables(),
            include_str!("style.css"),
            include_str!("script.js"),
        )
    }
}

/// The title of a page about these sources.
pub fn title(sources: &[Source]) -> String {
    sources.iter().map(|source| source.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn chapter_html(chapter: &Chapter<'_>, single: bool, ids: &mut figure::Ids) -> String {
    let run = chapter.run;
    let mut text = head::head(run, single);
    text += &notes(run);
    text += &figure::section(&chapter.cells, ids);
    text += &head::genotype(run);
    text += &head::facts(run);
    if let Some(link) = &chapter.link {
        text += &format!("<p><a href=\"{}\">The story of this run</a></p>\n", escape(link));
    }
    for section in &chapter.sections {
        text += &figure::section(section, ids);
    }
    text
}

/// What a reader must know before anything else: that the run is not done, what is missing, its warnings.
fn notes(run: &Run) -> String {
    let mut text = String::new();
    match run.state() {
        State::Finished => {}
        State::Stopped(stop) => {
            let detail = format!("The run stopped before its end ({}): {}", stop.reason.replace('_', " "), stop.detail);
            text += &format!("<p class=\"note\">{}</p>\n", escape(&detail));
        }
        State::Unfinished => {
            text += "<p class=\"note\">The record has no end: the run goes on, or it was killed. The page shows what is \
                     there.</p>\n";
        }
    }
    if !run.problems.is_empty() {
        let items = run.problems.iter().take(20).map(|problem| {
            let line = problem.line.map_or(String::new(), |line| format!("line {line}: "));
            format!("<li>{}</li>", escape(&format!("{line}{}", problem.text)))
        });
        let more = run.problems.len().saturating_sub(20);
        let rest = if more > 0 { format!("<li>and {more} more</li>") } else { String::new() };
        text += &format!(
            "<div class=\"note\" id=\"missing\"><strong>Parts of the record could not be read.</strong><ul>{}{rest}</ul></div>\n",
            items.collect::<String>()
        );
    }
    if !run.warnings.is_empty() {
        let items: String = run.warnings.iter().take(50).map(|w| format!("<li>{}</li>", escape(w))).collect();
        text += &format!(
            "<details class=\"note\"><summary>{} warnings of the run</summary><ul>{items}</ul></details>\n",
            run.warnings.len()
        );
    }
    if run.space().is_some_and(|(_, guessed)| guessed) {
        text += "<p class=\"note\">The names of ops and edges are lost; those of the space that the tables' shape fits are \
                 shown.</p>\n";
    }
    if run.epochs.is_empty() {
        text +=
            &format!("<p class=\"note\">No epoch is complete yet ({} on record).</p>\n", format::duration(run.seconds));
    }
    text
}
