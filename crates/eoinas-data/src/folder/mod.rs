//! A folder of images: one subfolder per class, PNG or JPEG, any size.

mod decode;
mod list;
mod single;

use crate::dataset::{DatasetInfo, Part, channel_statistics};
use crate::error::{DataError, Result};
use crate::in_memory::InMemory;
use decode::Decoded;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What to do with an image that cannot be decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unreadable {
    /// Stop with [`DataError::Image`].
    #[default]
    Fail,
    /// Leave it out, and name it in [`DatasetInfo::notes`].
    Skip,
}

/// Settings of an [`ImageFolder`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderConfig {
    /// Rows after resizing. Default 32.
    pub height: usize,
    /// Columns after resizing. Default 32.
    pub width: usize,
    /// What to do with unreadable images. Default [`Unreadable::Fail`].
    pub unreadable: Unreadable,
    /// Whether an image and its mirror image mean the same. Default true.
    pub flip: bool,
}

impl Default for FolderConfig {
    fn default() -> Self {
        Self { height: 32, width: 32, unreadable: Unreadable::Fail, flip: true }
    }
}

/// Images in one subfolder per class, or in `train/` and `test/` (also `val/`, `valid/`) with a subfolder per class.
/// Without such folders every fifth image of a class, in the order of the names, is the test part.
#[derive(Clone, Copy, Debug)]
pub struct ImageFolder;

impl ImageFolder {
    /// Decodes the images of one part, resizes them (both sides, whatever the proportions) and holds them in memory as
    /// RGB. Mean and standard deviation are those of the training part in either case, which is decoded for the test
    /// part too.
    ///
    /// # Errors
    /// [`DataError::NotFound`] when there are no class folders, [`DataError::Empty`] for a class without images,
    /// [`DataError::Image`] for an unreadable one, [`DataError::Config`] for a size that cannot be, [`DataError::Io`].
    pub fn open(dir: impl AsRef<Path>, part: Part, config: &FolderConfig) -> Result<InMemory> {
        let dir = dir.as_ref();
        for (field, size) in [("height", config.height), ("width", config.width)] {
            if size == 0 || size > 4096 {
                let expected = "images are resized to 1 to 4096 pixels".into();
                return Err(DataError::Config { field, got: size.to_string(), expected });
            }
        }
        let list = list::list(dir)?;
        let train = decode::decode(&list.train, config)?;
        let (mean, std) = channel_statistics(&train.pixels, 3);
        let Decoded { labels, pixels, skipped } = match part {
            Part::Train => train,
            Part::Test => decode::decode(&list.test, config)?,
        };
        if labels.is_empty() {
            let expected = format!("PNG or JPEG images of the {} part", part.name());
            return Err(DataError::Empty { path: dir.into(), expected });
        }
        let mut notes = list.notes;
        if !skipped.is_empty() {
            notes.push(format!("{} unreadable images left out: {}", skipped.len(), skipped.join("; ")));
        }
        let info = DatasetInfo {
            name: "folder".into(),
            classes: list.classes,
            channels: 3,
            height: config.height,
            width: config.width,
            mean,
            std,
            flip: config.flip,
            notes,
        };
        InMemory::new(info, labels, pixels)
    }
}
