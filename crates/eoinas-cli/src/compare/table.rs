//! The tables of a study.

use std::{io, path::Path};

use eoinas_core::statistics::mean_and_deviation;
use eoinas_report::Table;

/// Writes `name.md` and `name.csv` to `dir`, anew each time: a study that goes on has more to say.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(table: &Table, dir: &Path, name: &str) -> io::Result<()> {
    std::fs::write(dir.join(format!("{name}.md")), table.to_markdown())?;
    std::fs::write(dir.join(format!("{name}.csv")), table.to_csv())
}

/// `12.34 +- 0.56`, or `12.34` of a single value, or a dash of none.
pub fn mean_deviation(values: &[f64]) -> String {
    match mean_and_deviation(values) {
        None => "-".to_owned(),
        Some((mean, _)) if values.len() == 1 => format!("{mean:.2}"),
        Some((mean, deviation)) => format!("{mean:.2} +- {deviation:.2}"),
    }
}
