//! What the colours of a plot stand for.

use plotters::prelude::*;

use super::axes::{Area, WIDTH, font, rgb};
use crate::theme::{self, Ink};

/// How something is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    Line,
    Dashes,
    /// The point of the group with this number.
    Point(usize),
}

/// A point of a group: its shape differs from its neighbours', since colours alone do not reach every reader.
pub(super) fn draw_point(
    area: &Area<'_>,
    at: (i32, i32),
    group: usize,
    ink: Ink,
) -> Result<(), Box<dyn std::error::Error>> {
    let style = rgb(ink).stroke_width(2);
    match group % 3 {
        0 => area.draw(&Circle::new(at, 4, style))?,
        1 => area.draw(&Cross::new(at, 4, style))?,
        _ => area.draw(&TriangleMarker::new(at, 5, style.filled()))?,
    }
    Ok(())
}

/// Samples and names above a plot, in as many lines as they need.
pub(super) struct Legend {
    entries: Vec<(String, Ink, Look, (i32, i32))>,
    /// Pixels that it takes.
    pub height: i32,
}

const LEFT: i32 = 8;
const SAMPLE: i32 = 26;
const LINE: i32 = 18;

impl Legend {
    /// Names take their width by their letters, since without a font the library only guesses.
    pub fn new(entries: impl IntoIterator<Item = (String, Ink, Look)>) -> Self {
        let (mut x, mut y) = (LEFT, 10);
        let mut placed = Vec::new();
        for (name, ink, look) in entries {
            let length = SAMPLE + 7 * name.chars().count() as i32 + 10;
            if x > LEFT && x + length > WIDTH as i32 {
                (x, y) = (LEFT, y + LINE);
            }
            placed.push((name, ink, look, (x, y)));
            x += length;
        }
        Self { entries: placed, height: y + 12 }
    }

    /// Pixels beyond those of a single line, which a plot is made higher by.
    pub fn more(&self) -> u32 {
        (self.height - 22).max(0) as u32
    }

    pub fn draw(&self, area: &Area<'_>) -> Result<(), Box<dyn std::error::Error>> {
        for (name, ink, look, (x, y)) in &self.entries {
            let style = rgb(*ink).stroke_width(3);
            let strokes: &[(i32, i32)] = match look {
                Look::Line => &[(0, 20)],
                Look::Dashes => &[(0, 7), (12, 20)],
                Look::Point(group) => {
                    draw_point(area, (x + 10, *y), *group, *ink)?;
                    &[]
                }
            };
            for (from, to) in strokes {
                area.draw(&PathElement::new(vec![(x + from, *y), (x + to, *y)], style))?;
            }
            area.draw(&Text::new(name.clone(), (x + SAMPLE, y - 6), font(15, theme::TEXT)))?;
        }
        Ok(())
    }
}
