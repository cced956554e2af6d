//! A picture with its values.

use serde::Serialize;

use crate::{id::Id, table::Table};

/// A place in a picture that has something to say.
#[derive(Clone, Debug, PartialEq)]
pub struct Hover {
    /// Pixels from the left.
    pub x: f64,
    /// Pixels from the top.
    pub y: f64,
    /// What it says.
    pub text: String,
}

/// The cells of a heat map, which are too many to have an element each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Grid {
    /// Left edge of the first column in pixels.
    pub x: f64,
    /// Width of a column.
    pub step: f64,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Upper edge, height, name and values of each row; a value is missing where there is none.
    pub rows: Vec<(f64, f64, String, Vec<Option<f64>>)>,
}

/// A picture with its values.
#[derive(Clone, Debug, Default)]
pub struct Figure {
    /// Name of its files and anchor.
    pub id: Id,
    /// Title.
    pub title: String,
    /// What it shows.
    pub caption: String,
    /// The picture in colours for a light background.
    pub svg: String,
    /// Places that say something.
    pub hover: Vec<Hover>,
    /// Its values.
    pub table: Table,
    /// The cells of a heat map.
    pub grid: Option<Grid>,
    /// Text form of a cell's drawing.
    pub dot: Option<String>,
    /// Whether it gets a row of the page of its own, and scrolls where the screen is narrower than it.
    pub wide: bool,
}

impl Figure {
    /// A plot with its values, named by its title.
    pub fn new(title: &str, caption: &str, svg: String, table: Table) -> Self {
        Self { id: Id::of(title), title: title.to_owned(), caption: caption.to_owned(), svg, table, ..Self::default() }
    }
}
