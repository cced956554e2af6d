//! Which images there are, in an order that no file system can change, and what is there beside them.

use super::FolderConfig;
use super::class::Class;
use super::hold_out::parts_of;
use super::{labels, parts};
use crate::error::{DataError, Result};
use crate::picture_files::PictureFiles;
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

pub(super) fn list(dir: &Path, config: &FolderConfig) -> Result<FolderList> {
    if !dir.is_dir() {
        return Err(missing(dir, "it is not a folder", "give one with a subfolder of pictures for each class"));
    }
    if let Some(table) = &config.labels {
        return labels::list(table, dir, config);
    }
    let files = config.files;
    let mut beside = Class::default();
    let (inside, loose): (Vec<_>, Vec<_>) = beside.entries(dir, files)?.into_iter().partition(|path| path.is_dir());
    let own = |path: &&PathBuf| !beside.is_litter(path);
    let folders: Vec<String> = inside.iter().filter(own).filter_map(|path| name(path)).collect();
    let Some(train) = parts::train(&folders) else {
        check_no_part(dir, &folders)?;
        let (classes, all, notes) = class_folders(dir, files)?;
        return Ok(parts_of(classes, all, notes, config, "no folders `train` and `test`"));
    };
    loose.into_iter().for_each(|path| beside.take(path, dir, files));
    let part = parts::test(&folders);
    let others: Vec<&str> =
        folders.iter().map(String::as_str).filter(|folder| *folder != train && Some(*folder) != part).collect();
    let (classes, all, mut notes) = class_folders(&dir.join(train), files)?;
    let parts: Vec<&str> = [Some(train), part].into_iter().flatten().collect();
    notes.extend(beside.notes(dir, &parts.iter().map(|part| format!("`{part}`")).collect::<Vec<_>>().join(" and ")));
    let Some(part) = part else {
        if !others.is_empty() {
            let reason = format!("beside `{train}` there is {}, which would not be read", quoted(&others));
            let hint = "call the folder of test images `test`, `val`, `validation` or `dev`, or move others away";
            return Err(missing(dir, &reason, hint));
        }
        return Ok(parts_of(classes, all, notes, config, &format!("no folder `test` beside `{train}`")));
    };
    if !others.is_empty() {
        notes.push(format!("{} beside `{train}` and `{part}` left out", quoted(&others)));
    }
    let (test_classes, test, test_notes) = class_folders(&dir.join(part), files)?;
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
    let Some(part) = folders.iter().find(|folder| parts::is_part(folder)) else { return Ok(()) };
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

pub(super) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The classes (subfolders, by name), their images (by name), and notes about what is left out.
fn class_folders(dir: &Path, files: PictureFiles) -> Result<(Vec<String>, Vec<Entry>, Vec<String>)> {
    let hint = "make one subfolder for each class and put its pictures there";
    let (mut classes, mut images, mut all) = (Vec::new(), Vec::new(), Class::default());
    let (folders, beside): (Vec<_>, Vec<_>) = all.entries(dir, files)?.into_iter().partition(|path| path.is_dir());
    beside.into_iter().for_each(|path| all.take(path, dir, files));
    let is_class = |folder: &PathBuf| !all.is_litter(folder) && !all.is_again(folder, dir);
    let folders: Vec<PathBuf> = folders.into_iter().filter(is_class).collect();
    if folders.is_empty() {
        return Err(missing(dir, "it has no subfolders", hint));
    }
    for (class, folder) in folders.iter().enumerate() {
        let Some(name) = folder.file_name().and_then(|name| name.to_str()) else {
            return Err(missing(folder, "the class has a name that is no Unicode", "call its folder otherwise"));
        };
        let read = Class::read(folder, files)?;
        if read.images.is_empty() {
            let (reason, hint) = read.why_empty(folder);
            let is_empty = |folder: &PathBuf| Class::read(folder, files).is_ok_and(|class| class.images.is_empty());
            if folders.len() > 1 && folders.iter().all(is_empty) {
                let reason = format!("none of its {} subfolders has pictures (`{name}`: {reason})", folders.len());
                let hint = format!("give the folder whose subfolders are the classes, or, where this is it, {hint}");
                return Err(missing(dir, &reason, &hint));
            }
            return Err(DataError::NotFound { path: folder.clone(), what: "images", reason, hint });
        }
        check_nesting(folder, &read, files, folders.len() == 1)?;
        images.extend(read.images.iter().map(|path| (path.clone(), class as u32)));
        all.add(read);
        classes.push(name.to_owned());
    }
    Ok((classes, images, all.notes(dir, "the folders of the classes")))
}

/// A folder that holds the classes' or the parts' folders is no class: its pictures would all be one.
fn check_nesting(folder: &Path, class: &Class, files: PictureFiles, alone: bool) -> Result<()> {
    if files == PictureFiles::PngJpeg {
        return Ok(());
    }
    let within: Vec<String> = class.folders.iter().filter_map(|path| name(path)).collect();
    let part = within.iter().find(|name| parts::is_part(name));
    let (reason, hint) = match (part, within.first()) {
        (Some(part), _) => (
            format!("it would be a class, and has `{part}` within"),
            format!(
                "where it is the whole set, give {}; where it is a class, put its folder into `{part}`",
                folder.display()
            ),
        ),
        (None, Some(first)) if alone && class.is_nested() => (
            format!("it would be the only class, and has only folders (`{first}`)"),
            format!("where `{first}` is a class, give {} and not the folder above it", folder.display()),
        ),
        _ => return Ok(()),
    };
    Err(missing(folder, &reason, &hint))
}
