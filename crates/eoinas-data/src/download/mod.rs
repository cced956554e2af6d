//! Fetching an archive from its home: with a checksum, going on where a broken transfer ended.

mod transfer;
mod unpack;

use crate::error::{DataError, Result};
use crate::hex::hex;
use md5::{Digest, Md5};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;
use transfer::Client;

/// A packed folder (`.tar.gz`) on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Archive {
    /// Where it is.
    pub url: String,
    /// MD5 of the archive, in lower-case hexadecimal digits.
    pub md5: String,
    /// The folder that it holds.
    pub folder: String,
    /// The most bytes that are fetched of it: a server that sends on and on fills no disk.
    pub max_bytes: u64,
}

/// Three times what the archives of CIFAR have.
const MAX_BYTES: u64 = 512 << 20;

impl Archive {
    /// CIFAR-10, binary version, from its home.
    pub fn cifar10() -> Self {
        Self {
            url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz".into(),
            md5: "c32a1d4ab5d03f1284b67883e8d87530".into(),
            folder: "cifar-10-batches-bin".into(),
            max_bytes: MAX_BYTES,
        }
    }

    /// CIFAR-100, binary version, from its home.
    pub fn cifar100() -> Self {
        Self {
            url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz".into(),
            md5: "03b5dce01913d631647c71ecec9e9cb8".into(),
            folder: "cifar-100-binary".into(),
            max_bytes: MAX_BYTES,
        }
    }

    /// Last part of the address.
    fn file_name(&self) -> &str {
        self.url.rsplit('/').next().unwrap_or(&self.url)
    }
}

/// How far a download is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes that are here, those of earlier calls included.
    pub done: u64,
    /// All bytes, where the server says so.
    pub total: Option<u64>,
}

/// Fetches `archive` into `dir`, checks it, unpacks it and returns the folder. A folder that is there already is
/// returned untouched. What a broken transfer brought stays in `<archive>.part`, and the next call goes on from there;
/// the folder appears under its name only when it is complete. An address of https is left for none without.
///
/// # Errors
/// [`DataError::Download`]: the server cannot be reached or refuses, the transfer breaks off again and again, the checksum
/// is wrong, or another process is at it. [`DataError::File`]: a file cannot be written.
pub fn fetch(archive: &Archive, dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf> {
    let https = archive.url.starts_with("https://");
    fetch_with(&Client::new(Duration::from_secs(1), https), archive, dir, progress)
}

fn fetch_with(client: &Client, archive: &Archive, dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf> {
    let target = dir.join(&archive.folder);
    if target.is_dir() {
        return Ok(target);
    }
    let before = dir.exists();
    std::fs::create_dir_all(dir).map_err(written(dir))?;
    let fetched = fetch_to(client, archive, dir, progress);
    if fetched.is_err() && !before {
        // Nothing is left where nothing came; what has come stays for the next try, and then this fails.
        let _ = std::fs::remove_dir(dir);
    }
    fetched.map(|()| target)
}

/// The same into a folder that is there.
fn fetch_to(client: &Client, archive: &Archive, dir: &Path, progress: &mut dyn FnMut(Progress)) -> Result<()> {
    let part = dir.join(format!("{}.part", archive.file_name()));
    let mut file = File::options().create(true).append(true).read(true).open(&part).map_err(written(&part))?;
    // Two processes that write to one file would spoil it for both. Some file systems have no locks: then do without.
    if let Err(std::fs::TryLockError::WouldBlock) = file.try_lock() {
        let problem = "another process is downloading it; wait for it to end";
        return Err(failed(part.display().to_string(), problem));
    }
    let transferred = client.transfer(archive, &part, &mut file, progress);
    if transferred.is_err() && file.metadata().is_ok_and(|part| part.len() == 0) {
        std::fs::remove_file(&part).map_err(written(&part))?;
    }
    transferred?;
    file.sync_all().map_err(written(&part))?;
    let got = md5_of(&part).map_err(DataError::read(&part))?;
    if got != archive.md5 {
        // Going on from wrong bytes can never come right.
        std::fs::remove_file(&part).map_err(written(&part))?;
        let expected = &archive.md5;
        let problem = format!("MD5 {got} instead of {expected}; what was fetched has been removed: try again");
        return Err(failed(&archive.url, problem));
    }
    unpack::unpack(&part, dir, &archive.folder)?;
    std::fs::remove_file(&part).map_err(written(&part))
}

fn failed(from: impl Into<String>, problem: impl Into<String>) -> DataError {
    DataError::Download { from: from.into(), problem: problem.into() }
}

fn written(path: &Path) -> impl FnOnce(std::io::Error) -> DataError {
    let path = path.to_owned();
    move |source| DataError::File { path, doing: "written", source }
}

fn md5_of(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Md5::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(buffer.get(..n).unwrap_or(&[])),
        }
    }
}

#[cfg(test)]
mod tests;
