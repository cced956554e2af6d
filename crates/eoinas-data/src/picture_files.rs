//! Which files are pictures, and which folders nobody put them into, by their names.

use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::path::Path;

/// Endings of the files that every version reads.
const PNG_JPEG: [&str; 5] = ["png", "jpg", "jpeg", "jfif", "jpe"];
/// Endings of the other files that are read.
const MORE: [&str; 6] = ["webp", "bmp", "dib", "gif", "tif", "tiff"];
/// Folders that archives and systems bring along.
const LITTER: [&str; 5] = ["__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information"];

/// Which files of a folder are its pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PictureFiles {
    /// PNG and JPEG files that lie in the folder of their class itself: what runs go on with that were begun when others
    /// were left out.
    PngJpeg,
    /// PNG, JPEG, WebP, BMP, GIF and TIFF files, in folders within that of their class too.
    #[default]
    All,
}

impl PictureFiles {
    /// Which ones settings mean that do not say it: they were written before there was a choice.
    pub fn unsaid() -> Self {
        Self::PngJpeg
    }

    /// Whether a file of this name is one of them.
    pub fn has(self, path: impl AsRef<Path>) -> bool {
        let ending = ending(path.as_ref());
        PNG_JPEG.contains(&ending.as_str()) || self == Self::All && MORE.contains(&ending.as_str())
    }
}

/// The ending of a file's name in small letters; empty without one.
pub(crate) fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Whether a file of this name is read as a picture.
pub fn is_picture(path: impl AsRef<Path>) -> bool {
    PictureFiles::All.has(path)
}

/// Whether a folder of this name is one that archives or systems bring along, and has nobody's pictures.
pub fn is_litter(name: &OsStr) -> bool {
    LITTER.iter().any(|litter| name == *litter)
}
