//! What is in the folder of a class.

use super::foreign;
use crate::error::{DataError, Result};
use crate::picture_files::{PictureFiles, ending, is_litter};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// So many names are listed in a note.
const SHOWN: usize = 10;

/// The entries of a folder by what they are, or of several folders.
#[derive(Default)]
pub(super) struct Class {
    /// In the order of their paths.
    pub images: Vec<PathBuf>,
    /// Folders in the class's own, whose pictures are among the images where folders within classes are read.
    pub folders: Vec<PathBuf>,
    /// How many other files there are, by what they are and by where.
    kinds: BTreeMap<String, usize>,
    places: BTreeMap<PathBuf, usize>,
    unread: Vec<PathBuf>,
    broken: Vec<PathBuf>,
    litter: Vec<PathBuf>,
}

impl Class {
    pub fn read(folder: &Path, files: PictureFiles) -> Result<Self> {
        let mut class = Self::default();
        class.read_folder(folder, files, true)?;
        class.images.sort_unstable();
        Ok(class)
    }

    fn read_folder(&mut self, folder: &Path, files: PictureFiles, topmost: bool) -> Result<()> {
        for path in entries(folder)? {
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
            } else if path.is_file() {
                if files.has(&path) {
                    self.images.push(path);
                } else {
                    *self.kinds.entry(kind(&path)).or_default() += 1;
                    *self.places.entry(folder.to_owned()).or_default() += 1;
                }
            } else {
                self.broken.push(path);
            }
        }
        Ok(())
    }

    /// Whether a folder is nobody's pictures, which is noted.
    pub fn is_litter(&mut self, folder: &Path) -> bool {
        let found = folder.file_name().is_some_and(is_litter);
        if found {
            self.litter.push(folder.to_owned());
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
    }

    /// Whether there are pictures, all of them in folders within that of the class.
    pub fn is_nested(&self) -> bool {
        let within = |image: &PathBuf| self.folders.iter().any(|folder| image.starts_with(folder));
        !self.images.is_empty() && self.images.iter().all(within)
    }

    /// Why a class has no images, and what to do.
    pub fn why_empty(&self, folder: &Path) -> (String, String) {
        if !self.kinds.is_empty() {
            let reason = format!("the class has none, only {}", listed(&self.kinds, Clone::clone));
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
        ("the class has none".into(), "put its pictures there, or remove the folder".into())
    }

    /// What is left out of the class folders in `dir`.
    pub fn notes(&self, dir: &Path) -> Vec<String> {
        let mut notes = Vec::new();
        let others: usize = self.kinds.values().sum();
        if others > 0 {
            let kinds = listed(&self.kinds, Clone::clone);
            let places = listed(&self.places, |folder| format!("in `{}`", shown(folder, dir)));
            notes.push(format!("{others} files that are no pictures that are read left out: {kinds}; {places}"));
        }
        let paths = [
            ("folders within classes left out", &self.unread),
            ("links to nothing left out", &self.broken),
            ("folders that archives or systems bring along left out", &self.litter),
        ];
        for (what, paths) in paths {
            if paths.is_empty() {
                continue;
            }
            let names: Vec<String> = paths.iter().take(SHOWN).map(|path| format!("`{}`", shown(path, dir))).collect();
            let more = if paths.len() > SHOWN { ", ..." } else { "" };
            notes.push(format!("{} {what}: {}{more}", paths.len(), names.join(", ")));
        }
        notes
    }
}

/// What a file is, by its ending.
fn kind(path: &Path) -> String {
    let ending = ending(path);
    match foreign::by_ending(&ending) {
        Some(picture) => format!("{picture} pictures"),
        None if ending.is_empty() => "files without an ending".to_owned(),
        None => format!("files of {ending}"),
    }
}

/// `12 HEIC pictures, 1 files of txt`, the largest first.
fn listed<K>(counts: &BTreeMap<K, usize>, name: impl Fn(&K) -> String) -> String {
    let mut counts: Vec<(&K, &usize)> = counts.iter().collect();
    counts.sort_by(|a, b| b.1.cmp(a.1));
    let more = if counts.len() > SHOWN { ", and others" } else { "" };
    let first = counts.into_iter().take(SHOWN).map(|(what, count)| format!("{count} {}", name(what)));
    first.collect::<Vec<_>>().join(", ") + more
}

/// A path from `dir` on.
fn shown(path: &Path, dir: &Path) -> String {
    path.strip_prefix(dir).unwrap_or(path).display().to_string()
}

/// What is in `dir`, by name, without hidden entries.
pub(super) fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(DataError::read(dir))? {
        let entry = entry.map_err(DataError::read(dir))?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort_unstable();
    Ok(paths)
}
