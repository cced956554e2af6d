//! Figure 1: architecture weights against what the ops are worth when trained alone.

use std::path::Path;

use eoinas_core::{
    file,
    statistics::{kendall_tau, pearson, spearman_rho},
};

use super::Section;
use crate::{
    error::{ReportError, Result},
    format::maybe,
    plot::{Point, Scatter},
};

/// Reads `name,weight,accuracy` lines, as `op,weight in the search,accuracy of the network with this op`. Empty lines, lines
/// that start with `#` and a header (whose numbers are none) are passed over.
///
/// # Errors
/// The file cannot be read, or a line after the first has another form.
pub fn read_points(path: &Path) -> Result<Vec<(String, f64, f64)>> {
    let text = file::read_text(path, file::TEXT).map_err(ReportError::read(path))?;
    let mut points = Vec::new();
    for (line, text) in (1..).zip(text.lines()).filter(|(_, text)| !text.trim().is_empty() && !text.starts_with('#')) {
        match point(text) {
            Some(point) => points.push(point),
            None if line == 1 => {}
            None => {
                let found = text.chars().take(80).collect();
                return Err(ReportError::Line { path: path.to_owned(), line, found });
            }
        }
    }
    Ok(points)
}

fn point(line: &str) -> Option<(String, f64, f64)> {
    let mut fields = line.rsplitn(3, ',').map(str::trim);
    let (accuracy, weight, name) = (fields.next()?, fields.next()?, fields.next()?);
    let number = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
    Some((name.to_owned(), number(weight)?, number(accuracy)?))
}

/// The correlation plot of such points.
///
/// # Errors
/// The plotting library fails.
pub fn correlation(points: &[(String, f64, f64)]) -> Result<Section> {
    let (x, y): (Vec<f64>, Vec<f64>) = points.iter().map(|(_, weight, accuracy)| (*weight, *accuracy)).unzip();
    let point = |(name, weight, accuracy): &(String, f64, f64)| Point {
        name: name.clone(),
        at: (*weight, *accuracy),
        deviation: 0.0,
        group: 0,
    };
    let scatter = Scatter {
        title: "Architecture weight against accuracy when trained alone".to_owned(),
        caption: format!(
            "Figure 1. Pearson {}, Spearman {}, Kendall {}.",
            maybe(pearson(&x, &y)),
            maybe(spearman_rho(&x, &y)),
            maybe(kendall_tau(&x, &y))
        ),
        x: "architecture weight".to_owned(),
        y: "accuracy of the trained network".to_owned(),
        points: points.iter().map(point).collect(),
        named: true,
        ..Scatter::default()
    };
    Ok(Section::new("Correlation", "", scatter.figure()?.into_iter().collect()))
}
