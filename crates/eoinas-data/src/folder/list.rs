//! Which images there are, in an order that no file system can change.

use crate::error::{DataError, Result};
use std::path::{Path, PathBuf};

/// An image file and its class.
pub(super) type Entry = (PathBuf, u32);

pub(super) struct List {
    pub classes: Vec<String>,
    pub train: Vec<Entry>,
    pub test: Vec<Entry>,
    pub notes: Vec<String>,
}

const TEST_FOLDERS: [&str; 3] = ["test", "val", "valid"];
/// Without a folder of test images, one image of so many is held out.
const HOLD_OUT: usize = 5;

pub(super) fn list(dir: &Path) -> Result<List> {
    let train_dir = Some(dir.join("train")).filter(|train| train.is_dir());
    let test_dir = TEST_FOLDERS.iter().map(|name| dir.join(name)).find(|test| test.is_dir());
    let (classes, all, other) = class_folders(train_dir.as_deref().unwrap_or(dir))?;
    let mut notes = Vec::new();
    if other > 0 {
        notes.push(format!("{other} files that are neither PNG nor JPEG left out"));
    }
    let (train, test) = match (train_dir, test_dir) {
        (Some(_), Some(test_dir)) => {
            let (test_classes, test, _) = class_folders(&test_dir)?;
            if test_classes != classes {
                return Err(DataError::NotFound {
                    path: test_dir,
                    what: "folder of test images",
                    reason: format!("its classes {test_classes:?} are not the training classes {classes:?}"),
                    hint: "give both parts the same subfolders".into(),
                });
            }
            (all, test)
        }
        _ => {
            notes.push(format!(
                "no folders `train` and `test`: every image {HOLD_OUT} of a class is held out as test, of a class with \
                 fewer the last one"
            ));
            hold_out(all)
        }
    };
    Ok(List { classes, train, test, notes })
}

/// Every fifth image of each class goes to the second part; of two to four images the last one.
fn hold_out(all: Vec<Entry>) -> (Vec<Entry>, Vec<Entry>) {
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for class in all.chunk_by(|a, b| a.1 == b.1) {
        let every = class.len().clamp(2, HOLD_OUT);
        for (index, entry) in class.iter().enumerate() {
            if (index + 1).is_multiple_of(every) { &mut test } else { &mut train }.push(entry.clone());
        }
    }
    (train, test)
}

/// The classes (subfolders, by name), their images (by name) and the number of other files.
fn class_folders(dir: &Path) -> Result<(Vec<String>, Vec<Entry>, usize)> {
    let missing = |reason: &str| DataError::NotFound {
        path: dir.into(),
        what: "folder of images",
        reason: reason.into(),
        hint: "make one subfolder for each class and put its PNG or JPEG files there".into(),
    };
    if !dir.is_dir() {
        return Err(missing("it is not a folder"));
    }
    let folders: Vec<PathBuf> = entries(dir)?.into_iter().filter(|path| path.is_dir()).collect();
    if folders.is_empty() {
        return Err(missing("it has no subfolders"));
    }
    let (mut classes, mut images, mut other) = (Vec::new(), Vec::new(), 0);
    for (class, folder) in folders.iter().enumerate() {
        let before = images.len();
        for path in entries(folder)?.into_iter().filter(|path| path.is_file()) {
            if is_image(&path) {
                images.push((path, class as u32));
            } else {
                other += 1;
            }
        }
        if images.len() == before {
            let (reason, hint) = ("the class has none".into(), "put its PNG or JPEG files there".into());
            return Err(DataError::NotFound { path: folder.clone(), what: "images", reason, hint });
        }
        classes.push(folder.file_name().unwrap_or_default().to_string_lossy().into_owned());
    }
    Ok((classes, images, other))
}

/// What is in `dir`, by name, without hidden entries.
fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
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

fn is_image(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    ["png", "jpg", "jpeg"].iter().any(|known| extension == *known)
}
