//! Which images there are, in an order that no file system can change, and what is there beside them.

use super::class::{self, Class};
use crate::error::{DataError, Result};
use crate::picture_name::is_picture;
use std::path::{Path, PathBuf};

/// An image file and its class.
pub(super) type Entry = (PathBuf, u32);

/// The files of a folder of images, none of which was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderList {
    /// Names of the classes, which are those of their subfolders.
    pub classes: Vec<String>,
    /// Each image of the training part with its class, an index into `classes`; by class and name.
    pub train: Vec<(PathBuf, u32)>,
    /// Those of the test part.
    pub test: Vec<(PathBuf, u32)>,
    /// What is there beside them, a line each.
    pub notes: Vec<String>,
    /// Of a folder that has no test part: that one was held out of the training part, and how. `None` where it has one.
    pub held_out: Option<String>,
}

impl FolderList {
    /// All that a user should know, a line each.
    pub(super) fn into_notes(self) -> Vec<String> {
        self.notes.into_iter().chain(self.held_out).collect()
    }
}

const TRAIN: &str = "train";
const TEST_FOLDERS: [&str; 3] = ["test", "val", "valid"];
/// Names, in any case, that a part of the pictures has and hardly a class.
const PARTS: [&str; 10] =
    ["train", "training", "test", "testing", "val", "valid", "validation", "dev", "eval", "evaluation"];
/// Without a folder of test images, one image of so many is held out.
const HOLD_OUT: usize = 5;

pub(super) fn list(dir: &Path) -> Result<FolderList> {
    if !dir.is_dir() {
        return Err(missing(
            dir,
            "it is not a folder",
            "give one with a subfolder for each class, of PNG or JPEG files",
        ));
    }
    let inside = class::entries(dir)?;
    let own = |path: &&PathBuf| path.is_dir() && !Class::default().is_litter(path);
    let folders: Vec<String> = inside.iter().filter(own).filter_map(|path| name(path)).collect();
    let has = |part: &str| folders.iter().any(|folder| folder == part);
    if !has(TRAIN) {
        check_no_part(dir, &folders)?;
        let (classes, all, notes) = class_folders(dir)?;
        return Ok(hold_out(classes, all, notes));
    }
    let part = TEST_FOLDERS.into_iter().find(|part| has(part));
    let others: Vec<&str> =
        folders.iter().map(String::as_str).filter(|folder| *folder != TRAIN && Some(*folder) != part).collect();
    let (classes, all, mut notes) = class_folders(&dir.join(TRAIN))?;
    let Some(part) = part else {
        if !others.is_empty() {
            let reason = format!("beside `{TRAIN}` there is {}, which would not be read", quoted(&others));
            return Err(missing(
                dir,
                &reason,
                "call the folder of test images `test`, `val` or `valid`, or move others away",
            ));
        }
        return Ok(hold_out(classes, all, notes));
    };
    if !others.is_empty() {
        notes.push(format!("{} beside `{TRAIN}` and `{part}` left out", quoted(&others)));
    }
    let (test_classes, test, test_notes) = class_folders(&dir.join(part))?;
    notes.extend(test_notes.into_iter().map(|note| format!("test part: {note}")));
    if test_classes != classes {
        return Err(DataError::NotFound {
            path: dir.join(part),
            what: "folder of test images",
            reason: format!("its classes {test_classes:?} are not the training classes {classes:?}"),
            hint: "give both parts the same subfolders".into(),
        });
    }
    Ok(FolderList { classes, train: all, test, notes, held_out: None })
}

/// A folder of a part is no class: its pictures would be learned as one.
fn check_no_part(dir: &Path, folders: &[String]) -> Result<()> {
    let is_part = |folder: &&String| PARTS.contains(&folder.to_lowercase().as_str());
    let Some(part) = folders.iter().find(is_part) else { return Ok(()) };
    let reason = format!("`{part}` would be a class of that name");
    let hint = "put the classes' folders into `train`, and those of the test images into `test`; a class that is called so \
                needs another name";
    Err(missing(dir, &reason, hint))
}

fn missing(dir: &Path, reason: &str, hint: &str) -> DataError {
    DataError::NotFound { path: dir.into(), what: "folder of images", reason: reason.into(), hint: hint.into() }
}

fn name(path: &Path) -> Option<String> {
    path.file_name().map(|name| name.to_string_lossy().into_owned())
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// Every fifth image of each class goes to the second part; of two to four images the last one.
fn hold_out(classes: Vec<String>, all: Vec<Entry>, notes: Vec<String>) -> FolderList {
    let (mut train, mut test, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for class in all.chunk_by(|a, b| a.1 == b.1) {
        let every = class.len().clamp(2, HOLD_OUT);
        for (index, entry) in class.iter().enumerate() {
            if (index + 1).is_multiple_of(every) { &mut test } else { &mut train }.push(entry.clone());
        }
        if let ([(_, class)], false) = (class, class.len() > 1) {
            single.extend(classes.get(*class as usize).map(String::as_str));
        }
    }
    let mut note = format!(
        "no folders `train` and `test`: every image {HOLD_OUT} of a class is held out as test, of a class with fewer the \
         last one"
    );
    if !single.is_empty() {
        note += &format!("; none of {}, which has a single image", quoted(&single));
    }
    FolderList { classes, train, test, notes, held_out: Some(note) }
}

/// The classes (subfolders, by name), their images (by name), and notes about what is left out.
fn class_folders(dir: &Path) -> Result<(Vec<String>, Vec<Entry>, Vec<String>)> {
    let hint = "make one subfolder for each class and put its PNG or JPEG files there";
    let (mut classes, mut images, mut all) = (Vec::new(), Vec::new(), Class::default());
    let (folders, beside): (Vec<_>, Vec<_>) = class::entries(dir)?.into_iter().partition(|path| path.is_dir());
    let folders: Vec<PathBuf> = folders.into_iter().filter(|folder| !all.is_litter(folder)).collect();
    if folders.is_empty() {
        return Err(missing(dir, "it has no subfolders", hint));
    }
    for (class, folder) in folders.iter().enumerate() {
        let Some(name) = folder.file_name().and_then(|name| name.to_str()) else {
            return Err(missing(folder, "the class has a name that is no Unicode", "call its folder otherwise"));
        };
        let read = Class::read(folder)?;
        if read.images.is_empty() {
            let (reason, hint) = read.why_empty(folder);
            let is_empty = |folder: &PathBuf| Class::read(folder).is_ok_and(|class| class.images.is_empty());
            if folders.len() > 1 && folders.iter().all(is_empty) {
                let reason =
                    format!("none of its {} subfolders has PNG or JPEG files (`{name}`: {reason})", folders.len());
                let hint = format!("give the folder whose subfolders are the classes, or, where this is it, {hint}");
                return Err(missing(dir, &reason, &hint));
            }
            return Err(DataError::NotFound { path: folder.clone(), what: "images", reason, hint });
        }
        images.extend(read.images.iter().map(|path| (path.clone(), class as u32)));
        all.add(read);
        classes.push(name.to_owned());
    }
    let mut notes = all.notes(dir);
    let loose = beside.iter().filter(|path| is_picture(path)).count();
    if loose > 0 {
        notes.push(format!("{loose} pictures beside the folders of the classes left out"));
    }
    Ok((classes, images, notes))
}
