//! Which data set a folder holds.

use crate::error::{DataError, Result};
use crate::picture_files::{is_litter, is_picture};
use crate::source::SourceKind;
use crate::{cifar, mnist};
use std::path::Path;

impl SourceKind {
    /// Which data set `dir` holds, by its files: those of CIFAR-10, CIFAR-100 or MNIST, else folders, which are classes of
    /// pictures.
    ///
    /// # Errors
    /// [`DataError::NotFound`] where there is none of them, or more than one, or the Python version of CIFAR.
    pub fn detect(dir: &Path) -> Result<Self> {
        let missing = |reason: String, hint: &str| {
            Err(DataError::NotFound { path: dir.into(), what: "data set", reason, hint: hint.into() })
        };
        if !dir.is_dir() {
            let hint = "give the folder of CIFAR (binary version), of MNIST (idx files), or of pictures, one subfolder a class";
            return missing("it is not a folder".into(), hint);
        }
        let (cifar10, cifar100, python) = cifar::found_in(dir);
        let sets = [(cifar10, Self::Cifar10), (cifar100, Self::Cifar100), (mnist::is_in(dir), Self::Mnist)];
        let found: Vec<Self> = sets.into_iter().filter(|(there, _)| *there).map(|(_, kind)| kind).collect();
        match found.as_slice() {
            [only] => Ok(*only),
            [] if python => missing(
                "these are CIFAR's Python files".into(),
                "the binary version is needed: cifar-10-binary.tar.gz or cifar-100-binary.tar.gz",
            ),
            [] if has_folders(dir)? => Ok(Self::Folder),
            [] => {
                let reason = "it has neither the files of CIFAR (data_batch_1.bin or train.bin, ...) or MNIST \
                              (train-images-idx3-ubyte, ...) nor subfolders";
                let mut hint = "put the files there, or one subfolder of pictures for each class".to_owned();
                match pictures(dir)? {
                    0 => {}
                    1 => hint += "; the picture that lies here is in no class",
                    many => {
                        hint +=
                            &format!("; where the {many} pictures that lie here are one class, give the folder above")
                    }
                }
                missing(reason.into(), &hint)
            }
            several => {
                let names = several.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" and ");
                missing(format!("it has the files of {names}"), "say which one is meant with `dataset`")
            }
        }
    }
}

/// How many pictures lie in `dir` itself, by their names.
fn pictures(dir: &Path) -> Result<usize> {
    let entries = std::fs::read_dir(dir).map_err(DataError::read(dir))?;
    Ok(entries.flatten().filter(|entry| is_picture(entry.path())).count())
}

fn has_folders(dir: &Path) -> Result<bool> {
    let mut entries = std::fs::read_dir(dir).map_err(DataError::read(dir))?;
    entries.try_fold(false, |found, entry| {
        let entry = entry.map_err(DataError::read(dir))?;
        let name = entry.file_name();
        let own = !name.as_encoded_bytes().starts_with(b".") && !is_litter(&name);
        Ok(found || own && entry.path().is_dir())
    })
}
