//! The tables of a study.

use std::{fs, io, path::Path};

use eoinas_core::{file, statistics::mean_and_deviation};
use eoinas_report::Table;
use serde::de::DeserializeOwned;

use crate::Error;

/// Writes `name.md` and `name.csv` of each table to `dir`, anew each time: a study that goes on has more to say.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(tables: &[(String, Table)], dir: &Path) -> Result<(), Error> {
    for (name, table) in tables {
        write_whole(&dir.join(format!("{name}.md")), &table.to_markdown())?;
        write_whole(&dir.join(format!("{name}.csv")), &table.to_csv())?;
    }
    Ok(())
}

/// Writes a file whole, whoever writes or reads it at the same time.
///
/// # Errors
/// It cannot be written.
pub fn write_whole(path: &Path, content: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".tmp-{name}-{}", std::process::id()));
    fs::write(&temporary, content)?;
    fs::rename(&temporary, path)
}

/// Bytes of a file of a study, at most.
const LARGEST: u64 = 256 << 20;

/// What a study has noted in a JSON file.
///
/// # Errors
/// A file that cannot be read, is no plain one or too large, or is damaged: it says what to do.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, Error> {
    let shown = path.display();
    let bytes = file::read(path, LARGEST).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let damaged = |error| {
        format!("{shown}: {error}; it is damaged: without it the same command begins anew, and trains nothing twice")
    };
    Ok(serde_json::from_slice(&bytes).map_err(damaged)?)
}

/// `12.34 +- 0.56`, or `12.34` of a single value, or a dash of none.
pub fn mean_deviation(values: &[f64]) -> String {
    match mean_and_deviation(values) {
        None => "-".to_owned(),
        Some((mean, _)) if values.len() == 1 => format!("{mean:.2}"),
        Some((mean, deviation)) => format!("{mean:.2} +- {deviation:.2}"),
    }
}
