//! What is in the folder of a class.

use super::foreign;
use crate::error::{DataError, Result};
use crate::picture_files::{PictureFiles, ending, is_litter};
use eoinas_core::counted;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// So many names are listed in a note.
const SHOWN: usize = 10;

/// What a file is that is no picture that is read: the words for one of them and for several.
type Kind = (String, String);

/// The entries of a folder by what they are, or of several folders.
#[derive(Default)]
pub(super) struct Class {
    /// In the order of their paths.
    pub images: Vec<PathBuf>,
    /// Folders in the class's own, whose pictures are among the images where folders within classes are read.
    pub folders: Vec<PathBuf>,
    /// How many other files there are, by what they are and by where.
    kinds: BTreeMap<Kind, usize>,
    places: BTreeMap<PathBuf, usize>,
    unread: Vec<PathBuf>,
    broken: Vec<PathBuf>,
    litter: Vec<PathBuf>,
    hidden: Vec<PathBuf>,
    again: Vec<PathBuf>,
}

impl Class {
    pub fn read(folder: &Path, files: PictureFiles) -> Result<Self> {
        let mut class = Self::default();
        class.read_folder(folder, files, true)?;
        class.images.sort_unstable();
        Ok(class)
    }

    fn read_folder(&mut self, folder: &Path, files: PictureFiles, topmost: bool) -> Result<()> {
        for path in self.entries(folder, files)? {
            if path.is_dir() {
                if self.is_litter(&path) {
                    continue;
                }
                if topmost {
                    self.folders.push(path.clone());
                }
                // A link to a folder may lead back up, without an end.
                if files == PictureFiles::PngJpeg || path.is_symlink() {
                    self.unread.push(path);
                } else {
                    self.read_folder(&path, files, false)?;
                }
            } else {
                self.take(path, folder, files);
            }
        }
        Ok(())
    }

    /// Takes an entry of `folder` that is no folder for what it is.
    pub fn take(&mut self, path: PathBuf, folder: &Path, files: PictureFiles) {
        match path.metadata() {
            Ok(found) if found.is_file() && files.has(&path) => self.images.push(path),
            Ok(found) if found.is_file() => self.leave_out(kind(&path), folder),
            Ok(_) => self.leave_out(("pipe or device".to_owned(), "pipes or devices".to_owned()), folder),
            // Whoever opens it says that it must not be looked at.
            Err(error) if error.kind() == ErrorKind::PermissionDenied && files.has(&path) => self.images.push(path),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => self.leave_out(kind(&path), folder),
            Err(_) => self.broken.push(path),
        }
    }

    fn leave_out(&mut self, kind: Kind, folder: &Path) {
        *self.kinds.entry(kind).or_default() += 1;
        *self.places.entry(folder.to_owned()).or_default() += 1;
    }

    /// What is in `dir`, by name, without hidden entries: folders and pictures among those are noted.
    pub fn entries(&mut self, dir: &Path, files: PictureFiles) -> Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(DataError::read(dir))? {
            let entry = entry.map_err(DataError::read(dir))?;
            let (path, name) = (entry.path(), entry.file_name());
            if !name.as_encoded_bytes().starts_with(b".") {
                paths.push(path);
            // Beside a picture `a.png` macOS leaves `._a.png`, which is none.
            } else if path.is_dir() || files.has(&path) && !name.as_encoded_bytes().starts_with(b"._") {
                self.hidden.push(path);
            }
        }
        paths.sort_unstable();
        self.hidden.sort_unstable();
        Ok(paths)
    }

    /// Whether a folder is nobody's pictures, which is noted.
    pub fn is_litter(&mut self, folder: &Path) -> bool {
        let found = folder.file_name().is_some_and(is_litter);
        if found {
            self.litter.push(folder.to_owned());
        }
        found
    }

    /// Whether a folder is a link to that of the classes (`dir`), above it or into it, which is noted: its pictures are there
    /// already.
    pub fn is_again(&mut self, folder: &Path, dir: &Path) -> bool {
        let found = folder.is_symlink()
            && folder
                .canonicalize()
                .ok()
                .zip(dir.canonicalize().ok())
                .is_some_and(|(target, dir)| dir.starts_with(&target) || target.starts_with(&dir));
        if found {
            self.again.push(folder.to_owned());
        }
        found
    }

    /// Takes what another folder has, but for its images.
    pub fn add(&mut self, other: Self) {
        for (kind, count) in other.kinds {
            *self.kinds.entry(kind).or_default() += count;
        }
        self.places.extend(other.places);
        self.unread.extend(other.unread);
        self.broken.extend(other.broken);
        self.litter.extend(other.litter);
        self.hidden.extend(other.hidden);
        self.again.extend(other.again);
    }

    /// Whether there are pictures, all of them in folders within that of the class.
    pub fn is_nested(&self) -> bool {
        let within = |image: &PathBuf| self.folders.iter().any(|folder| image.starts_with(folder));
        !self.images.is_empty() && self.images.iter().all(within)
    }

    /// Why a class has no images, and what to do.
    pub fn why_empty(&self, folder: &Path) -> (String, String) {
        if !self.kinds.is_empty() {
            let reason = format!(
                "the class has none, only {}",
                listed(&self.kinds, |(one, many), count| counted(count, one, many))
            );
            return (reason, "make PNG or JPEG files of them".into());
        }
        if let Some(first) = self.folders.first() {
            let reason = format!("the class has none, only folders (`{}`)", shown(first, folder));
            let hint = format!(
                "put its pictures there; where `{}` is a class, give {} and not the folder above it",
                shown(first, folder),
                folder.display()
            );
            return (reason, hint);
        }
        if let Some(first) = self.broken.first() {
            let reason = format!("the class has none, only links to nothing (`{}`)", shown(first, folder));
            return (reason, "put its pictures there".into());
        }
        if let Some(first) = self.hidden.first() {
            let reason = format!("the class has none, only hidden ones (`{}`)", shown(first, folder));
            return (reason, "give them names that begin with no dot".into());
        }
        ("the class has none".into(), "put its pictures there, or remove the folder".into())
    }

    /// What is left out of the folders in `dir`, which are `folders` in words: images are those that lie beside these.
    pub fn notes(&self, dir: &Path, folders: &str) -> Vec<String> {
        let mut notes = Vec::new();
        let others: usize = self.kinds.values().sum();
        if others > 0 {
            let kinds = listed(&self.kinds, |(one, many), count| counted(count, one, many));
            let places = listed(&self.places, |folder, count| format!("{count} in `{}`", shown(folder, dir)));
            let files =
                counted(others, "file that is no picture that is read", "files that are no pictures that are read");
            notes.push(format!("{files} left out: {kinds}; {places}"));
        }
        let paths = [
            ("folder within classes", "folders within classes", &self.unread),
            ("link to nothing", "links to nothing", &self.broken),
            ("hidden folder or picture", "hidden folders or pictures", &self.hidden),
            (
                "folder that archives or systems bring along",
                "folders that archives or systems bring along",
                &self.litter,
            ),
            ("link to a folder of the same pictures", "links to folders of the same pictures", &self.again),
        ];
        for (one, many, paths) in paths {
            if paths.is_empty() {
                continue;
            }
            let names: Vec<String> = paths.iter().take(SHOWN).map(|path| format!("`{}`", shown(path, dir))).collect();
            let more = if paths.len() > SHOWN { ", ..." } else { "" };
            notes.push(format!("{} left out: {}{more}", counted(paths.len(), one, many), names.join(", ")));
        }
        if !self.images.is_empty() {
            let loose = counted(self.images.len(), "picture", "pictures");
            notes.push(format!("{loose} beside {folders} left out"));
        }
        notes
    }
}

/// What a file is, by its ending.
fn kind(path: &Path) -> Kind {
    let ending = ending(path);
    match foreign::by_ending(&ending) {
        Some(picture) => (format!("{picture} picture"), format!("{picture} pictures")),
        None if ending.is_empty() => ("file without an ending".to_owned(), "files without an ending".to_owned()),
        None => (format!("file of {ending}"), format!("files of {ending}")),
    }
}

/// `12 HEIC pictures, 1 file of txt`, the largest first.
fn listed<K>(counts: &BTreeMap<K, usize>, counted: impl Fn(&K, usize) -> String) -> String {
    let mut counts: Vec<(&K, &usize)> = counts.iter().collect();
    counts.sort_by(|a, b| b.1.cmp(a.1));
    let more = if counts.len() > SHOWN { ", and others" } else { "" };
    let first = counts.into_iter().take(SHOWN).map(|(what, count)| counted(what, *count));
    first.collect::<Vec<_>>().join(", ") + more
}

/// A path from `dir` on; the name of `dir` itself.
fn shown(path: &Path, dir: &Path) -> String {
    match path.strip_prefix(dir) {
        Ok(below) if below == Path::new("") => {
            Path::new(dir.file_name().unwrap_or(dir.as_os_str())).display().to_string()
        }
        below => below.unwrap_or(path).display().to_string(),
    }
}
