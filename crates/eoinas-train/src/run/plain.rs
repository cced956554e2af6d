//! Files that are trusted: plain ones, of a bounded size.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// No file of settings, states or results is larger; tensors have their length in the manifest.
pub(crate) const LIMIT: u64 = 1 << 28;

/// The content of a plain file of at most `limit` bytes. Devices and pipes, which may never end, and links, which lead out
/// of the folder, are not read.
pub(crate) fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let refused = |problem: String| Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    let found = fs::symlink_metadata(path)?;
    if !found.is_file() {
        return refused("it is no plain file but a link, a folder or a device".to_owned());
    }
    if found.len() > limit {
        return Err(eoinas_core::file::too_large(found.len(), limit));
    }
    eoinas_core::file::read_from(File::open(path)?, limit)
}

/// Writes a file whole or not at all: to a sibling, which is renamed.
pub(crate) fn write(path: &Path, content: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = path.with_file_name(format!(".tmp-{name}"));
    fs::write(&temporary, content)?;
    File::open(&temporary)?.sync_all()?;
    fs::rename(&temporary, path)
}

/// Makes the names in a folder survive a power cut.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    // Only Unix can open a folder; elsewhere the rename is all there is.
    if cfg!(unix) { File::open(path)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read(&path, 5).unwrap(), b"12345");
        assert!(read(&path, 4).unwrap_err().to_string().contains("5 bytes"));
        assert!(read(dir.path(), 4).unwrap_err().to_string().contains("no plain file"));
        assert_eq!(read(&dir.path().join("b"), 4).unwrap_err().kind(), io::ErrorKind::NotFound);
        #[cfg(unix)]
        {
            let link = dir.path().join("zero");
            std::os::unix::fs::symlink("/dev/zero", &link).unwrap();
            assert!(read(&link, 4).unwrap_err().to_string().contains("link"));
            assert!(read(Path::new("/dev/zero"), 4).unwrap_err().to_string().contains("device"));
        }
    }
}
