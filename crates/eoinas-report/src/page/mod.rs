//! One self-contained HTML page.

pub(crate) mod figure;
mod head;
mod lead;

use std::path::PathBuf;

use crate::{
    format,
    id::Ids,
    record::{Run, State},
    story::Section,
    svg::escape,
    table::Table,
    theme,
};

pub use head::{train_command, verdict};
pub use lead::Lead;
pub(crate) use lead::cells as lead_cells;

/// A run with its parts.
#[derive(Clone, Debug)]
pub struct Chapter<'a> {
    /// What it is called.
    pub title: String,
    /// The run.
    pub run: &'a Run,
    /// Its cells, drawn.
    pub cells: Section,
    /// The story.
    pub sections: Vec<Section>,
    /// Address of the run's own page, where its story is told there.
    pub link: Option<String>,
}

/// With more runs than these, only the best is told without being asked for.
const OPEN: usize = 3;
/// What every page of this crate has, and no other.
pub(crate) const MARK: &str = "<meta name=\"generator\" content=\"eoinas-report\">";

/// What the page shows.
#[derive(Clone, Debug, Default)]
pub struct Page<'a> {
    /// Its title.
    pub title: String,
    /// The trained network that all else led to, with its cells.
    pub lead: Option<(Lead<'a>, Section)>,
    /// Folders of runs whose record is lost.
    pub lost: Vec<PathBuf>,
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
        // Anchors of several runs would be the same; two are the page's own.
        let mut ids = Ids::reserving(["tip", "missing"]);
        let single = self.chapters.len() == 1 && self.lead.is_none();
        if let Some((lead, cells)) = &self.lead {
            body += &lead.html();
            body += &figure::section(cells, &mut ids);
            body += &self.lost();
        } else if single {
            body += &self.lost();
        } else {
            let summary = head::summary(&self.chapters);
            body += &format!("<header><h1>{}</h1><p>{}</p></header>\n", escape(&self.title), escape(&summary));
            body += &self.lost();
            body += &self.tables();
            body += &self.overview(&mut ids);
        }
        for (index, chapter) in self.chapters.iter().enumerate() {
            let inner = chapter_html(chapter, single, &mut ids);
            // Of many runs the best is told here, and the others when they are asked for. What a lead was made of is all told.
            let open = if self.lead.is_some() { index < 2 } else { index == 0 || self.chapters.len() <= OPEN };
            body += &if open {
                format!("<article>{inner}</article>\n")
            } else {
                let line = format!("{}: {}", head::heading(chapter), verdict(chapter.run));
                format!(
                    "<details class=\"run\"><summary>{}</summary><article>{inner}</article></details>\n",
                    escape(&line)
                )
            };
        }
        if self.lead.is_some() {
            let inner = self.overview(&mut ids) + &self.tables();
            if !inner.is_empty() {
                body +=
                    &format!("<details class=\"run\"><summary>All runs beside each other</summary>{inner}</details>\n");
            }
        } else if single {
            body += &self.overview(&mut ids);
            body += &self.tables();
        }
        document(&self.title, &body)
    }
}

/// A page with this title, in the look of all of them.
pub(crate) fn document(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n{MARK}\n<title>{}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n<style>\n{}{}</style>\n</head>\n<body>\n{body}\
         <div id=\"tip\" role=\"status\"></div>\n<script>\n{}</script>\n</body>\n</html>\n",
        escape(title),
        theme::variables(),
        include_str!("style.css"),
        include_str!("script.js"),
    )
}

impl Page<'_> {
    fn tables(&self) -> String {
        let html = |(title, table): &(String, Table)| {
            format!("<section><h2>{}</h2>{}</section>\n", escape(title), table.to_html())
        };
        self.tables.iter().map(html).collect()
    }

    fn overview(&self, ids: &mut Ids) -> String {
        self.overview.iter().map(|section| figure::section(section, ids)).collect()
    }

    /// Which runs could not be read at all.
    fn lost(&self) -> String {
        if self.lost.is_empty() {
            return String::new();
        }
        let items: String =
            self.lost.iter().map(|path| format!("<li>{}</li>", escape(&path.to_string_lossy()))).collect();
        format!(
            "<div class=\"note\"><strong>These runs have no events.jsonl and are left out.</strong><ul>{items}</ul></div>\n"
        )
    }
}

fn chapter_html(chapter: &Chapter<'_>, single: bool, ids: &mut Ids) -> String {
    let run = chapter.run;
    let mut text = head::head(chapter, single, ids);
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
