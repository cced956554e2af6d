//! `SHA256SUMS`: what the settings and results in a folder have to be, in the form that `sha256sum --check` reads.

use std::{collections::BTreeMap, fmt::Write as _, io, path::Path};

use eoinas_core::run_folder::names;

use super::{
    checkpoint::{self, sha256},
    plain,
};
use crate::error::{Result, TrainError};

/// Hashes by file name. A file is listed before it is written, so that one that is there is always covered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sums(BTreeMap<String, String>);

impl Sums {
    /// Those of a folder; none where it has no such file, as those of version 0.1.0. What writes manifests with hashes has written one
    /// before everything else.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(names::SUMS);
        let bytes = match plain::read(&path, plain::LIMIT) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let problem = format!(
                    "it is missing, so that nothing says whether the settings are those of the run; where they are, \
                     `sha256sum *.json > {}` in that folder writes it again",
                    names::SUMS
                );
                return match checkpoint::newest_is_hashed(folder) {
                    true => Err(TrainError::Changed { path, problem }),
                    false => Ok(Self::default()),
                };
            }
            Err(error) => return Err(TrainError::read(&path)(error)),
        };
        let damaged = || TrainError::Changed {
            path: path.clone(),
            problem: "it is not a list of hashes and file names".to_owned(),
        };
        let text = String::from_utf8(bytes).map_err(|_| damaged())?;
        let line = |line: &str| {
            let (hash, name) = line.split_once("  ").ok_or_else(damaged)?;
            let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            if hash.len() != 64 || !hash.bytes().all(hex) || name.is_empty() {
                return Err(damaged());
            }
            Ok((name.to_owned(), hash.to_owned()))
        };
        if !text.ends_with('\n') {
            return Err(damaged());
        }
        Ok(Self(text.lines().map(line).collect::<Result<_>>()?))
    }

    /// Lists a file. Whether that is news.
    pub fn list(&mut self, name: &str, content: &[u8]) -> bool {
        let hash = sha256(content);
        self.0.insert(name.to_owned(), hash.clone()) != Some(hash)
    }

    /// Whether `content` is what the file `name` in `folder` has to have, where that is known.
    pub fn check(&self, folder: &Path, name: &str, content: &[u8]) -> Result<()> {
        let Some(expected) = self.0.get(name) else { return Ok(()) };
        let got = sha256(content);
        if *expected == got {
            return Ok(());
        }
        let problem = format!("its SHA-256 is {got}, {} says {expected}", names::SUMS);
        Err(TrainError::Changed { path: folder.join(name), problem })
    }

    /// Whether those of the files `names` that are listed are there.
    pub fn check_there(&self, folder: &Path, wanted: &[&str]) -> Result<()> {
        let missing = wanted.iter().find(|name| self.0.contains_key(**name) && !folder.join(name).exists());
        missing.map_or(Ok(()), |name| {
            let problem = format!("it is missing, and {} lists it", names::SUMS);
            Err(TrainError::Changed { path: folder.join(name), problem })
        })
    }

    pub fn text(&self) -> String {
        let mut text = String::new();
        for (name, hash) in &self.0 {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{hash}  {name}");
        }
        text
    }
}
