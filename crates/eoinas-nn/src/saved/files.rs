//! A folder that appears whole or not at all.

use std::collections::HashMap;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use candle_core::Tensor;

use super::{MODEL, NETWORK};
use crate::error::{NnError, Result};

/// The bytes of a file.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let path = path.to_owned();
    eoinas_core::file::read(&path, u64::MAX).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => NnError::Missing { path },
        _ => NnError::File { path, done: "read", source },
    })
}

/// For a file of weights that its reader or writer refuses.
pub(super) fn no_weights(path: &Path, reason: impl Display) -> NnError {
    NnError::weights(path, format!("is no file of weights, or was cut short: {reason}"))
}

/// Writes both files into a sibling folder and renames it to `dir`.
pub(super) fn write(dir: &Path, description: &str, tensors: &HashMap<String, Tensor>) -> Result<()> {
    check_free(dir)?;
    let temporary = sibling(dir)?;
    let written = fill(&temporary, description, tensors).and_then(|()| {
        // Only Unix renames over an empty folder.
        if dir.exists() {
            fs::remove_dir(dir).map_err(write_error(dir))?;
        }
        fs::rename(&temporary, dir).map_err(write_error(dir))
    });
    if written.is_err() {
        // What is half written is of no use, and may be what fills the disk.
        let _ = fs::remove_dir_all(&temporary);
    }
    written
}

fn fill(folder: &Path, description: &str, tensors: &HashMap<String, Tensor>) -> Result<()> {
    fs::create_dir(folder).map_err(write_error(folder))?;
    let path = folder.join(MODEL);
    let bytes = safetensors::serialize(tensors, None).map_err(|error| no_weights(&path, error))?;
    write_file(&path, &bytes)?;
    write_file(&folder.join(NETWORK), description.as_bytes())
}

fn check_free(dir: &Path) -> Result<()> {
    match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        _ => Err(NnError::Exists { path: dir.to_owned() }),
    }
}

/// `.tmp-NAME` beside `dir`. One that an interrupted writing left is taken away first.
fn sibling(dir: &Path) -> Result<PathBuf> {
    let name = dir.file_name().ok_or_else(|| NnError::Exists { path: dir.to_owned() })?;
    let path = dir.with_file_name(format!(".tmp-{}", name.to_string_lossy()));
    if path.exists() {
        fs::remove_dir_all(&path).map_err(write_error(&path))?;
    }
    Ok(path)
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create_new(path).map_err(write_error(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(write_error(path))
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> NnError + '_ {
    move |source| NnError::File { path: path.to_owned(), done: "written", source }
}
