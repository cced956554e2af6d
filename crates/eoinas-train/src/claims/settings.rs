//! What all parts of a study share, in a file of its folder.

use std::{
    fs,
    io::ErrorKind,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use eoinas_core::{file::is_write_protected, run_folder::names};
use serde::{Serialize, de::DeserializeOwned};

use super::Claims;
use crate::{
    error::{Result, TrainError},
    run::{check_same, compare, plain},
    run_dir::RunDir,
};

/// Where there are no hard links, a file that somebody makes is empty for a moment; no longer than this.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often it is looked again.
const LOOK: Duration = Duration::from_millis(20);

/// Whether `settings` are noted in the file `name` of the folder `study`; `false`: nothing is noted yet.
///
/// # Errors
/// [`TrainError::OtherSettings`], which names the first one that differs; a file that cannot be read.
pub fn are_noted<T: Serialize + DeserializeOwned>(study: &Path, name: &str, settings: &T) -> Result<bool> {
    let (path, begun) = (study.join(name), Instant::now());
    loop {
        match fs::symlink_metadata(&path) {
            Ok(found) if found.len() == 0 && begun.elapsed() < PATIENCE => thread::sleep(LOOK),
            Ok(_) => return compare(study, &RunDir::open(study)?.read_json::<T>(name)?, settings).map(|()| true),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(TrainError::read(&path)(error)),
        }
    }
}

/// Notes `settings` in the file `name` of the folder `study`, which is made where it is not there. Of several processes that
/// begin at once one writes it, whole, and the others find it. In a folder that cannot be written nothing is noted: no part
/// can begin there either.
///
/// # Errors
/// As [`are_noted`]; [`TrainError::Exists`]: the folder is that of a run or of several; a folder that cannot be written for another
/// reason.
pub fn note<T: Serialize + DeserializeOwned>(study: &Path, name: &str, settings: &T) -> Result<()> {
    let path = study.join(name);
    let json = serde_json::to_string_pretty(settings).map_err(|error| TrainError::invalid(&path, error))? + "\n";
    while !are_noted(study, name, settings)? {
        // A run or several have this folder, and are no part of a study.
        if [names::CONFIG, names::SEEDS, names::TRIALS].iter().any(|file| study.join(file).exists()) {
            return Err(TrainError::Exists { path: study.to_owned() });
        }
        let made = fs::create_dir_all(study).and_then(|()| plain::write_new(&path, &json));
        match made.and_then(|()| plain::sync_folder(study)) {
            Err(error) if is_write_protected(&error) => break,
            // Another was faster, and a network file system may not show its file at once.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => thread::sleep(LOOK),
            Err(error) => return Err(TrainError::write(&path)(error)),
            Ok(()) => {}
        }
    }
    Ok(())
}

impl Claims {
    /// Compares `settings` with those of what there is of a part's run already, in its place or where somebody works on it: of
    /// a study whose settings are not noted. Whether there is anything.
    ///
    /// # Errors
    /// As [`are_noted`].
    pub fn check_begun<T: Serialize + DeserializeOwned>(&self, run: &Path, settings: &T) -> Result<bool> {
        self.begun(run).map_or(Ok(false), |folder| check_same(&RunDir::open(&folder)?, settings).map(|()| true))
    }
}
