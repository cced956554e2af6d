//! The test part of pictures that have none.

use super::FolderConfig;
use super::list::{Entry, FolderList, quoted};

/// Without a folder of test images, one image of so many is held out.
const HOLD_OUT: usize = 5;

/// The test part of a folder or table that has none, which `missing` says: where `config` wants all pictures, both parts are all
/// of them.
pub(super) fn parts_of(
    classes: Vec<String>,
    all: Vec<Entry>,
    notes: Vec<String>,
    config: &FolderConfig,
    missing: &str,
) -> FolderList {
    if config.all {
        let note = format!("{missing}: none of the pictures is held out as test");
        return FolderList { classes, test: all.clone(), train: all, notes, held_out: Some(note) };
    }
    hold_out(classes, all, notes, missing)
}

/// Every fifth image of each class goes to the second part; of two to four images the last one.
fn hold_out(classes: Vec<String>, all: Vec<Entry>, notes: Vec<String>, missing: &str) -> FolderList {
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
    let mut note =
        format!("{missing}: every image {HOLD_OUT} of a class is held out as test, of a class with fewer the last one");
    if !single.is_empty() {
        note += &format!("; none of {}, which has a single image", quoted(&single));
    }
    FolderList { classes, train, test, notes, held_out: Some(note) }
}
