//! The folder that holds a run's checkpoints.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
};

use eoinas_core::run_folder::names;

use super::{Action, Content, FileEntry, MANIFEST, Manifest, retain, sha256};
use crate::{
    error::{Result, TrainError},
    run::plain,
};

/// Folders that start so are unfinished or half removed: nobody reads them, and opening the store sweeps them away.
const TEMPORARY: &str = ".tmp-";

/// Folder of the newest checkpoint of the run in the folder `run`. Nothing is changed there, so that a run that goes on
/// can be read.
pub fn newest(run: &Path) -> Result<PathBuf> {
    let dir = run.join(names::CHECKPOINTS);
    let none = || TrainError::NoCheckpoint { path: run.to_owned() };
    if !dir.exists() {
        return Err(none());
    }
    Store { dir }.latest()?.ok_or_else(none)
}

/// Whether the newest checkpoint in `run` has a manifest with a hash, which version 0.1.0 did not write. Not where there is none, or none
/// that can be read.
pub(crate) fn newest_is_hashed(run: &Path) -> bool {
    let Ok(newest) = newest(run) else { return false };
    let manifest = plain::read(&newest.join(MANIFEST), plain::LIMIT).ok();
    let manifest = manifest.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    manifest.is_some_and(|manifest| manifest.get("sha256").is_some())
}

/// The folder `checkpoints` of a run.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
}

impl Store {
    /// Opens the folder, which is created when it is not there, and removes what an interrupted write left in it.
    pub fn open(dir: &Path) -> Result<Self> {
        fs::create_dir_all(dir).map_err(TrainError::write(dir))?;
        for name in entries(dir)?.iter().filter(|name| name.starts_with(TEMPORARY)) {
            let path = dir.join(name);
            fs::remove_dir_all(&path).map_err(TrainError::write(&path))?;
        }
        Ok(Self { dir: dir.to_owned() })
    }

    /// Steps of the checkpoints that are there, ascending.
    pub fn steps(&self) -> Result<Vec<u64>> {
        let mut steps: Vec<u64> = entries(&self.dir)?.iter().filter_map(|name| step_of(name)).collect();
        steps.sort_unstable();
        Ok(steps)
    }

    /// Folder of the newest checkpoint, if there is one.
    pub fn latest(&self) -> Result<Option<PathBuf>> {
        Ok(self.steps()?.last().map(|&step| self.path(step)))
    }

    /// Folder of the checkpoint of a step, whether it is there or not.
    pub fn path(&self, step: u64) -> PathBuf {
        self.dir.join(name_of(step))
    }

    /// Writes a checkpoint and returns its folder. `manifest` says everything but which files there are. A checkpoint of that
    /// step that is there already is never overwritten.
    pub fn write(&self, manifest: Manifest, content: &Content) -> Result<PathBuf> {
        let target = self.path(manifest.step);
        if target.exists() {
            return Err(TrainError::Exists { path: target });
        }
        let temporary = self.dir.join(format!("{TEMPORARY}{}", name_of(manifest.step)));
        let written = write_files(&temporary, manifest, content);
        if let Err(error) = written {
            // The half-written folder is useless and may be what fills the disk; the next opening tries again.
            let _ = fs::remove_dir_all(&temporary);
            return Err(error);
        }
        fs::rename(&temporary, &target).map_err(TrainError::write(&target))?;
        plain::sync_folder(&self.dir).map_err(TrainError::write(&self.dir))?;
        Ok(target)
    }

    /// Removes the checkpoints that [`retain`] does not keep.
    pub fn sweep(&self, best: Option<u64>, keep_last: usize) -> Result<()> {
        for action in retain(&self.steps()?, best, keep_last) {
            if let Action::Remove(step) = action {
                self.remove(step)?;
            }
        }
        Ok(())
    }

    /// Removes the checkpoint of a step.
    pub fn remove(&self, step: u64) -> Result<()> {
        // Renamed first: a removal that is interrupted leaves nothing that looks like a checkpoint.
        let (path, doomed) = (self.path(step), self.dir.join(format!("{TEMPORARY}old-{}", name_of(step))));
        fs::rename(&path, &doomed).map_err(TrainError::write(&path))?;
        fs::remove_dir_all(&doomed).map_err(TrainError::write(&doomed))
    }
}

fn name_of(step: u64) -> String {
    format!("step-{step:09}")
}

fn step_of(name: &str) -> Option<u64> {
    name.strip_prefix("step-")?.parse().ok()
}

fn entries(dir: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(dir).map_err(TrainError::read(dir))?;
    entries
        .map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()).map_err(TrainError::read(dir)))
        .collect()
}

fn write_files(folder: &Path, manifest: Manifest, content: &Content) -> Result<()> {
    fs::create_dir(folder).map_err(TrainError::write(folder))?;
    let mut files = BTreeMap::new();
    for (name, bytes) in &content.0 {
        write_file(&folder.join(name), bytes)?;
        files.insert(name.clone(), FileEntry { bytes: bytes.len() as u64, sha256: sha256(bytes) });
    }
    let path = folder.join(MANIFEST);
    let json = Manifest { files, ..manifest }.to_json().map_err(|error| TrainError::invalid(&path, error))?;
    write_file(&path, json.as_bytes())?;
    plain::sync_folder(folder).map_err(TrainError::write(folder))
}

fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = File::create_new(path).map_err(TrainError::write(path))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(TrainError::write(path))
}
