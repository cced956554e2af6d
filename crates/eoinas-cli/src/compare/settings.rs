//! What all parts of a study share, noted in its folder before any of them begins, and which parts the folder holds.

use std::{
    fs,
    path::{Path, PathBuf},
};

use eoinas_core::run_folder;
use eoinas_train::{RunDir, SearchConfig, TrainError, claims};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, Start, flags};

/// What all of a study shares, in its folder.
const STUDY: &str = "study.json";
/// A variant's search but for the seed: `variant-NAME.json`.
const VARIANT: [&str; 2] = ["variant-", ".json"];

/// Settings that are noted in a file.
pub struct Note<T> {
    folder: PathBuf,
    name: String,
    variant: Option<String>,
    settings: T,
}

/// Settings that are noted, whatever they are.
pub trait Noted {
    /// Whether they are there already.
    ///
    /// # Errors
    /// There are others.
    fn is_there(&self, start: &Start) -> Result<bool, Error>;

    /// Writes them, unless they are there.
    ///
    /// # Errors
    /// As [`Noted::is_there`]; a folder that cannot be written.
    fn write(&self, start: &Start) -> Result<(), Error>;
}

impl<T> Note<T> {
    /// Those of the study in the folder `out`.
    pub fn of_study(out: &Path, settings: T) -> Self {
        Self::named(out, STUDY, settings)
    }

    /// The same in a file of another name: what one of two studies in a folder has beside what they share.
    pub fn named(out: &Path, name: &str, settings: T) -> Self {
        Self { folder: out.to_owned(), name: name.to_owned(), variant: None, settings }
    }
}

impl Note<SearchConfig> {
    /// Those of the searches of a variant, whatever their seed.
    pub fn of_variant(out: &Path, name: &str, settings: SearchConfig) -> Self {
        Self { variant: Some(name.to_owned()), ..Self::named(out, &VARIANT.join(name), settings) }
    }
}

impl<T: Serialize + DeserializeOwned> Noted for Note<T> {
    fn is_there(&self, start: &Start) -> Result<bool, Error> {
        claims::are_noted(&self.folder, &self.name, &self.settings).map_err(|error| self.explain(error, start))
    }

    fn write(&self, start: &Start) -> Result<(), Error> {
        claims::note(&self.folder, &self.name, &self.settings).map_err(|error| self.explain(error, start))
    }
}

impl<T> Note<T> {
    /// What the user can do.
    fn explain(&self, error: TrainError, start: &Start) -> Error {
        let (shown, file) = (self.folder.display(), &self.name);
        match (error, &self.variant) {
            (TrainError::OtherSettings { setting, there, wanted, .. }, Some(name)) => format!(
                "{shown} holds searches of {name} whose {setting} is {there}, not {wanted} ({file}); give the variant another name, \
                 or choose another --out"
            )
            .into(),
            (TrainError::OtherSettings { setting, there, wanted, .. }, None) => {
                let setting = flags::of_study(&setting, start);
                format!(
                    "{shown} holds a study whose {setting} is {there}, not {wanted} ({file}); give it as it is there, or choose \
                     another --out"
                )
                .into()
            }
            (error @ TrainError::Invalid { .. }, _) => {
                format!("{error}; it is of another study, or damaged: choose another --out").into()
            }
            (error, _) => error.into(),
        }
    }
}

/// Notes all settings, or none where others are there already. `begun` compares those of the parts that have begun, in a folder that an
/// earlier version left, which noted nothing, and says whether there are any; where there are none, `check` asks whether a part can
/// begin, as what is noted stays.
///
/// # Errors
/// Other settings are there; those of `check`; a folder that cannot be written.
pub fn agree(
    notes: &[&dyn Noted],
    begun: impl FnOnce() -> Result<bool, TrainError>,
    check: impl FnOnce() -> Result<(), Error>,
    start: &Start,
) -> Result<(), Error> {
    let mut all = true;
    for note in notes {
        all &= note.is_there(start)?;
    }
    if !all && !begun()? {
        check()?;
    }
    notes.iter().try_for_each(|note| note.write(start))
}

/// The variants whose settings the folder of a study has, by their names.
///
/// # Errors
/// Settings that cannot be read.
pub fn variants(out: &Path) -> Result<Vec<(String, SearchConfig)>, Error> {
    let mut found = Vec::new();
    for file in names(out) {
        let [before, after] = VARIANT;
        if let Some(name) = file.strip_prefix(before).and_then(|name| name.strip_suffix(after)) {
            found.push((name.to_owned(), RunDir::open(out)?.read_json(&file)?));
        }
    }
    Ok(found)
}

/// Each once, in the order in which they come first.
pub fn once<'a, T: PartialEq>(several: impl IntoIterator<Item = &'a T>) -> Vec<&'a T> {
    let mut all = Vec::new();
    for one in several {
        if !all.contains(&one) {
            all.push(one);
        }
    }
    all
}

/// The seeds in a folder, in their order, of which all these runs are done, by their paths below a seed's folder.
pub fn seeds(folder: &Path, runs: &[impl AsRef<Path>]) -> Vec<u64> {
    let seed = |name: String| {
        let seed: u64 = name.strip_prefix("seed-")?.parse().ok()?;
        let is_done = |run: &Path| claims::is_done(&folder.join(&name).join(run));
        (name == run_folder::seed(seed) && folder.join(&name).is_dir() && runs.iter().all(|run| is_done(run.as_ref())))
            .then_some(seed)
    };
    let mut seeds: Vec<u64> = names(folder).into_iter().filter_map(seed).collect();
    seeds.sort_unstable();
    seeds
}

/// What is in a folder, in the order of the names; nothing where it cannot be read.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort();
    names
}
