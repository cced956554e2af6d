//! Points with names.

use plotters::prelude::*;

use super::axes::{Mesh, WIDTH, draw, font, range, rgb};
use super::figure::{Figure, Hover};
use super::legend::{Legend, Look, draw_point};
use crate::{error::Result, format::number, table::Table, theme};

/// A point.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub at: (f64, f64),
    /// Deviation of its height, drawn as a bar; 0: none.
    pub deviation: f64,
    /// Which group it belongs to.
    pub group: usize,
}

/// Points over two axes.
#[derive(Clone, Debug, Default)]
pub struct Scatter {
    /// Title.
    pub title: String,
    /// What it shows.
    pub caption: String,
    /// Name of the horizontal axis with its unit.
    pub x: String,
    /// Name of the vertical axis with its unit.
    pub y: String,
    /// The points; those that are not finite are left out.
    pub points: Vec<Point>,
    /// Names of the groups, each of which has its colour; empty: all points have one.
    pub groups: Vec<String>,
    /// A curve behind the points with its name, for example a density.
    pub curves: Vec<(String, Vec<(f64, f64)>)>,
    /// Whether names stand beside the points, where they are few.
    pub named: bool,
}

/// Height of a plot with one line of names in pixels.
const HEIGHT: u32 = 270;

impl Scatter {
    /// Draws it; `None` without any finite point.
    ///
    /// # Errors
    /// The plotting library fails.
    pub fn figure(&self) -> Result<Option<Figure>> {
        let finite = |p: &&Point| p.at.0.is_finite() && p.at.1.is_finite() && p.deviation.is_finite();
        let points: Vec<&Point> = self.points.iter().filter(finite).collect();
        if points.is_empty() {
            return Ok(None);
        }
        let curve = || self.curves.iter().flat_map(|(_, curve)| curve);
        let widths = range(points.iter().map(|p| p.at.0).chain(curve().map(|(x, _)| *x)), 0.08);
        let ends = points.iter().flat_map(|p| [p.at.1 - p.deviation, p.at.1 + p.deviation]);
        let heights = range(ends.chain(curve().map(|(_, y)| *y)), 0.1);
        let mut hover = Vec::new();
        let group = |(index, name): (usize, &String)| (name.clone(), theme::series(index), Look::Point(index));
        let legend = Legend::new(self.groups.iter().enumerate().map(group));
        let svg = draw(&self.title, (WIDTH, HEIGHT + legend.more()), |area| {
            legend.draw(area)?;
            let mesh = Mesh { x: &self.x, y: &self.y, y_label: &|y| number(*y), ticks: 6, vertical: true, right: 14 };
            let mut chart = mesh.draw(area, legend.height, (widths.clone(), heights.clone()))?;
            for (index, (_, curve)) in self.curves.iter().enumerate() {
                chart.draw_series(LineSeries::new(curve.clone(), rgb(theme::series(index)).stroke_width(2)))?;
            }
            for point in &points {
                let color = rgb(theme::series(point.group));
                let (x, y) = point.at;
                if point.deviation > 0.0 {
                    let bar = vec![(x, y - point.deviation), (x, y + point.deviation)];
                    chart.draw_series([PathElement::new(bar, color.stroke_width(2))])?;
                }
                let (px, py) = chart.backend_coord(&(x, y));
                draw_point(area, (px, py), point.group, theme::series(point.group))?;
                let deviation =
                    if point.deviation > 0.0 { format!(" ± {}", number(point.deviation)) } else { String::new() };
                let text = format!("{}\n{}: {}\n{}: {}{deviation}", point.name, self.x, number(x), self.y, number(y));
                hover.push(Hover { x: f64::from(px), y: f64::from(py), text });
                if self.named && points.len() <= 8 {
                    // To the side that has room.
                    let right = x < (widths.start + widths.end) / 2.0;
                    let shift = if right { 8 } else { -8 - 7 * point.name.chars().count() as i32 };
                    area.draw(&Text::new(point.name.clone(), (px + shift, py - 6), font(14, theme::TEXT)))?;
                }
            }
            Ok(())
        })?;
        let mut table = Table::new(["name", &self.x, &self.y, "±"]);
        table.rows =
            points.iter().map(|p| vec![p.name.clone(), number(p.at.0), number(p.at.1), number(p.deviation)]).collect();
        Ok(Some(Figure { hover, ..Figure::new(&self.title, &self.caption, svg, table) }))
    }
}
