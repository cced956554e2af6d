//! Values of each op of each edge over the epochs, as a map of colours.

use plotters::prelude::*;

use super::axes::{WIDTH, draw, font, rgb};
use super::figure::{Figure, Grid};
use crate::{error::Result, format::maybe, table::Table, theme};

/// One op of one edge.
#[derive(Clone, Debug, Default)]
pub struct HeatRow {
    /// The edge; rows of one edge stand together.
    pub edge: String,
    /// The op.
    pub op: String,
    /// A value for each column; `None` where the op is pruned or has no value.
    pub values: Vec<Option<f64>>,
    /// The column after which the op was pruned.
    pub pruned: Option<usize>,
}

/// Rows of values over columns.
#[derive(Clone, Debug, Default)]
pub struct HeatMap {
    /// Title.
    pub title: String,
    /// What it shows.
    pub caption: String,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<HeatRow>,
}

const LEFT: f64 = 100.0;
const ROW: f64 = 12.0;
const HEAD: f64 = 18.0;
/// Room on the right, which a cross needs.
const RIGHT: f64 = 12.0;
const TOP: f64 = 46.0;
const BOTTOM: f64 = 26.0;
/// Colours that are told apart: neighbours of one colour are drawn as one.
const LEVELS: f64 = 40.0;

/// The most columns that a map is drawn with; more would be narrower than an eye can tell apart.
pub(crate) const MAX_COLUMNS: usize = 48;

impl HeatMap {
    /// Draws it; `None` without any value.
    ///
    /// # Errors
    /// The plotting library fails.
    pub fn figure(&self) -> Result<Option<Figure>> {
        let values: Vec<f64> = self.rows.iter().flat_map(|row| row.values.iter().flatten().copied()).collect();
        let most = cut_off(&values);
        if values.is_empty() || self.columns.is_empty() {
            return Ok(None);
        }
        let tops = self.tops();
        let height = tops.last().copied().unwrap_or(TOP) + ROW + BOTTOM;
        let step = (f64::from(WIDTH) - LEFT - RIGHT) / self.columns.len() as f64;
        let x = |column: usize| (LEFT + column as f64 * step).round() as i32;
        let svg = draw(&self.title, (WIDTH, height.ceil() as u32), |area| {
            bar(area, most)?;
            let mut edge = "";
            for (row, top) in self.rows.iter().zip(&tops) {
                let (upper, lower) = (*top as i32, (*top + ROW) as i32 - 1);
                if row.edge != edge {
                    area.draw(&Text::new(row.edge.clone(), (6, upper - 15), font(14, theme::TEXT)))?;
                    edge = &row.edge;
                }
                area.draw(&Text::new(row.op.clone(), (16, upper), font(13, theme::MUTED)))?;
                for (from, to, level) in runs(&row.values, most) {
                    let (r, g, b) = theme::scale(level);
                    area.draw(&Rectangle::new([(x(from), upper), (x(to), lower)], RGBColor(r, g, b).filled()))?;
                }
                if let Some(column) = row.pruned {
                    let (at, middle) = (x(column + 1), (upper + lower) / 2);
                    let mark = rgb(theme::PALETTE[1]).stroke_width(2);
                    area.draw(&PathElement::new(vec![(at + 1, middle - 3), (at + 7, middle + 3)], mark))?;
                    area.draw(&PathElement::new(vec![(at + 1, middle + 3), (at + 7, middle - 3)], mark))?;
                }
            }
            let every = self.columns.len().div_ceil(8);
            for (column, name) in self.columns.iter().enumerate().step_by(every) {
                area.draw(&Text::new(name.clone(), (x(column), (height - BOTTOM) as i32 + 6), font(13, theme::MUTED)))?;
            }
            Ok(())
        })?;
        let grid = Some(self.grid(&tops, step));
        Ok(Some(Figure { grid, ..Figure::new(&self.title, &self.caption, svg, self.table()) }))
    }

    /// Upper edge of each row: those of one edge under its name.
    fn tops(&self) -> Vec<f64> {
        let mut at = TOP - ROW;
        let mut edge = None;
        let top = |row: &HeatRow| {
            at += if edge.as_ref() == Some(&row.edge) { ROW } else { ROW + HEAD };
            edge = Some(row.edge.clone());
            at
        };
        self.rows.iter().map(top).collect()
    }

    fn grid(&self, tops: &[f64], step: f64) -> Grid {
        let round = |value: f64| format!("{value:.3e}").parse().unwrap_or(value);
        let row = |(row, top): (&HeatRow, &f64)| {
            let values = row.values.iter().map(|value| value.map(round)).collect();
            (*top, ROW, format!("{}, {}", row.edge, row.op), values)
        };
        Grid { x: LEFT, step, columns: self.columns.clone(), rows: self.rows.iter().zip(tops).map(row).collect() }
    }

    fn table(&self) -> Table {
        let names = self.columns.iter().map(|name| format!("epoch {name}"));
        let row = |row: &HeatRow| {
            let values = row.values.iter().map(|value| value.map_or(String::new(), |value| maybe(Some(value))));
            [row.edge.clone(), row.op.clone()].into_iter().chain(values).collect()
        };
        Table {
            header: ["edge".to_owned(), "op".to_owned()].into_iter().chain(names).collect(),
            rows: self.rows.iter().map(row).collect(),
        }
    }
}

/// The value of the lightest colour: the largest but for the top two of a hundred, so that single outliers (an op that
/// was drawn once) do not leave all others dark.
fn cut_off(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len().saturating_sub(1)) * 98 / 100;
    sorted.get(at).copied().filter(|most| *most > 0.0).unwrap_or(1.0)
}

/// Stretches of columns that have one colour: first, end, share of the scale.
fn runs(values: &[Option<f64>], most: f64) -> Vec<(usize, usize, f64)> {
    let mut runs: Vec<(usize, usize, f64)> = Vec::new();
    for (column, value) in values.iter().enumerate() {
        let Some(value) = value.filter(|value| value.is_finite()) else { continue };
        let level = ((value / most).clamp(0.0, 1.0) * LEVELS).round() / LEVELS;
        match runs.last_mut() {
            Some(last) if last.1 == column && last.2 == level => last.1 = column + 1,
            _ => runs.push((column, column + 1, level)),
        }
    }
    runs
}

/// The scale of colours with its ends.
fn bar(area: &super::axes::Area<'_>, most: f64) -> Result<(), Box<dyn std::error::Error>> {
    let (left, steps) = (LEFT as i32, 40);
    for step in 0..steps {
        let (r, g, b) = theme::scale(f64::from(step) / f64::from(steps - 1));
        let corner = (left + step * 3, 8);
        area.draw(&Rectangle::new([corner, (corner.0 + 3, 20)], RGBColor(r, g, b).filled()))?;
    }
    area.draw(&Text::new("0", (left - 12, 8), font(14, theme::MUTED)))?;
    let text = format!("≥ {}    × pruned", maybe(Some(most)));
    area.draw(&Text::new(text, (left + 126, 8), font(14, theme::MUTED)))?;
    Ok(())
}
