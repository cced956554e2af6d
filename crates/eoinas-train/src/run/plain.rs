//! Files that are trusted: plain ones, of a bounded size.

use std::{
    collections::hash_map::RandomState,
    fs::{self, File},
    hash::{BuildHasher, Hasher},
    io::{self, Write},
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

/// Makes a file with its content, unless there is one of that name: of several that try at once, on whatever machines, one does.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`]: there is one.
pub(crate) fn write_new(path: &Path, content: &str) -> io::Result<()> {
    let whole = |path: &Path| {
        let mut file = File::create_new(path)?;
        file.write_all(content.as_bytes())?;
        file.sync_all()
    };
    let temporary = path.with_file_name(format!(".tmp-{}", token()));
    let made = whole(&temporary).and_then(|()| match fs::hard_link(&temporary, path) {
        // There are no hard links: who looks now may see an empty file.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => whole(path),
        linked => linked,
    });
    let _ = fs::remove_file(&temporary);
    made
}

/// A random name that nobody else has. The keys of the hasher are the system's random numbers.
pub(crate) fn token() -> String {
    (0..2).map(|_| format!("{:016x}", RandomState::new().build_hasher().finish())).collect()
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
