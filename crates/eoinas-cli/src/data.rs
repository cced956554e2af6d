//! Which images the flags mean: the same in every command.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use eoinas_core::Setting;
use eoinas_data::SourceKind;

use crate::{Error, config_file::ConfigFile, out};

/// The data set and its folder, by the flags `--dataset` and `--data`, the file of settings, and what those have below:
/// a folder without a name beside it is looked at, which is said.
///
/// # Errors
/// A folder beside the embedded set, which has none; one that holds no data set.
pub(crate) fn choose(
    dataset: Option<SourceKind>,
    data: Option<&Path>,
    file: &ConfigFile,
    below: (SourceKind, Option<PathBuf>),
) -> Result<(SourceKind, Option<PathBuf>), Error> {
    let (kind, dir) = below;
    let dir = data.map(Path::to_owned).or(dir);
    // A name that stands in the file belongs to the folder there.
    let named = data.is_none() && (dir.is_none() || file.has("data", "dataset"));
    let kind = kind_of(dataset.or(named.then_some(kind)), dir.as_deref())?;
    Ok((kind, dir))
}

/// The data set of this name in `dir`; without a name what the folder holds, and without a folder the embedded set.
///
/// # Errors
/// As [`choose`].
pub(crate) fn kind_of(dataset: Option<SourceKind>, dir: Option<&Path>) -> Result<SourceKind, Error> {
    match (dataset, dir) {
        (Some(SourceKind::Embedded), Some(dir)) => {
            let expected = "no folder beside the embedded set, which is built in: leave out one of both";
            Err(Setting::new("data.dir", dir.display().to_string(), expected).into())
        }
        (Some(kind), _) => Ok(kind),
        (None, None) => Ok(SourceKind::Embedded),
        (None, Some(dir)) => {
            let kind = SourceKind::detect(dir)?;
            let what = match kind {
                SourceKind::Folder => "pictures, one folder a class",
                other => other.name(),
            };
            out::note(&format!("{}: {what}", dir.display()));
            Ok(kind)
        }
    }
}

/// Refuses settings of pictures that were given where the images are no pictures.
///
/// # Errors
/// The first one.
pub(crate) fn check_of_pictures(kind: SourceKind, given: &[(&str, bool)]) -> Result<(), Setting> {
    match given.iter().find(|(_, given)| *given) {
        Some((setting, _)) if kind != SourceKind::Folder => {
            let expected = format!("a folder of pictures, to which alone it applies; the images are those of {kind}");
            Err(Setting::new(*setting, "given", expected))
        }
        _ => Ok(()),
    }
}

/// The flags that mean these images, for a command that is printed.
pub(crate) fn flags(kind: SourceKind, dir: Option<&Path>, more: &[(&str, Option<String>)]) -> Vec<OsString> {
    let mut flags: Vec<OsString> = Vec::new();
    if kind != SourceKind::Embedded {
        flags.extend(["--dataset".into(), kind.name().into()]);
        flags.extend(dir.into_iter().flat_map(|dir| ["--data".into(), dir.as_os_str().to_owned()]));
    }
    for (name, value) in more {
        flags.extend(value.iter().flat_map(|value| [format!("--{name}").into(), value.into()]));
    }
    flags
}
