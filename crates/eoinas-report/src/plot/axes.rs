//! What the plots have in common.

use std::ops::Range;

use plotters::{coord::types::RangedCoordf64, prelude::*};

use crate::{
    error::{ReportError, Result},
    format::number,
    theme::{self, Ink},
};

/// The drawing library's surface.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// A colour for the library.
pub(super) fn rgb(ink: Ink) -> RGBColor {
    let channel = |at: usize| ink.light.get(at..at + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(0);
    RGBColor(channel(1), channel(3), channel(5))
}

/// Text of the plots; the library writes letters of four fifths of this size in pixels.
pub(super) fn font(size: u32, ink: Ink) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&rgb(ink))
}

/// The library's errors, which say only that its surface failed.
pub(super) fn draw_error(figure: &str) -> impl Fn(Box<dyn std::error::Error>) -> ReportError + '_ {
    move |error| ReportError::Draw { figure: format!("`{figure}`"), reason: error.to_string() }
}

/// Draws on a new surface with a background.
pub(super) fn draw(
    title: &str,
    size: (u32, u32),
    paint: impl FnOnce(&Area<'_>) -> Result<(), Box<dyn std::error::Error>>,
) -> Result<String> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let all = || {
            area.fill(&rgb(theme::SURFACE))?;
            paint(&area)?;
            area.present()?;
            Ok(())
        };
        all().map_err(draw_error(title))?;
    }
    // XML cannot hold them, and names may.
    svg.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    Ok(svg)
}

/// Room for the names of the vertical axis in pixels.
pub(super) const LEFT: i32 = 60;
/// Width of a plot in pixels: on a phone it is drawn at about this size, and three stand side by side on a desktop, so
/// that text keeps its size on both.
pub(super) const WIDTH: u32 = 360;

/// The axes of a plot of numbers.
pub(super) struct Mesh<'a> {
    /// Names of the axes.
    pub x: &'a str,
    pub y: &'a str,
    /// What stands beside the vertical axis.
    pub y_label: &'a dyn Fn(&f64) -> String,
    /// How many numbers stand below the horizontal axis, about.
    pub ticks: usize,
    /// Whether there are vertical lines, too.
    pub vertical: bool,
    /// Room on the right in pixels.
    pub right: i32,
}

/// A plot of numbers over numbers.
type Chart<'a> = ChartContext<'a, SVGBackend<'a>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

impl Mesh<'_> {
    /// Draws them over these ranges, `top` pixels below the upper edge.
    pub fn draw<'a>(
        &self,
        area: &Area<'a>,
        top: i32,
        (widths, heights): (Range<f64>, Range<f64>),
    ) -> Result<Chart<'a>, Box<dyn std::error::Error>> {
        let mut chart = ChartBuilder::on(area)
            .margin_top(top)
            .margin_right(self.right)
            .x_label_area_size(44)
            .y_label_area_size(LEFT)
            .build_cartesian_2d(widths, heights)?;
        let mut mesh = chart.configure_mesh();
        if !self.vertical {
            mesh.disable_x_mesh();
        }
        mesh.light_line_style(TRANSPARENT)
            .bold_line_style(rgb(theme::GRID))
            .axis_style(rgb(theme::LINE))
            .x_labels(self.ticks)
            .y_labels(6)
            .x_desc(self.x)
            .y_desc(self.y)
            .label_style(font(15, theme::MUTED))
            .axis_desc_style(font(15, theme::MUTED))
            .x_label_formatter(&|x| number(*x))
            .y_label_formatter(self.y_label)
            .draw()?;
        Ok(chart)
    }
}

/// The range of values with some room; of a single value, some around it. Only finite ones count.
pub(super) fn range(values: impl Iterator<Item = f64>, room: f64) -> Range<f64> {
    let finite = values.filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return 0.0..1.0;
    }
    let extent = if high > low { high - low } else { high.abs().max(1e-3) };
    low - extent * room..high + extent * room
}
