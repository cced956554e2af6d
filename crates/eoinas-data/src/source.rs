//! Any of the data sets, by its name: what a command line needs.

use crate::cifar::{Cifar10, Cifar100};
use crate::dataset::{Dataset, Part};
use crate::embedded::Embedded;
use crate::error::{DataError, Result};
use crate::mnist::Mnist;
use crate::picture_files::PictureFiles;
use eoinas_core::Setting;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

/// Which data set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, strum::EnumMessage)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Ten classes of shapes and textures that are drawn by code: needs no files. Also called embedded-v1.
    #[default]
    #[serde(alias = "embedded-v1")]
    Embedded,
    /// The same with little colour to go by, so that a linear classifier on pixels is right for a third alone.
    #[serde(rename = "embedded-v2")]
    EmbeddedV2,
    /// CIFAR-10, binary version.
    Cifar10,
    /// CIFAR-100, binary version.
    Cifar100,
    /// MNIST, or a set in its format: idx files.
    Mnist,
    /// Pictures, one subfolder a class.
    Folder,
}

impl SourceKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Embedded, Self::EmbeddedV2, Self::Cifar10, Self::Cifar100, Self::Mnist, Self::Folder];

    /// Whether it is drawn by code, and needs no files.
    pub fn is_embedded(self) -> bool {
        matches!(self, Self::Embedded | Self::EmbeddedV2)
    }

    /// What it is, in a sentence.
    pub fn about(self) -> &'static str {
        strum::EnumMessage::get_documentation(&self).unwrap_or_default()
    }

    /// The name on a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::EmbeddedV2 => "embedded-v2",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::Mnist => "mnist",
            Self::Folder => "folder",
        }
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for SourceKind {
    type Err = DataError;

    fn from_str(text: &str) -> Result<Self> {
        let first = (text == "embedded-v1").then_some(Self::Embedded);
        first.or_else(|| Self::ALL.into_iter().find(|kind| kind.name() == text)).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            Setting::new("data.dataset", format!("`{text}`"), format!("one of the data sets {known}")).into()
        })
    }
}

/// A data set and where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Which one.
    pub kind: SourceKind,
    /// The folder; not needed for the embedded set.
    pub dir: Option<PathBuf>,
    /// Images in the training part of the embedded set. Default 5,000.
    pub embedded_train: usize,
    /// Images in the test part of the embedded set. Default 2,000.
    pub embedded_test: usize,
    /// Rows and columns that the images of a folder are resized to. Default 32.
    pub folder_size: usize,
    /// Whether unreadable images of a folder are left out (and named in the notes) and not an error. Default false.
    pub skip_unreadable: bool,
    /// Whether a folder gives whole pictures, of which windows can be cut, and need not fit into memory
    /// (`PictureFolder`). Default false: images resized to `folder_size`.
    #[serde(default)]
    pub pictures: bool,
    /// The most pixels of an image of a folder that is decoded. `None` (default): 100 million.
    #[serde(default)]
    pub max_pixels: Option<u64>,
    /// Which files of a folder are its pictures. Default: all that can be read.
    #[serde(default = "PictureFiles::unsaid")]
    pub files: PictureFiles,
    /// A table (CSV: `file,label`) of the pictures in the folder and their classes. `None` (default): subfolders are the
    /// classes.
    #[serde(default)]
    pub labels: Option<PathBuf>,
    /// Of a folder without a test part, hold none out: both parts are all its pictures. Default false.
    #[serde(default)]
    pub all: bool,
}

/// The training part and the test part.
pub type Parts = (Arc<dyn Dataset>, Arc<dyn Dataset>);

impl Source {
    /// A data set with the defaults.
    pub fn new(kind: SourceKind, dir: Option<PathBuf>) -> Self {
        Self {
            kind,
            dir,
            embedded_train: 5000,
            embedded_test: 2000,
            folder_size: 32,
            skip_unreadable: false,
            pictures: false,
            max_pixels: None,
            files: PictureFiles::All,
            labels: None,
            all: false,
        }
    }

    /// Opens one part.
    ///
    /// # Errors
    /// Those of the data set, and [`DataError::Setting`] when the folder is not given or the feature `images` is off.
    pub fn open(&self, part: Part) -> Result<Arc<dyn Dataset>> {
        Ok(match self.kind {
            SourceKind::Embedded => Arc::new(Embedded::new(part, self.embedded_len(part))),
            SourceKind::EmbeddedV2 => Arc::new(Embedded::v2(part, self.embedded_len(part))),
            SourceKind::Cifar10 => Arc::new(Cifar10::open(self.dir()?, part)?),
            SourceKind::Cifar100 => Arc::new(Cifar100::open(self.dir()?, part)?),
            SourceKind::Mnist => Arc::new(Mnist::open(self.dir()?, part)?),
            SourceKind::Folder => self.open_folder(part)?,
        })
    }

    fn embedded_len(&self, part: Part) -> usize {
        match part {
            Part::Train => self.embedded_train,
            Part::Test => self.embedded_test,
        }
    }

    /// Opens both parts; a folder of images is decoded only once.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_parts(&self) -> Result<Parts> {
        match self.kind {
            SourceKind::Folder => self.open_folder_parts(),
            _ => Ok((self.open(Part::Train)?, self.open(Part::Test)?)),
        }
    }

    #[cfg(feature = "images")]
    fn folder_config(&self) -> crate::folder::FolderConfig {
        use crate::folder::{FolderConfig, Unreadable};
        let unreadable = if self.skip_unreadable { Unreadable::Skip } else { Unreadable::Fail };
        let (height, width) = (self.folder_size, self.folder_size);
        let max_pixels = self.max_pixels.unwrap_or(crate::folder::MAX_PIXELS);
        FolderConfig {
            height,
            width,
            unreadable,
            max_pixels,
            files: self.files,
            labels: self.labels.clone(),
            all: self.all,
            ..FolderConfig::default()
        }
    }

    #[cfg(feature = "images")]
    fn open_folder(&self, part: Part) -> Result<Arc<dyn Dataset>> {
        if self.pictures {
            let (train, test) = self.open_folder_parts()?;
            return Ok(if part == Part::Train { train } else { test });
        }
        Ok(Arc::new(crate::folder::ImageFolder::open(self.dir()?, part, &self.folder_config())?))
    }

    #[cfg(feature = "images")]
    fn open_folder_parts(&self) -> Result<Parts> {
        use crate::folder::{ImageFolder, PictureFolder};
        if self.pictures {
            let (train, test) = PictureFolder::open_parts(self.dir()?, &self.folder_config())?;
            return Ok((Arc::new(train), Arc::new(test)));
        }
        let (train, test) = ImageFolder::open_parts(self.dir()?, &self.folder_config())?;
        Ok((Arc::new(train), Arc::new(test)))
    }

    #[cfg(not(feature = "images"))]
    fn open_folder_parts(&self) -> Result<Parts> {
        Ok((self.open_folder(Part::Train)?, self.open_folder(Part::Test)?))
    }

    #[cfg(not(feature = "images"))]
    fn open_folder(&self, _: Part) -> Result<Arc<dyn Dataset>> {
        let expected = "another one: this program was built without the feature `images`";
        Err(Setting::new("data.dataset", "`folder`", expected).into())
    }

    fn dir(&self) -> Result<&Path> {
        let missing = || Setting::new("data.dir", "not given", format!("the folder of {}", self.kind)).into();
        self.dir.as_deref().ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_are_answered_with_the_list() {
        for kind in SourceKind::ALL {
            assert_eq!(kind.to_string().parse::<SourceKind>().unwrap(), kind);
        }
        let error = "imagenet".parse::<SourceKind>().unwrap_err().to_string();
        assert!(error.contains("imagenet") && error.contains("embedded, embedded-v2, cifar10"), "{error}");
    }

    #[test]
    fn files_have_the_names_of_the_command_line() {
        for kind in SourceKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn the_embedded_set_needs_no_folder_and_the_others_do() {
        let open = |kind, part| Source::new(kind, None).open(part);
        for kind in SourceKind::ALL {
            if kind.is_embedded() {
                assert_eq!(open(kind, Part::Train).unwrap().len(), 5000);
                assert_eq!(open(kind, Part::Test).unwrap().len(), 2000);
            } else {
                assert!(matches!(open(kind, Part::Train), Err(DataError::Setting(_))));
            }
        }
    }
}
