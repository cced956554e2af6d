//! The folder of a run: never overwritten, created once.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use eoinas_core::run_folder::names;
use serde::{Serialize, de::DeserializeOwned};

use crate::error::{Result, TrainError};

/// The folder of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Creates the folder, parents included. Whatever is there already (an empty folder apart) is an error.
    pub fn create(path: &Path) -> Result<Self> {
        match fs::read_dir(path) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(TrainError::Exists { path: path.to_owned() });
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(path).map_err(TrainError::write(path))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                return Err(TrainError::Exists { path: path.to_owned() });
            }
            Err(error) => return Err(TrainError::write(path)(error)),
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Creates `parent/name`, or `parent/name-2`, `-3`, ... when that is taken.
    pub fn create_unique(parent: &Path, name: &str) -> Result<Self> {
        let mut attempt = 1;
        loop {
            let name = if attempt == 1 { name.to_owned() } else { format!("{name}-{attempt}") };
            match Self::create(&parent.join(name)) {
                Err(TrainError::Exists { .. }) => attempt += 1,
                other => return other,
            }
        }
    }

    /// The folder of an earlier run.
    pub fn open(path: &Path) -> Result<Self> {
        fs::read_dir(path).map_err(TrainError::read(path))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Path of a file or folder in it.
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file that is not there yet, or has the same content. Written to a sibling and renamed.
    pub fn write(&self, name: &str, content: &str) -> Result<()> {
        let path = self.join(name);
        if fs::read(&path).is_ok_and(|there| there == content.as_bytes()) {
            return Ok(());
        }
        if path.exists() {
            return Err(TrainError::Exists { path });
        }
        let temporary = self.join(&format!(".tmp-{name}"));
        fs::write(&temporary, content).map_err(TrainError::write(&path))?;
        fs::File::open(&temporary).and_then(|file| file.sync_all()).map_err(TrainError::write(&path))?;
        fs::rename(&temporary, &path).map_err(TrainError::write(&path))
    }

    /// Writes a value as JSON, as [`RunDir::write`] does.
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        let json = serde_json::to_string_pretty(value).map_err(|error| TrainError::invalid(&self.join(name), error))?;
        self.write(name, &format!("{json}\n"))
    }

    /// Reads a text file of the run.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self, name: &str) -> Result<String> {
        let path = self.join(name);
        fs::read_to_string(&path).map_err(TrainError::read(&path))
    }

    /// Reads a JSON file of the run.
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T> {
        let (path, text) = (self.join(name), self.read(name)?);
        serde_json::from_str(&text).map_err(|error| TrainError::invalid(&path, error))
    }

    /// The result of the run, if it is finished.
    pub fn result<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        if self.join(names::RESULT).exists() { self.read_json(names::RESULT).map(Some) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_is_taken_and_a_full_one_is_not() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        let run = RunDir::create(&path).unwrap();
        assert!(RunDir::create(&path).is_ok());
        run.write("x", "1").unwrap();
        assert!(matches!(RunDir::create(&path), Err(TrainError::Exists { path: p }) if p == path));
        assert_eq!(RunDir::create_unique(root.path(), "a/b").unwrap().path(), root.path().join("a/b-2"));
    }

    #[test]
    fn a_file_in_the_way_is_not_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "mine").unwrap();
        assert!(matches!(RunDir::create(&path), Err(TrainError::Exists { .. })));
        assert!(RunDir::create(&path.join("below")).is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn files_of_a_run_are_written_once() {
        let root = tempfile::tempdir().unwrap();
        let run = RunDir::create(&root.path().join("run")).unwrap();
        run.write_json("n.json", &3).unwrap();
        run.write_json("n.json", &3).unwrap();
        assert!(matches!(run.write_json("n.json", &4), Err(TrainError::Exists { .. })));
        assert_eq!(run.read_json::<u32>("n.json").unwrap(), 3);
        assert!(matches!(run.read_json::<u32>("m.json"), Err(TrainError::File { doing: "read", .. })));
        fs::write(run.join("bad.json"), "{").unwrap();
        assert!(matches!(run.read_json::<u32>("bad.json"), Err(TrainError::Invalid { .. })));
    }
}
