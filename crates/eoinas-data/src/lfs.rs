//! Git LFS keeps a few lines of text in the place of a large file that was not fetched.

use crate::error::{DataError, Result};
use std::path::Path;

/// What such a file is, and what to do.
pub(crate) const POINTER: &str = "it is a Git LFS pointer and not the file itself; fetch that with `git lfs pull`";

/// Whether the content of a file is such a pointer.
pub(crate) fn is_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// Refuses a pointer in the place of a file of `what`.
pub(crate) fn check(path: &Path, bytes: &[u8], what: &'static str) -> Result<()> {
    if !is_pointer(bytes) {
        return Ok(());
    }
    let (reason, hint) = POINTER.split_once("; ").unwrap_or((POINTER, ""));
    Err(DataError::NotFound { path: path.into(), what, reason: reason.into(), hint: hint.into() })
}
