//! One writer a folder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::Write,
    path::Path,
};

use eoinas_core::run_folder::names;

use super::plain;
use crate::error::{Result, TrainError};

/// The right to write to a folder. Nobody else gets it while this is there: it is let go of when it is dropped, and by the
/// operating system when the process dies in whatever way.
///
/// It is an advisory lock of the system on the file `.lock` in the folder, in which process and machine are written for the
/// refusal. On the disks of one machine it holds. On a network file system it holds among machines where that passes locks on
/// (NFS version 4 and SMB do; NFS version 3 with its lock daemon); where there are no locks at all, [`Lock::note`] says so.
#[derive(Debug)]
pub struct Lock {
    file: File,
    note: Option<String>,
}

impl Lock {
    /// Takes the lock of `folder`, which is there.
    ///
    /// # Errors
    /// [`TrainError::Busy`] while another has it; a folder that cannot be written.
    pub fn take(folder: &Path) -> Result<Self> {
        let path = folder.join(names::LOCK);
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(TrainError::write(&path))?;
        let note = match file.try_lock() {
            Ok(()) => None,
            Err(TryLockError::WouldBlock) => {
                let holder = plain::read(&path, 1 << 10).unwrap_or_default();
                let holder = String::from_utf8_lossy(&holder).trim().to_owned();
                let holder = if holder.is_empty() { "another process".to_owned() } else { holder };
                return Err(TrainError::Busy { path: folder.to_owned(), holder });
            }
            Err(TryLockError::Error(error)) => Some(format!(
                "the file system of {} has no locks ({error}): nothing keeps a second process from writing there too",
                folder.display()
            )),
        };
        // A full disk is no reason to refuse: the lock is taken, and only who has it is not said.
        let holder = format!("process {} on {}\n", std::process::id(), gethostname::gethostname().to_string_lossy());
        let _ = file.set_len(0).and_then(|()| (&file).write_all(holder.as_bytes()));
        Ok(Self { file, note })
    }

    /// What the user should know where the file system has no locks.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Who had it is of no interest any more. The file stays: one that is removed could be locked by two.
        let _ = self.file.set_len(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_at_a_time_and_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::take(dir.path()).unwrap();
        assert_eq!(lock.note(), None);
        let error = Lock::take(dir.path()).unwrap_err();
        assert!(matches!(&error, TrainError::Busy { .. }));
        let holder = format!("process {} on ", std::process::id());
        assert!(error.to_string().contains(&holder), "{error}");
        drop(lock);
        Lock::take(dir.path()).unwrap();
    }
}
