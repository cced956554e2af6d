//! From an archive to a folder that appears whole or not at all.

use super::DownloadError;
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

/// Unpacks the folder `folder` of `archive` into `dir`.
pub(super) fn unpack(archive: &Path, dir: &Path, folder: &str) -> Result<(), DownloadError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| DownloadError::Io { path, source }
    };
    let scratch = dir.join(format!("{folder}.unpacking"));
    if scratch.exists() {
        // Left by a process that was killed in the middle.
        fs::remove_dir_all(&scratch).map_err(at(&scratch))?;
    }
    fs::create_dir(&scratch).map_err(at(&scratch))?;
    let file = File::open(archive).map_err(at(archive))?;
    let unpacked = tar::Archive::new(GzDecoder::new(BufReader::new(file))).unpack(&scratch).map_err(at(archive));
    let (from, to) = (scratch.join(folder), dir.join(folder));
    let moved = unpacked.and_then(|()| {
        if !from.is_dir() {
            return Err(DownloadError::NoFolder { path: archive.into(), folder: folder.into() });
        }
        fs::rename(&from, &to).map_err(at(&to))
    });
    fs::remove_dir_all(&scratch).map_err(at(&scratch))?;
    moved
}
