//! The folder of a run, for those who read it.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use eoinas_core::run_folder::names;
use serde::de::DeserializeOwned;

use super::{plain, sums::Sums};
use crate::error::{Result, TrainError};

/// The folder of a run, to read what is there; whoever writes has a [`RunWriter`](super::RunWriter).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// The folder of an earlier run.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        fs::read_dir(path).map_err(TrainError::read(path))?;
        Ok(Self::at(path))
    }

    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of a file or folder in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads a text file of the run.
    ///
    /// # Errors
    /// It cannot be read, or is not what was written there.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.join(name);
        // Several runs have no settings here but a list: where that was, it is what is missing.
        let listed = || {
            let sums = Sums::read(&self.path);
            sums.map_or(Ok(()), |sums| sums.check_there(&self.path, &[names::SEEDS, names::TRIALS]))
        };
        let bytes = match plain::read(&path, plain::LIMIT) {
            Err(error) if name == names::CONFIG && error.kind() == ErrorKind::NotFound => {
                listed()?;
                Err(error)
            }
            read => read,
        };
        let bytes = bytes.map_err(TrainError::read(&path))?;
        Sums::read(&self.path)?.check(&self.path, name, &bytes)?;
        String::from_utf8(bytes).map_err(|_| TrainError::invalid(&path, "it is no text"))
    }

    /// Reads a JSON file of the run.
    ///
    /// # Errors
    /// As [`RunDir::read`]; another content than is expected there.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let (path, text) = (self.join(name), self.read(name)?);
        serde_json::from_str(&text).map_err(|error| TrainError::invalid(&path, error))
    }

    /// The result of the run, if it is finished.
    ///
    /// # Errors
    /// As [`RunDir::read_json`].
    pub fn result<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        if self.join(names::RESULT).exists() { self.read_json(names::RESULT).map(Some) } else { Ok(None) }
    }
}
