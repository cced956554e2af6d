//! How often each pair of ranks occurs.

use plotters::prelude::*;

use super::axes::{draw, font, rgb};
use super::figure::{Figure, Hover};
use crate::{error::Result, table::Table, theme};

/// Counts of pairs of ranks, from 1.
#[derive(Clone, Debug, Default)]
pub struct Matrix {
    /// Title.
    pub title: String,
    /// What it shows.
    pub caption: String,
    /// Name of the columns' ranks.
    pub x: String,
    /// Name of the rows' ranks.
    pub y: String,
    /// Counts, row by row; all rows have one length.
    pub counts: Vec<Vec<usize>>,
}

const SIZE: (u32, u32) = (super::axes::WIDTH, 330);
const LEFT: i32 = 64;
const TOP: i32 = 14;

impl Matrix {
    /// Draws it; `None` without any count.
    ///
    /// # Errors
    /// The plotting library fails.
    pub fn figure(&self) -> Result<Option<Figure>> {
        let most = self.counts.iter().flatten().max().copied().unwrap_or(0);
        let (rows, columns) = (self.counts.len() as i32, self.counts.first().map_or(0, Vec::len) as i32);
        if most == 0 || rows == 0 || columns == 0 {
            return Ok(None);
        }
        let side = ((SIZE.1 as i32 - TOP - 46) / rows).min((SIZE.0 as i32 - LEFT - 20) / columns);
        let mut hover = Vec::new();
        let svg = draw(&self.title, SIZE, |area| {
            for (row, counts) in (0..).zip(&self.counts) {
                for (column, count) in (0..).zip(counts) {
                    let (x, y) = (LEFT + column * side, TOP + row * side);
                    let share = *count as f64 / most as f64;
                    let (r, g, b) = theme::scale(share);
                    let style = if *count == 0 { rgb(theme::PANEL).filled() } else { RGBColor(r, g, b).filled() };
                    area.draw(&Rectangle::new([(x, y), (x + side - 1, y + side - 1)], style))?;
                    if *count > 0 {
                        let color = if share > 0.6 { RGBColor(0, 0, 0) } else { RGBColor(255, 255, 255) };
                        let shift = 4 * count.to_string().len() as i32;
                        let style = ("sans-serif", 13).into_font().color(&color);
                        area.draw(&Text::new(count.to_string(), (x + side / 2 - shift, y + side / 2 - 7), style))?;
                        let text = format!("{} {}, {} {}: {count} ops", self.x, column + 1, self.y, row + 1);
                        hover.push(Hover { x: f64::from(x + side / 2), y: f64::from(y + side / 2), text });
                    }
                }
                area.draw(&Text::new(
                    (row + 1).to_string(),
                    (LEFT - 16, TOP + row * side + side / 2 - 7),
                    font(13, theme::MUTED),
                ))?;
            }
            for column in 0..columns {
                let at = (LEFT + column * side + side / 2 - 4, TOP + rows * side + 4);
                area.draw(&Text::new((column + 1).to_string(), at, font(13, theme::MUTED)))?;
            }
            area.draw(&Text::new(self.x.clone(), (LEFT, TOP + rows * side + 22), font(13, theme::MUTED)))?;
            let style = font(13, theme::MUTED).transform(FontTransform::Rotate270);
            area.draw(&Text::new(self.y.clone(), (18, TOP + rows * side), style))?;
            Ok(())
        })?;
        let header = [self.y.clone()].into_iter().chain((1..=columns).map(|rank| format!("{} {rank}", self.x)));
        let row = |(rank, row): (usize, &Vec<usize>)| {
            [rank.to_string()].into_iter().chain(row.iter().map(ToString::to_string)).collect()
        };
        let table = Table { header: header.collect(), rows: (1..).zip(&self.counts).map(row).collect() };
        Ok(Some(Figure { hover, ..Figure::new(&self.title, &self.caption, svg, table) }))
    }
}
