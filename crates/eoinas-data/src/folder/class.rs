//! What is in the folder of a class.

use crate::error::{DataError, Result};
use crate::picture_name::{ending, is_picture};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Folders that archives and systems bring along.
const LITTER: [&str; 5] = ["__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information"];
/// So many names are listed in a note.
const SHOWN: usize = 5;

/// The entries of a folder by what they are, or of several folders.
#[derive(Default)]
pub(super) struct Class {
    pub images: Vec<PathBuf>,
    /// How many other files there are, by their endings.
    others: BTreeMap<String, usize>,
    folders: Vec<PathBuf>,
    broken: Vec<PathBuf>,
    litter: Vec<PathBuf>,
}

impl Class {
    pub fn read(folder: &Path) -> Result<Self> {
        let mut class = Self::default();
        for path in entries(folder)? {
            if path.is_dir() {
                if !class.is_litter(&path) {
                    class.folders.push(path);
                }
            } else if path.is_file() {
                if is_picture(&path) {
                    class.images.push(path);
                } else {
                    *class.others.entry(ending(&path)).or_default() += 1;
                }
            } else {
                class.broken.push(path);
            }
        }
        Ok(class)
    }

    /// Whether a folder is nobody's pictures, which is noted.
    pub fn is_litter(&mut self, folder: &Path) -> bool {
        let found = LITTER.iter().any(|litter| folder.file_name().is_some_and(|name| name == *litter));
        if found {
            self.litter.push(folder.to_owned());
        }
        found
    }

    /// Takes what another folder has, but for its images.
    pub fn add(&mut self, other: Self) {
        for (ending, count) in other.others {
            *self.others.entry(ending).or_default() += count;
        }
        self.folders.extend(other.folders);
        self.broken.extend(other.broken);
        self.litter.extend(other.litter);
    }

    /// Why a class has no images, and what to do.
    pub fn why_empty(&self, folder: &Path) -> (String, String) {
        if let Some(first) = self.folders.first() {
            let reason = format!("the class has none, only folders (`{}`)", shown(first, folder));
            let hint = format!(
                "put the PNG or JPEG files themselves there; where `{}` is a class, give {} and not the folder above it",
                shown(first, folder),
                folder.display()
            );
            return (reason, hint);
        }
        if !self.others.is_empty() {
            let reason = format!("the class has none, only {}", self.other_files());
            return (reason, "make PNG or JPEG files of them".into());
        }
        if let Some(first) = self.broken.first() {
            let reason = format!("the class has none, only links to nothing (`{}`)", shown(first, folder));
            return (reason, "put its PNG or JPEG files there".into());
        }
        ("the class has none".into(), "put its PNG or JPEG files there, or remove the folder".into())
    }

    /// `12 files of webp, 1 of txt`
    fn other_files(&self) -> String {
        let mut kinds = self.others.iter().map(|(ending, count)| match ending.as_str() {
            "" => format!("{count} files without an ending"),
            ending => format!("{count} files of {ending}"),
        });
        let first: Vec<String> = kinds.by_ref().take(SHOWN).collect();
        first.join(", ") + if kinds.next().is_some() { ", and others" } else { "" }
    }

    /// What is left out of the class folders in `dir`.
    pub fn notes(&self, dir: &Path) -> Vec<String> {
        let mut notes = Vec::new();
        let others: usize = self.others.values().sum();
        if others > 0 {
            notes.push(format!("{others} files that are neither PNG nor JPEG left out ({})", self.other_files()));
        }
        let listed = [
            ("folders within classes left out", &self.folders),
            ("links to nothing left out", &self.broken),
            ("folders that archives or systems bring along left out", &self.litter),
        ];
        for (what, paths) in listed {
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
