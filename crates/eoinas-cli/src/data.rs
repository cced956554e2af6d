//! Which images the flags mean: the same in every command.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use eoinas_core::Setting;
use eoinas_data::SourceKind;
use eoinas_train::config::DataConfig;

use crate::{Error, choices, config_file::ConfigFile, out};

/// Which images are used, of a search and of a training.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Images")]
pub struct ImageFlags {
    /// Folder of the images, which is looked at where --dataset does not say what it holds; the embedded set needs none.
    #[arg(long, value_parser = crate::start::path(), value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// What the images are [default: what --data holds, else the preset's]
    #[arg(long, value_parser = choices::datasets())]
    pub(crate) dataset: Option<SourceKind>,
    /// Height and width that the pictures of a folder get [default: 32]; from 64 on, trainings cut random windows from them.
    #[arg(long)]
    pub(crate) image_size: Option<usize>,
    #[command(flatten)]
    pub(crate) pictures: PictureFlags,
}

/// Which pictures of a folder are used.
#[derive(Debug, clap::Args)]
pub struct PictureFlags {
    /// Leave out unreadable pictures of a folder, and name them, instead of ending.
    #[arg(long)]
    pub(crate) skip_unreadable: bool,
    /// The most pixels of a picture of a folder that is decoded [default: 100 million]
    #[arg(long, value_name = "N")]
    pub(crate) max_pixels: Option<u64>,
    /// Table of the pictures, CSV with the columns file,label and, where there are parts, split; files are those below the folder
    /// of the pictures [default: subfolders are the classes]
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
}

impl ImageFlags {
    /// Whether they say nothing.
    pub(crate) fn are_none(&self) -> bool {
        let Self { data, dataset, image_size, pictures } = self;
        data.is_none() && dataset.is_none() && image_size.is_none() && pictures.given().iter().all(|(_, given)| !given)
    }

    /// The data set and its folder, as [`choose`] finds them; `dataset` counts where no flag names it.
    ///
    /// # Errors
    /// As [`choose`]; settings of pictures where the images are none.
    pub(crate) fn choose(
        &self,
        dataset: Option<SourceKind>,
        file: &ConfigFile,
        below: (SourceKind, Option<PathBuf>),
    ) -> Result<(SourceKind, Option<PathBuf>), Error> {
        // Whose folder a table names is no question where there are no pictures.
        self.dataset.map_or(Ok(()), |kind| self.pictures.check(kind))?;
        let beside = self.pictures.beside();
        let dataset = self.dataset.or(dataset).or(beside.map(|_| SourceKind::Folder));
        let (kind, dir) = choose(dataset, self.data.as_deref().or(beside), file, below)?;
        let [skip_unreadable, max_pixels, labels] = self.pictures.given();
        let given = [("image_size", self.image_size.is_some()), skip_unreadable, max_pixels, labels];
        if kind != SourceKind::Folder
            && let Some((name, _)) = given.iter().find(|(name, given)| *given || file.has("data", name))
        {
            return Err(needless(name, kind).into());
        }
        Ok((kind, dir))
    }
}

impl PictureFlags {
    /// Where the pictures of the table lie, unless a folder is named: beside it.
    pub(crate) fn beside(&self) -> Option<&Path> {
        let dir = self.labels.as_deref()?.parent()?;
        Some(if dir == Path::new("") { Path::new(".") } else { dir })
    }

    /// The settings and whether they are given.
    fn given(&self) -> [(&'static str, bool); 3] {
        [
            ("skip_unreadable", self.skip_unreadable),
            ("max_pixels", self.max_pixels.is_some()),
            ("labels", self.labels.is_some()),
        ]
    }

    /// Whether they apply to the images.
    ///
    /// # Errors
    /// One is given, and the images are no folder of pictures.
    pub(crate) fn check(&self, kind: SourceKind) -> Result<(), Setting> {
        match self.given().into_iter().find(|(_, given)| *given && kind != SourceKind::Folder) {
            Some((name, _)) => Err(needless(name, kind)),
            None => Ok(()),
        }
    }
}

/// Whether trainings cut random windows from the pictures ([`eoinas_train::TrainConfig::for_pictures`]): those of a folder, at sizes
/// from 64 pixels on.
pub(crate) fn has_windows(kind: SourceKind, size: usize) -> bool {
    kind == SourceKind::Folder && size >= 64
}

/// A setting of pictures where the images are none.
fn needless(name: &str, kind: SourceKind) -> Setting {
    let expected = format!("a folder of pictures, to which alone it applies; the images are those of {kind}");
    Setting::new(format!("data.{name}"), "given", expected)
}

/// The data set and its folder, by the flags `--dataset` and `--data`, the file of settings, and what those have below:
/// a folder without a name beside it is looked at, which is said.
///
/// # Errors
/// A folder beside the embedded set, which has none; one that holds no data set.
fn choose(
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
        (Some(kind), Some(dir)) if kind.is_embedded() => {
            let expected = "no folder beside the embedded set, which is built in: leave out one of both";
            Err(Setting::new("data.dir", dir.display().to_string(), expected).into())
        }
        (Some(kind), _) => Ok(kind),
        (None, None) => Ok(SourceKind::Embedded),
        (None, Some(dir)) => {
            if let Some(kind) = dir.to_str().filter(|_| !dir.exists()).and_then(|name| name.parse::<SourceKind>().ok())
            {
                let expected = format!("a folder; the data set of that name is chosen by --dataset {kind}");
                return Err(Setting::new("data.dir", dir.display().to_string(), expected).into());
            }
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

/// The flags that mean these images, all of them, for a command that is printed.
pub(crate) fn flags_of(data: &DataConfig) -> Vec<OsString> {
    let mut flags: Vec<OsString> = Vec::new();
    flags.extend(["--dataset".into(), data.dataset.name().into()]);
    flags.extend(data.dir.iter().flat_map(|dir| ["--data".into(), dir.as_os_str().to_owned()]));
    flags.extend(data.image_size.iter().flat_map(|size| ["--image-size".into(), size.to_string().into()]));
    flags.extend(data.labels.iter().flat_map(|table| ["--labels".into(), table.as_os_str().to_owned()]));
    flags.extend(data.max_pixels.iter().flat_map(|most| ["--max-pixels".into(), most.to_string().into()]));
    flags.extend(data.skip_unreadable.then(|| "--skip-unreadable".into()));
    flags
}
