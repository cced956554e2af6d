//! The folder of a run that goes on, handed to ranks that may see another file system.

use std::{
    fs,
    path::{Path, PathBuf},
};

use eoinas_core::run_folder::names;

use super::{Collective, lost};
use crate::error::{Result, TrainError};

/// Copies the folder `run` of rank 0, but for its lock, to `to` on every other rank, where it is made. All of them call it.
///
/// # Errors
/// Files that cannot be read on rank 0 or written on another.
pub fn copied(ranks: &dyn Collective, run: &Path, to: &Path) -> Result<()> {
    let mut files = Vec::new();
    // A rank that fails tells the others nothing: it still has to be there for all that they gather.
    let mut outcome = if ranks.rank() == 0 { below(run, Path::new(""), &mut files) } else { Ok(()) };
    let names: Vec<&Path> = files.iter().map(PathBuf::as_path).collect();
    let said = serde_json::to_vec(&names).map_err(|error| TrainError::invalid(run, error))?;
    let said = ranks.gather_any(&said).map_err(lost)?.into_iter().next().unwrap_or_default();
    let names: Vec<PathBuf> = serde_json::from_slice(&said).map_err(|error| lost(error.to_string()))?;
    for name in names {
        let mut content = Vec::new();
        if ranks.rank() == 0 {
            match fs::read(run.join(&name)).map_err(TrainError::read(&run.join(&name))) {
                Ok(bytes) => content = bytes,
                Err(error) => outcome = Err(error),
            }
        }
        let content = ranks.gather_any(&content).map_err(lost)?.into_iter().next().unwrap_or_default();
        if ranks.rank() > 0 && outcome.is_ok() {
            outcome = written(&to.join(&name), &content);
        }
    }
    outcome
}

fn written(path: &Path, content: &[u8]) -> Result<()> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, content))
        .map_err(TrainError::write(path))
}

/// All files below a folder, by their paths in it, in order.
fn below(root: &Path, place: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let dir = root.join(place);
    let mut entries = Vec::new();
    for entry in fs::read_dir(&dir).map_err(TrainError::read(&dir))? {
        entries.push(entry.map_err(TrainError::read(&dir))?.file_name());
    }
    entries.sort();
    for name in entries {
        let path = place.join(&name);
        if root.join(&path).is_dir() {
            below(root, &path, files)?;
        } else if name != names::LOCK {
            files.push(path);
        }
    }
    Ok(())
}
