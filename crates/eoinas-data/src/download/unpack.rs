//! From an archive to a folder that appears whole or not at all.

use super::{failed, written};
use crate::error::Result;
use flate2::read::GzDecoder;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

/// Unpacks the folder `folder` of `archive` into `dir`.
pub(super) fn unpack(archive: &Path, dir: &Path, folder: &str) -> Result<()> {
    let scratch = dir.join(format!("{folder}.unpacking"));
    if scratch.exists() {
        // Left by a process that was killed in the middle.
        fs::remove_dir_all(&scratch).map_err(written(&scratch))?;
    }
    fs::create_dir(&scratch).map_err(written(&scratch))?;
    let file = File::open(archive).map_err(written(archive))?;
    let unpacked = tar::Archive::new(GzDecoder::new(BufReader::new(file))).unpack(&scratch).map_err(written(archive));
    let (from, to) = (scratch.join(folder), dir.join(folder));
    let moved = unpacked.and_then(|()| {
        if !from.is_dir() {
            let problem = format!("holds no folder `{folder}`; remove it and try again");
            return Err(failed(archive.display().to_string(), problem));
        }
        fs::rename(&from, &to).map_err(written(&to))
    });
    fs::remove_dir_all(&scratch).map_err(written(&scratch))?;
    moved
}
