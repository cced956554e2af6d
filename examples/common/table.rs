//! A table of a study, as Markdown and as CSV.

use std::{io, path::Path};

use eoinas_core::statistics::mean_and_deviation;

/// Rows below a header.
#[derive(Debug)]
pub struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub fn new(header: &[&str]) -> Self {
        Self { header: header.iter().map(|&name| name.to_owned()).collect(), rows: Vec::new() }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let line = |cells: &[String]| {
            format!("| {} |\n", cells.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>().join(" | "))
        };
        let rule = format!("|{}\n", "---|".repeat(self.header.len()));
        std::iter::once(line(&self.header)).chain([rule]).chain(self.rows.iter().map(|row| line(row))).collect()
    }

    /// Writes `name.md` and `name.csv` to `dir`, anew each time: a study that goes on has more to say.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, dir: &Path, name: &str) -> io::Result<()> {
        std::fs::write(dir.join(format!("{name}.md")), self.markdown())?;
        let mut csv = csv::Writer::from_path(dir.join(format!("{name}.csv")))?;
        csv.write_record(&self.header)?;
        self.rows.iter().try_for_each(|row| csv.write_record(row))?;
        csv.flush()
    }
}

/// `12.34 +- 0.56`, or `12.34` of a single value, or a dash of none.
pub fn mean_deviation(values: &[f64]) -> String {
    match mean_and_deviation(values) {
        None => "-".to_owned(),
        Some((mean, _)) if values.len() == 1 => format!("{mean:.2}"),
        Some((mean, deviation)) => format!("{mean:.2} +- {deviation:.2}"),
    }
}
