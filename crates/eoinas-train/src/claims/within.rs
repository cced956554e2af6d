//! Runs within a part that others help with: the trainings of a search's finals.

use std::{
    fs,
    path::{Path, PathBuf},
};

use eoinas_core::run_folder::names;

use super::{Claims, attempt};
use crate::error::{Result, TrainError};

impl Claims {
    /// Those on the runs within the part whose run is in the end in the folder `run`: of a study of its own, which stays where it
    /// is whoever has the part, and is gone when the part is done.
    pub(super) fn within(&self, run: &Path) -> Self {
        let [study, of] = [self.place(run), self.title(run)].map(|folder| folder.join(names::FINALISTS));
        Self { study, of, ..self.clone() }
    }

    /// The name of a part for people, where there are several studies.
    pub(crate) fn title(&self, run: &Path) -> PathBuf {
        self.of.join(self.name(run))
    }

    /// The study's folder.
    pub(crate) fn study(&self) -> &Path {
        &self.study
    }

    /// The parts that others work on and that have something within them: where the run of each is in the end, and the claims on
    /// what is within it.
    ///
    /// # Errors
    /// A folder that cannot be read.
    pub(crate) fn open_within(&self) -> Result<Vec<(PathBuf, Self)>> {
        let (mut found, mut folders) = (Vec::new(), vec![self.study.join(names::CLAIMS)]);
        while let Some(folder) = folders.pop() {
            // One that is gone since it was listed has nothing in it.
            for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                if is_folder && name == names::FINALISTS {
                    let part = folder.strip_prefix(self.study.join(names::CLAIMS)).unwrap_or(&folder);
                    found.push(self.study.join(part));
                } else if is_folder
                    && ![names::ATTEMPT, "."].iter().any(|own| name.as_encoded_bytes().starts_with(own.as_bytes()))
                {
                    folders.push(entry.path());
                }
            }
        }
        found.sort();
        let mut open = Vec::new();
        for run in found {
            if self.holder(&run)?.is_some() {
                let within = self.within(&run);
                open.push((run, within));
            }
        }
        Ok(open)
    }
}

/// Copies a run that nobody writes, whole or not at all, to a place where nothing is.
///
/// # Errors
/// A file that cannot be read or written; something is there.
pub(crate) fn copy_run(from: &Path, to: &Path) -> Result<()> {
    let made = to.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| attempt::copy_whole(from, to)).map_err(TrainError::write(to))
}
