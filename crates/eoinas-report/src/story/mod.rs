//! Which pictures and tables a run has.

mod alone;
mod cells;
mod compare;
mod correlation;
mod curves;
mod finalists;
mod maps;
mod prunings;
mod ranks;

use crate::{error::Result, evaluation::Card, plot::Figure, record::Run, table::Table};

pub use compare::compare;
pub use correlation::{correlation, read_points};

/// A part of the page.
#[derive(Clone, Debug, Default)]
pub struct Section {
    /// Its heading.
    pub title: String,
    /// What it is about.
    pub text: String,
    /// Pictures.
    pub figures: Vec<Figure>,
    /// Tables with their titles, that are shown as such.
    pub tables: Vec<(String, Table)>,
    /// Pictures that a network saw.
    pub cards: Vec<Card>,
}

impl Section {
    fn new(title: &str, text: &str, figures: Vec<Figure>) -> Self {
        Self { title: title.to_owned(), text: text.to_owned(), figures, ..Self::default() }
    }
}

/// The cells of a run as they are now, drawn.
pub fn cells(run: &Run) -> Section {
    cells::found(run)
}

/// Everything else that the run's record tells, in the order of the telling.
///
/// # Errors
/// The plotting library fails.
pub fn sections(run: &Run) -> Result<Vec<Section>> {
    let mut sections = vec![curves::section(run)?];
    if run.is_search() {
        sections.extend([
            finalists::section(run)?,
            curves::ops(run)?,
            cells::depths(run)?,
            cells::supernet(run),
            prunings::section(run),
            maps::section(run)?,
            ranks::weights(run)?,
            ranks::section(run)?,
        ]);
    }
    sections.retain(|section| !section.figures.is_empty() || !section.tables.is_empty());
    Ok(sections)
}
