//! CIFAR-10 and CIFAR-100 (Krizhevsky, 2009) in their binary layout.
//!
//! A record is one label byte (two for CIFAR-100: coarse, fine) and 3,072 pixel bytes: all red, all green, all blue,
//! row by row. Any whole number of records is accepted; where the number or the SHA-1 of a file is not the official
//! one, a note in [`DatasetInfo::notes`] says so.

mod official;
mod record;

use crate::dataset::{DatasetInfo, Part};
use crate::error::{DataError, Result};
use crate::in_memory::InMemory;
use crate::values::ValueKind;
use eoinas_core::{TargetInfo, file};
use official::{CIFAR10, CIFAR100, Layout};
use std::path::{Path, PathBuf};

/// Bytes of a file that are read at most: seven times those of the largest official one.
const LONGEST: u64 = 1 << 30;

/// CIFAR-10: ten classes, 50,000 training and 10,000 test images of 32x32.
#[derive(Clone, Copy, Debug)]
pub struct Cifar10;

impl Cifar10 {
    /// Reads one part from `dir`, which is `cifar-10-batches-bin` or the folder it lies in.
    ///
    /// # Errors
    /// [`DataError::NotFound`] with the missing file or an empty one, [`DataError::Damaged`], and [`DataError::File`], also for
    /// a file of more than 1 GiB.
    pub fn open(dir: impl AsRef<Path>, part: Part) -> Result<InMemory> {
        open(&CIFAR10, dir.as_ref(), part)
    }
}

/// CIFAR-100: a hundred classes (the fine labels), 50,000 training and 10,000 test images of 32x32.
#[derive(Clone, Copy, Debug)]
pub struct Cifar100;

impl Cifar100 {
    /// Reads one part from `dir`, which is `cifar-100-binary` or the folder it lies in.
    ///
    /// # Errors
    /// As [`Cifar10::open`].
    pub fn open(dir: impl AsRef<Path>, part: Part) -> Result<InMemory> {
        open(&CIFAR100, dir.as_ref(), part)
    }
}

fn open(layout: &Layout, dir: &Path, part: Part) -> Result<InMemory> {
    let files = match part {
        Part::Train => layout.train,
        Part::Test => layout.test,
    };
    let folder = find_folder(layout, dir, files.iter().map(|file| file.name))?;
    let (mut labels, mut pixels, mut notes) = (Vec::new(), Vec::new(), Vec::new());
    for official in files {
        let path = folder.join(official.name);
        let bytes = file::read(&path, LONGEST).map_err(DataError::read(&path))?;
        record::parse(layout, &path, &bytes, &mut labels, &mut pixels)?;
        notes.extend(official::note(layout, official, &bytes));
    }
    let info = DatasetInfo {
        name: layout.name.into(),
        target: TargetInfo::Classes(official::class_names(layout, &folder)),
        values: ValueKind::Bytes,
        channels: 3,
        height: record::SIDE,
        width: record::SIDE,
        mean: layout.mean.to_vec(),
        std: layout.std.to_vec(),
        flip: true,
        notes,
    };
    InMemory::new(info, labels, pixels)
}

/// Whether `dir`, or the folder in it that carries the archive's name, has any of the files.
fn is_in(layout: &Layout, dir: &Path) -> bool {
    let places = [dir.to_owned(), dir.join(layout.folder)];
    let has = |place: &PathBuf| layout.train.iter().chain(layout.test).any(|file| place.join(file.name).is_file());
    places.iter().any(has)
}

/// Which of both sets `dir` has files of; of the Python version, too, which cannot be read.
pub(crate) fn found_in(dir: &Path) -> (bool, bool, bool) {
    let python =
        ["data_batch_1", "cifar-10-batches-py/data_batch_1", "cifar-100-python/train", "cifar-100-python/meta"];
    let python_100 = dir.join("train").is_file() && dir.join("meta").is_file();
    (is_in(&CIFAR10, dir), is_in(&CIFAR100, dir), python_100 || python.iter().any(|file| dir.join(file).is_file()))
}

/// The folder of the files: `dir`, or the folder in it that carries the archive's name.
fn find_folder(layout: &Layout, dir: &Path, files: impl Iterator<Item = &'static str> + Clone) -> Result<PathBuf> {
    let missing =
        |reason: String, hint: String| DataError::NotFound { path: dir.to_owned(), what: layout.what, reason, hint };
    let fetch = format!("unpack {} there (binary version)", layout.archive);
    if !dir.is_dir() {
        return Err(missing("it is not a folder".into(), fetch));
    }
    let places = [dir.to_owned(), dir.join(layout.folder)];
    let absent = |place: &Path| files.clone().find(|name| !place.join(name).is_file());
    for place in &places {
        if absent(place).is_none() {
            return Ok(place.clone());
        }
    }
    if places.iter().any(|place| files.clone().any(|name| place.join(name.trim_end_matches(".bin")).is_file())) {
        let reason = "these are the Python files".into();
        return Err(missing(reason, format!("the binary version is needed: {fetch}")));
    }
    if let Some(other) = [&CIFAR10, &CIFAR100].into_iter().find(|other| other.name != layout.name && is_in(other, dir))
    {
        let reason = format!("it has the files of {}", other.what);
        return Err(missing(reason, format!("choose the data set `{}`, or give another folder", other.name)));
    }
    // Name the gap of the folder that comes closest, so that one lost file is not reported as a missing data set.
    let place = if places[1].is_dir() { &places[1] } else { dir };
    let name = absent(place).unwrap_or_default();
    Err(missing(format!("`{}` is missing", place.join(name).display()), fetch))
}
