//! What a folder holds: one run, or several.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{read::read, run::Run};
use crate::error::{ReportError, Result};

/// What a folder holds.
#[derive(Clone, Debug)]
pub struct Source {
    /// The folder's name.
    pub name: String,
    /// The folder.
    pub dir: PathBuf,
    /// Its run, or those of its subfolders in the order of their names, numbers by value.
    pub runs: Vec<Run>,
    /// Whether the runs lie in subfolders (seeds, trials, a search with its training).
    pub several: bool,
}

impl Source {
    /// Where what belongs to a run stands among other sources: `name`, or `name/run` of several.
    pub fn place(&self, run: &Run) -> PathBuf {
        if self.several { Path::new(&self.name).join(&run.name) } else { PathBuf::from(&self.name) }
    }
}

/// Reads the folder of a run, or of several (`seed-0`, `random-1`, `search`, ...).
///
/// # Errors
/// Neither the folder nor one directly below it has an `events.jsonl` that can be opened.
pub fn open(dir: &Path) -> Result<Source> {
    let dir = if dir.ends_with("events.jsonl") { dir.parent().unwrap_or(dir) } else { dir };
    let full = dir.canonicalize().map_err(|source| ReportError::Read { path: dir.to_owned(), source })?;
    let name = full.file_name().map_or_else(|| "runs".to_owned(), |name| name.to_string_lossy().into_owned());
    let source = |runs, several| Source { name: name.clone(), dir: dir.to_owned(), runs, several };
    if dir.join("events.jsonl").is_file() {
        return Ok(source(vec![read(dir)?], false));
    }
    let entries = fs::read_dir(dir).map_err(|source| ReportError::Read { path: dir.to_owned(), source })?;
    let mut folders: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(|path| path.join("events.jsonl").is_file()).collect();
    folders.sort_by_cached_key(|path| order(&path.file_name().unwrap_or_default().to_string_lossy()));
    if folders.is_empty() {
        return Err(ReportError::NoRecord { path: dir.to_owned() });
    }
    Ok(source(folders.iter().map(|path| read(path)).collect::<Result<_>>()?, true))
}

/// `seed-2` comes before `seed-10`.
fn order(name: &str) -> (String, u64, String) {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name.get(stem.len()..).and_then(|digits| digits.parse().ok()).unwrap_or(0);
    (stem.to_owned(), number, name.to_owned())
}
