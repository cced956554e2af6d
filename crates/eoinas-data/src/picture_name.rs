//! Which files are pictures, by their names.

use std::path::Path;

/// Endings of the files that are read.
const ENDINGS: [&str; 5] = ["png", "jpg", "jpeg", "jfif", "jpe"];

/// The ending of a file's name in small letters; empty without one.
pub(crate) fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Whether a file of this name is read as a picture.
pub fn is_picture(path: impl AsRef<Path>) -> bool {
    ENDINGS.contains(&ending(path.as_ref()).as_str())
}
