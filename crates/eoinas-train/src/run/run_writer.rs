//! The folder of a run, for the one who writes it: whole from the beginning, and nothing in it is overwritten.

use std::{
    fs, io,
    ops::Deref,
    path::{Path, PathBuf},
};

use eoinas_core::run_folder::names;
use serde::Serialize;

use super::{lock::Lock, plain, run_dir::RunDir, sums::Sums};
use crate::error::{Result, TrainError};

/// Where the files of a new run are until there is a first checkpoint. What a killed beginning left there is no run.
const NEW: &str = ".tmp-new";
/// The same when they are whole, on their way to their places. Whoever finds it brings them there.
const WHOLE: &str = ".tmp-whole";

/// The folder of a run and the right to write to it, which one process has at a time ([`Lock`]).
///
/// A new run's files are made in a folder in it and appear all at once with [`RunWriter::settle`], so that one that is killed
/// at whatever moment leaves either a run that can be gone on with or a folder that is as good as empty.
#[derive(Debug)]
pub struct RunWriter {
    dir: RunDir,
    home: PathBuf,
    lock: Lock,
}

impl RunWriter {
    /// The folder of a new run, made where it is not there, parents included. One that holds nothing but what a beginning
    /// left that was killed is taken, too.
    ///
    /// # Errors
    /// [`TrainError::Exists`]: whatever else is there; it is not touched. [`TrainError::Busy`]: another run begins there.
    /// [`TrainError::NoFolder`]: a part of the path is a file.
    pub fn create(path: &Path) -> Result<Self> {
        match fs::read_dir(path) {
            Ok(_) => check_free(path, &[names::LOCK, NEW, WHOLE])?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(path).map_err(TrainError::write(path))?
            }
            // The path is a file; where a part of it is one, there is nothing at the path.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory && fs::symlink_metadata(path).is_ok() => {
                return Err(TrainError::Exists { path: path.to_owned() });
            }
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                let file = path.ancestors().find(|part| fs::symlink_metadata(part).is_ok());
                return Err(TrainError::NoFolder { path: file.unwrap_or(path).to_owned() });
            }
            Err(error) => return Err(TrainError::write(path)(error)),
        }
        let lock = Lock::take(path)?;
        bring_to_places(path)?;
        // Another process may have been faster.
        check_free(path, &[names::LOCK, NEW])?;
        let new = path.join(NEW);
        if new.exists() {
            fs::remove_dir_all(&new).map_err(TrainError::write(&new))?;
        }
        fs::create_dir(&new).map_err(TrainError::write(&new))?;
        Ok(Self { dir: RunDir::at(&new), home: path.to_owned(), lock })
    }

    /// Creates `parent/name`, or `parent/name-2`, `-3`, ... when that is taken.
    ///
    /// # Errors
    /// A folder that cannot be written; [`TrainError::NoFolder`]: `parent` is a file.
    pub fn create_unique(parent: &Path, name: &str) -> Result<Self> {
        let mut attempt = 1;
        loop {
            let name = if attempt == 1 { name.to_owned() } else { format!("{name}-{attempt}") };
            match Self::create(&parent.join(name)) {
                Err(TrainError::Exists { .. } | TrainError::Busy { .. }) => attempt += 1,
                other => return other,
            }
        }
    }

    /// The folder of a run that goes on, or that was killed before it had begun: then its settings are there, and it begins
    /// anew in [`RunWriter::settle`]'s way.
    ///
    /// # Errors
    /// [`TrainError::Busy`]: it goes on already. [`TrainError::NotBegun`]: there are no settings yet.
    pub fn resume(path: &Path) -> Result<Self> {
        let run = RunDir::open(path)?;
        // What is no run is not touched, not even by a lock.
        let [new, whole] = [NEW, WHOLE].map(|name| run.join(name).is_dir());
        if !new && !whole && !is_settled(path) {
            // A beginning that was killed leaves the lock alone; beside other files the settings are missing.
            if run.join(names::LOCK).exists() && check_free(path, &[names::LOCK]).is_ok() {
                return Err(TrainError::NotBegun { path: path.to_owned() });
            }
            // Says that this is not there.
            run.read(names::CONFIG)?;
        }
        let lock = Lock::take(path)?;
        bring_to_places(path)?;
        let home = path.to_owned();
        if is_settled(path) {
            // One that is missing would be forgotten in silence: a plan of a training that was to follow.
            Sums::read(path)?
                .check_there(path, &[names::TRAINING_PLAN, names::BASELINES_PLAN, names::SEARCH_PLAN, names::DATA])?;
            return Ok(Self { dir: run, home, lock });
        }
        let dir = RunDir::at(&run.join(NEW));
        if !has_settings(dir.path()) {
            return Err(TrainError::NotBegun { path: home });
        }
        // The settings stay, and what was begun with them is begun again.
        for name in [names::EVENTS, names::LOG, names::DATA] {
            remove(fs::remove_file(dir.join(name)), &dir.join(name))?;
        }
        remove(fs::remove_dir_all(dir.join(names::CHECKPOINTS)), &dir.join(names::CHECKPOINTS))?;
        Ok(Self { dir, home, lock })
    }

    /// Whether the folder has this file, or will have it when what was begun there goes on.
    pub fn holds(path: &Path, name: &str) -> bool {
        [Path::new(""), NEW.as_ref(), WHOLE.as_ref()].iter().any(|place| path.join(place).join(name).exists())
    }

    /// Whether there is a run in the folder that has begun, or that has ended, whose checkpoints may be gone. What was on its
    /// way to its place is brought there.
    ///
    /// # Errors
    /// As [`RunWriter::resume`], where there is something to be brought.
    pub fn has_begun(path: &Path) -> Result<bool> {
        if path.join(WHOLE).is_dir() {
            drop(Self::resume(path)?);
        }
        Ok([names::CHECKPOINTS, names::RESULT].iter().any(|name| path.join(name).exists()))
    }

    /// Whether the run has not begun: its files do not have their places yet.
    pub fn is_new(&self) -> bool {
        self.dir.path() != self.home
    }

    /// Where the run is in the end, whether it has begun or not.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// What the user should know of the lock.
    pub fn note(&self) -> Option<&str> {
        self.lock.note()
    }

    /// Brings the files of a new run to their places, all or none of them as whoever comes later sees it.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn settle(&mut self) -> Result<()> {
        if self.is_new() {
            let whole = self.home.join(WHOLE);
            plain::sync_folder(self.dir.path()).map_err(TrainError::write(self.dir.path()))?;
            fs::rename(self.dir.path(), &whole).map_err(TrainError::write(&whole))?;
            bring_to_places(&self.home)?;
            self.dir = RunDir::at(&self.home);
        }
        Ok(())
    }

    /// Brings a run that is done from the folder `from` to `home`, all or none of it as whoever comes later sees it; one that is
    /// on its way already, too.
    ///
    /// # Errors
    /// [`TrainError::Busy`]; another run is in `home`; a folder that cannot be written.
    pub(crate) fn bring(from: &Path, home: &Path) -> Result<()> {
        let _lock = Lock::take(home)?;
        let whole = Self::whole(home);
        if from.is_dir() {
            // There is one in `home`.
            remove(fs::remove_file(from.join(names::LOCK)), &from.join(names::LOCK))?;
            fs::rename(from, &whole).map_err(TrainError::write(&whole))?;
        }
        bring_to_places(home)
    }

    /// Where a run is on its way to its place.
    pub(crate) fn whole(home: &Path) -> PathBuf {
        home.join(WHOLE)
    }

    /// Writes a file that is not there yet, or has the same content. Written to a sibling and renamed, and listed in
    /// `SHA256SUMS` before.
    ///
    /// # Errors
    /// [`TrainError::Exists`]: there is another content; a folder that cannot be written.
    pub fn write(&self, name: &str, content: &str) -> Result<()> {
        let path = self.join(name);
        if fs::read(&path).is_ok_and(|there| there == content.as_bytes()) {
            return Ok(());
        }
        if path.exists() {
            return Err(TrainError::Exists { path });
        }
        let mut sums = Sums::read(self.dir.path())?;
        if sums.list(name, content.as_bytes()) {
            self.put(names::SUMS, &sums.text())?;
        }
        self.put(name, content)
    }

    /// Writes `folder/...`, as [`RunWriter::write`] does; the folder is made where it is not there.
    pub(crate) fn write_in(&self, folder: &str, name: &str, content: &str) -> Result<()> {
        let path = self.join(folder);
        fs::create_dir_all(&path).map_err(TrainError::write(&path))?;
        self.write(name, content)
    }

    /// Lists the settings of a run of version 0.1.0, which has no `SHA256SUMS`, so that from now on they are covered.
    ///
    /// # Errors
    /// Settings that cannot be read, a folder that cannot be written.
    pub(crate) fn list_settings(&self) -> Result<()> {
        if self.join(names::SUMS).exists() || !self.join(names::CONFIG).exists() {
            return Ok(());
        }
        let mut sums = Sums::read(self.dir.path())?;
        sums.list(names::CONFIG, self.read(names::CONFIG)?.as_bytes());
        self.put(names::SUMS, &sums.text())
    }

    fn put(&self, name: &str, content: &str) -> Result<()> {
        let path = self.join(name);
        plain::write(&path, content).map_err(TrainError::write(&path))
    }

    /// Writes a value as JSON, as [`RunWriter::write`] does.
    ///
    /// # Errors
    /// As [`RunWriter::write`].
    pub fn write_json<T: Serialize>(&self, name: &str, value: &T) -> Result<()> {
        self.write(name, &self.to_json(name, value)?)
    }

    /// The text that [`RunWriter::write_json`] writes.
    pub(super) fn to_json<T: Serialize>(&self, name: &str, value: &T) -> Result<String> {
        let json = serde_json::to_string_pretty(value).map_err(|error| TrainError::invalid(&self.join(name), error))?;
        Ok(json + "\n")
    }
}

impl Deref for RunWriter {
    type Target = RunDir;

    fn deref(&self) -> &RunDir {
        &self.dir
    }
}

/// What is written last of the settings of a run, of several, and of a search with its training.
const SETTINGS: [&str; 4] = [names::CONFIG, names::SEEDS, names::TRIALS, names::SEARCH_PLAN];

fn has_settings(path: &Path) -> bool {
    SETTINGS.iter().any(|name| path.join(name).exists())
}

/// The same of a folder of version 0.1.0, too, which did not write down the search that comes before a training.
fn is_settled(path: &Path) -> bool {
    has_settings(path) || path.join(names::TRAINING_PLAN).exists()
}

/// Whether a folder holds nothing but these.
fn check_free(path: &Path, ours: &[&str]) -> Result<()> {
    for entry in fs::read_dir(path).map_err(TrainError::write(path))? {
        let name = entry.map_err(TrainError::write(path))?.file_name();
        if !ours.iter().any(|known| name == *known) {
            return Err(TrainError::Exists { path: path.to_owned() });
        }
    }
    Ok(())
}

/// Goes on with a [`RunWriter::settle`] that was begun.
fn bring_to_places(home: &Path) -> Result<()> {
    let whole = home.join(WHOLE);
    if !whole.is_dir() {
        return Ok(());
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(&whole).map_err(TrainError::read(&whole))? {
        entries.push(entry.map_err(TrainError::read(&whole))?.file_name());
    }
    // Checkpoints last: whoever sees them sees everything.
    entries.sort_by_key(|name| (name == names::CHECKPOINTS, name.clone()));
    for name in entries {
        let (from, to) = (whole.join(&name), home.join(&name));
        if to.exists() {
            return Err(TrainError::Exists { path: to });
        }
        fs::rename(&from, &to).map_err(TrainError::write(&to))?;
    }
    fs::remove_dir(&whole).map_err(TrainError::write(&whole))?;
    plain::sync_folder(home).map_err(TrainError::write(home))
}

fn remove(removed: io::Result<()>, path: &Path) -> Result<()> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(TrainError::write(path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create(path: &Path) -> RunWriter {
        let mut run = RunWriter::create(path).unwrap();
        run.settle().unwrap();
        run
    }

    #[test]
    fn an_empty_folder_is_taken_and_a_full_one_is_not() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a/b");
        let run = create(&path);
        assert!(matches!(RunWriter::create(&path), Err(TrainError::Busy { path: p, .. }) if p == path));
        assert_eq!(RunWriter::create_unique(root.path(), "a/b").unwrap().home(), root.path().join("a/b-2"));
        drop(run);
        let run = create(&path);
        run.write("x", "1").unwrap();
        drop(run);
        assert!(matches!(RunWriter::create(&path), Err(TrainError::Exists { path: p }) if p == path));
        assert_eq!(RunWriter::create_unique(root.path(), "a/b").unwrap().home(), root.path().join("a/b-2"));
    }

    #[test]
    fn a_file_in_the_way_is_not_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("file");
        fs::write(&path, "mine").unwrap();
        assert!(matches!(RunWriter::create(&path), Err(TrainError::Exists { .. })));
        for error in [
            RunWriter::create(&path.join("below/two")).unwrap_err(),
            RunWriter::create_unique(&path, "run").unwrap_err(),
            RunWriter::create_unique(&path.join("below"), "run").unwrap_err(),
        ] {
            assert!(matches!(&error, TrainError::NoFolder { path: p } if *p == path), "{error}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn files_of_a_run_are_written_once() {
        let root = tempfile::tempdir().unwrap();
        let run = create(&root.path().join("run"));
        run.write_json("n.json", &3).unwrap();
        run.write_json("n.json", &3).unwrap();
        assert!(matches!(run.write_json("n.json", &4), Err(TrainError::Exists { .. })));
        assert_eq!(run.read_json::<u32>("n.json").unwrap(), 3);
        assert!(matches!(run.read_json::<u32>("m.json"), Err(TrainError::File { doing: "read", .. })));
        fs::write(run.join("bad.json"), "{").unwrap();
        assert!(matches!(run.read_json::<u32>("bad.json"), Err(TrainError::Invalid { .. })));
    }

    #[test]
    fn a_file_that_was_changed_is_not_trusted() {
        let root = tempfile::tempdir().unwrap();
        let run = create(&root.path().join("run"));
        run.write("a.json", "0.025").unwrap();
        run.write("b.json", "1").unwrap();
        fs::write(run.join("a.json"), "2.025").unwrap();
        let error = run.read("a.json").unwrap_err();
        assert!(matches!(&error, TrainError::Changed { .. }));
        assert!(error.to_string().contains("a.json") && error.to_string().contains("put it back"), "{error}");
        assert_eq!(run.read("b.json").unwrap(), "1");
        run.write(names::CONFIG, "{}").unwrap();
        run.write(names::TRAINING_PLAN, "{}").unwrap();
        drop(run);
        let path = root.path().join("run");
        fs::remove_file(path.join(names::TRAINING_PLAN)).unwrap();
        let error = RunWriter::resume(&path).unwrap_err().to_string();
        assert!(error.contains(names::TRAINING_PLAN) && error.contains("missing"), "{error}");
        let run = RunDir::open(&path).unwrap();
        fs::write(run.join(names::SUMS), "0").unwrap();
        assert!(run.read("b.json").unwrap_err().to_string().contains(names::SUMS));
    }

    #[test]
    fn what_says_which_runs_there_are_is_missed_by_its_name() {
        let root = tempfile::tempdir().unwrap();
        for name in [names::SEEDS, names::TRIALS] {
            let path = root.path().join(name);
            let run = create(&path);
            run.write(name, "{}").unwrap();
            drop(run);
            fs::remove_file(path.join(name)).unwrap();
            let error = RunWriter::resume(&path).unwrap_err();
            assert!(matches!(&error, TrainError::Changed { path, .. } if path.ends_with(name)), "{error}");
        }
    }

    /// What a process that is killed leaves, after each of its steps.
    #[test]
    fn whatever_a_killed_beginning_leaves_can_be_begun_again() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("run");
        fs::create_dir(&path).unwrap();
        drop(RunWriter::create(&path).unwrap());
        // Before its settings were written: nothing to go on with, and free for another beginning.
        let error = RunWriter::resume(&path).unwrap_err();
        assert!(matches!(&error, TrainError::NotBegun { .. }), "{error}");
        fs::remove_dir(path.join(NEW)).unwrap();
        assert!(matches!(RunWriter::resume(&path).unwrap_err(), TrainError::NotBegun { .. }));
        // A run that has lost its settings is another thing.
        fs::write(path.join(names::EVENTS), "").unwrap();
        let error = RunWriter::resume(&path).unwrap_err().to_string();
        assert!(error.contains(names::CONFIG), "{error}");
        fs::remove_file(path.join(names::EVENTS)).unwrap();
        let run = RunWriter::create(&path).unwrap();
        run.write(names::CONFIG, "{}").unwrap();
        fs::write(run.join(names::EVENTS), "half").unwrap();
        drop(run);
        // With its settings.
        let run = RunWriter::resume(&path).unwrap();
        assert!(run.is_new() && !run.join(names::EVENTS).exists());
        assert_eq!(run.read(names::CONFIG).unwrap(), "{}");
        drop(run);
        // Whole, and half of it in its place.
        fs::create_dir(path.join(NEW).join(names::CHECKPOINTS)).unwrap();
        fs::rename(path.join(NEW), path.join(WHOLE)).unwrap();
        fs::rename(path.join(WHOLE).join(names::SUMS), path.join(names::SUMS)).unwrap();
        let run = RunWriter::resume(&path).unwrap();
        assert!(!run.is_new() && run.join(names::CHECKPOINTS).is_dir() && !path.join(WHOLE).exists());
        drop(run);
        assert!(matches!(RunWriter::create(&path), Err(TrainError::Exists { .. })));
        // What is not ours is never touched.
        fs::create_dir_all(root.path().join("mine").join(NEW)).unwrap();
        fs::write(root.path().join("mine/thesis.txt"), "").unwrap();
        assert!(matches!(RunWriter::create(&root.path().join("mine")), Err(TrainError::Exists { .. })));
        assert!(!root.path().join("mine").join(names::LOCK).exists());
    }
}
