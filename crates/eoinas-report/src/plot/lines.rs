//! Values over epochs.

use plotters::prelude::*;

use super::axes::{Mesh, WIDTH, draw, range, rgb};
use super::figure::{Figure, Hover};
use super::legend::{Legend, Look};
use crate::{
    error::Result,
    format::number,
    table::Table,
    theme::{self, Ink},
};

/// One line of a chart.
#[derive(Clone, Debug, Default)]
pub struct Series {
    /// Its name.
    pub name: String,
    /// Its points; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
    /// For each point, lower and upper end of a band; empty: no band.
    pub band: Vec<(f64, f64)>,
    /// Draw dashes.
    pub dashed: bool,
    /// Draw it faintly, as one of many behind their mean.
    pub faint: bool,
    /// Colour, by its place in the palette; `None`: by the place among the series.
    pub color: Option<usize>,
}

/// Lines over a common axis.
#[derive(Clone, Debug, Default)]
pub struct LineChart {
    /// Title.
    pub title: String,
    /// What it shows.
    pub caption: String,
    /// Name of the horizontal axis.
    pub x: String,
    /// Name of the vertical axis with its unit.
    pub y: String,
    /// The lines.
    pub series: Vec<Series>,
    /// Places on the horizontal axis with a vertical line, for example the prunings.
    pub marks: Vec<f64>,
    /// Whether the vertical axis starts at 0.
    pub from_zero: bool,
    /// The end of the vertical axis, where that is known, for example 1 for accuracies.
    pub most: Option<f64>,
    /// Whether small values stand on top, as for ranks.
    pub reversed: bool,
    /// Colours that the lines have in the place of those of the palette, for example those of ops.
    pub inks: Vec<Option<Ink>>,
}

/// Height of a plot with one line of names in pixels.
const HEIGHT: u32 = 250;

impl LineChart {
    fn ink(&self, index: usize) -> Ink {
        let series = self.series.get(index);
        let own = self.inks.get(index).copied().flatten();
        own.unwrap_or_else(|| theme::series(series.and_then(|s| s.color).unwrap_or(index)))
    }

    /// Draws it; `None` without any finite point.
    ///
    /// # Errors
    /// The plotting library fails.
    pub fn figure(&self) -> Result<Option<Figure>> {
        let finite = |points: &[(f64, f64)]| -> Vec<(f64, f64)> {
            points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect()
        };
        // Turned over, a value is drawn at the height of its negative and named by itself.
        let sign = if self.reversed { -1.0 } else { 1.0 };
        let drawn = |series: &Series| finite(&series.points).iter().map(|(x, y)| (*x, sign * y)).collect();
        let lines: Vec<Vec<(f64, f64)>> = self.series.iter().map(drawn).collect();
        if lines.iter().all(Vec::is_empty) {
            return Ok(None);
        }
        let bands = self.series.iter().flat_map(|series| series.band.iter().flat_map(|(low, high)| [*low, *high]));
        let mut heights = range(lines.iter().flatten().map(|(_, y)| *y).chain(bands), 0.06);
        if self.from_zero {
            heights.start = 0.0;
        }
        if let Some(most) = self.most {
            heights.end = heights.end.min(most * 1.02);
        }
        let widths = range(lines.iter().flatten().map(|(x, _)| *x), 0.02);
        // A damaged record may have values far beyond the axes, and the pixels of plotters are small numbers.
        let inside = |(x, y): (f64, f64)| (x.max(widths.start).min(widths.end), y.max(heights.start).min(heights.end));
        let marks = self.marks.iter().filter(|mark| widths.contains(mark));
        let mut hover = Vec::new();
        let named = self.series.iter().zip(&lines).enumerate().filter(|(_, (s, line))| !s.faint && !line.is_empty());
        let look = |series: &Series| if series.dashed { Look::Dashes } else { Look::Line };
        let legend = Legend::new(named.map(|(index, (s, _))| (s.name.clone(), self.ink(index), look(s))));
        let svg = draw(&self.title, (WIDTH, HEIGHT + legend.more()), |area| {
            legend.draw(area)?;
            let y_label = |y: &f64| number(sign * y);
            let mesh = Mesh { x: &self.x, y: &self.y, y_label: &y_label, ticks: 7, vertical: false, right: 12 };
            let mut chart = mesh.draw(area, legend.height, (widths.clone(), heights.clone()))?;
            for mark in marks.clone() {
                let ends = vec![(*mark, heights.start), (*mark, heights.end)];
                chart.draw_series(DashedLineSeries::new(ends, 3, 4, rgb(theme::LINE).stroke_width(1)))?;
            }
            for (index, series) in self.series.iter().enumerate() {
                let color = rgb(self.ink(index));
                if series.band.len() == series.points.len() && series.band.len() > 1 {
                    let lower = series.points.iter().zip(&series.band).map(|((x, _), (low, _))| inside((*x, *low)));
                    let upper =
                        series.points.iter().zip(&series.band).rev().map(|((x, _), (_, high))| inside((*x, *high)));
                    chart.draw_series([Polygon::new(lower.chain(upper).collect::<Vec<_>>(), color.mix(0.2))])?;
                }
                let points: Vec<(f64, f64)> = lines[index].iter().copied().map(inside).collect();
                let style =
                    color.mix(if series.faint { 0.35 } else { 1.0 }).stroke_width(if series.faint { 1 } else { 2 });
                if series.dashed {
                    chart.draw_series(DashedLineSeries::new(points.clone(), 7, 5, style))?;
                } else {
                    chart.draw_series(LineSeries::new(points.clone(), style))?;
                }
                if !series.faint && points.len() <= 60 {
                    chart.draw_series(points.iter().map(|point| Circle::new(*point, 2, color.filled())))?;
                }
                for (place, (x, y)) in points.iter().zip(&lines[index]) {
                    let (px, py) = chart.backend_coord(place);
                    let text = format!("{}\n{} {}: {}", series.name, self.x, number(*x), number(sign * y));
                    hover.push(Hover { x: f64::from(px), y: f64::from(py), text });
                }
            }
            Ok(())
        })?;
        Ok(Some(Figure { hover, ..Figure::new(&self.title, &self.caption, svg, self.table()) }))
    }

    /// A row for each place on the horizontal axis, a column for each line.
    fn table(&self) -> Table {
        let mut places: Vec<f64> =
            self.series.iter().flat_map(|series| series.points.iter().map(|(x, _)| *x)).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        let names = self.series.iter().flat_map(|series| {
            let deviation = (!series.band.is_empty()).then(|| format!("{} ±", series.name));
            [Some(series.name.clone()), deviation].into_iter().flatten()
        });
        // Of each line, its points by their places; of several at one place the first.
        let ordered = |series: &Series| {
            let mut order: Vec<usize> = (0..series.points.len()).collect();
            order.sort_by(|a, b| series.points[*a].0.total_cmp(&series.points[*b].0));
            order
        };
        let orders: Vec<Vec<usize>> = self.series.iter().map(ordered).collect();
        let row = |x: &f64| {
            let values = self.series.iter().zip(&orders).flat_map(|(series, order)| {
                let first = order.partition_point(|at| series.points[*at].0.total_cmp(x).is_lt());
                let at = order.get(first).copied().filter(|at| series.points[*at].0 == *x);
                let value = at.map_or(String::new(), |at| number(series.points[at].1));
                let half = |(low, high): &(f64, f64)| number((high - low) / 2.0);
                let deviation = at.and_then(|at| series.band.get(at)).map_or(String::new(), half);
                [Some(value), (!series.band.is_empty()).then_some(deviation)].into_iter().flatten()
            });
            [number(*x)].into_iter().chain(values).collect()
        };
        Table { header: [self.x.clone()].into_iter().chain(names).collect(), rows: places.iter().map(row).collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_far_beyond_the_axes_is_drawn_at_their_ends_or_not_at_all() {
        let series = Series { points: vec![(1.0, 0.5), (2.0, 1e300)], ..Series::default() };
        let marks = vec![1.5, 4_294_967_296.0];
        let chart = LineChart { series: vec![series], marks, most: Some(1.0), from_zero: true, ..LineChart::default() };
        let figure = chart.figure().unwrap().unwrap();
        assert!(figure.hover.iter().all(|at| (0.0..=f64::from(HEIGHT)).contains(&at.y)));
    }
}
