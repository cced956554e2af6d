//! Files that a user names: plain ones, of a bounded size.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Bytes of a text file that is read whole, at most: 64 MiB.
pub const TEXT: u64 = 64 << 20;
/// What a pointer of Git LFS is, and what to do.
pub const LFS_POINTER: &str = "it is a Git LFS pointer and not the file itself; fetch that with `git lfs pull`";
const MEANT: &str = "check that it is the file that is meant";

/// The content of a plain file of at most `limit` bytes. Devices and pipes, which may never end, are not read, nor is what
/// Git LFS keeps in the place of a file that was not fetched.
///
/// # Errors
/// There is no such file, it is refused, or it cannot be read.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let found = path.metadata()?;
    if !found.is_file() {
        return Err(refused("it is no plain file but a folder, a pipe or a device"));
    }
    if found.len() > limit {
        return Err(too_large(found.len(), limit));
    }
    let bytes = read_from(File::open(path)?, limit)?;
    if is_lfs_pointer(&bytes) {
        return Err(refused(LFS_POINTER));
    }
    Ok(bytes)
}

/// Whether an error says that what is there can be read, but not written: permissions, or a file system that is mounted so.
pub fn is_write_protected(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied)
}

/// The text of a plain file, as [`read`].
///
/// # Errors
/// As [`read`], or what is no UTF-8.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?).map_err(|error| refused(format!("it is no UTF-8 text: {error}")))
}

/// All of a source that ends within `limit` bytes.
///
/// # Errors
/// It does not, or cannot be read.
pub fn read_from(source: impl Read, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(refused(format!("it has more than {limit} bytes, the most that are read of such a file; {MEANT}")));
    }
    Ok(bytes)
}

/// Whether the content of a file is what Git LFS keeps in the place of one that was not fetched.
pub fn is_lfs_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(b"version https://git-lfs.github.com/spec/")
}

/// What is said of a file that has `bytes`, of which `limit` would be read.
pub fn too_large(bytes: u64, limit: u64) -> io::Error {
    refused(format!("it has {bytes} bytes, more than the {limit} bytes that are read of such a file; {MEANT}"))
}

fn refused(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_files_of_a_bounded_size_are_read() {
        let path = std::env::temp_dir().join(format!("eoinas-file-{}", std::process::id()));
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_text(&path, 5).unwrap(), "12345");
        assert!(read(&path, 4).unwrap_err().to_string().contains("5 bytes, more than the 4"));
        assert!(read_from(io::repeat(1), 4).unwrap_err().to_string().contains("more than 4 bytes"));
        std::fs::write(&path, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n").unwrap();
        assert!(read(&path, TEXT).unwrap_err().to_string().contains("git lfs pull"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read(&path, 4).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(read(&std::env::temp_dir(), 4).unwrap_err().to_string().contains("no plain file"));
        #[cfg(unix)]
        assert!(read(Path::new("/dev/zero"), 4).unwrap_err().to_string().contains("a device"));
    }
}
