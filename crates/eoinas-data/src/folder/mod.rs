//! A folder of images: one subfolder per class, any of the usual formats, any size.

mod class;
mod counts;
mod decode;
mod foreign;
mod hold_out;
mod jpeg;
mod labels;
mod list;
mod parts;
mod picture;
mod pictures;
mod single;
mod tiff;
mod webp;

use crate::dataset::{DatasetInfo, Part, channel_statistics};
use crate::error::{DataError, Result};
use crate::in_memory::InMemory;
use crate::picture_files::PictureFiles;
use crate::values::ValueKind;
use decode::Decoded;
use eoinas_core::{Setting, TargetInfo, counted};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

pub use labels::labelled_files;
pub use list::FolderList;
pub use pictures::PictureFolder;

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
    /// How many bytes of decoded pictures a [`PictureFolder`] may hold in memory; when all of them need more, each is
    /// decoded whenever it is read. What is read does not depend on it. Default 1 GiB.
    pub memory: usize,
    /// The most pixels of a picture (rows times columns) that is decoded; of a larger one nothing but its header is read,
    /// and no memory is taken. Default [`MAX_PIXELS`].
    #[serde(default = "max_pixels")]
    pub max_pixels: u64,
    /// Which files are pictures. Default: all that can be read.
    #[serde(default = "PictureFiles::unsaid")]
    pub files: PictureFiles,
    /// A table (CSV) with the columns `file`, below the folder, and `label`, the class; and, where it has one, `split`, a
    /// part's name. `None` (default): subfolders are the classes.
    #[serde(default)]
    pub labels: Option<PathBuf>,
    /// Where there is no test part, hold none out: both parts are all pictures. For a cross-validation, which deals them into
    /// folds itself. Default: false.
    #[serde(default)]
    pub all: bool,
}

/// Pixels of a picture that is decoded, unless a setting says otherwise: 100 million, of which 16 bits a channel take 0.8 GB.
pub const MAX_PIXELS: u64 = 100_000_000;

fn max_pixels() -> u64 {
    MAX_PIXELS
}

impl Default for FolderConfig {
    fn default() -> Self {
        Self {
            height: 32,
            width: 32,
            unreadable: Unreadable::Fail,
            flip: true,
            memory: 1 << 30,
            max_pixels: MAX_PIXELS,
            files: PictureFiles::All,
            labels: None,
            all: false,
        }
    }
}

/// Images in one subfolder per class, or in `train` and `test` (else `val`, `valid`, `validation` or `dev`; in any case)
/// with a subfolder per class. Folders within that of a class have pictures of it too. Without a test part every fifth image
/// of a class, in the order of the names, is the test part.
///
/// PNG, JPEG, WebP, BMP, GIF and TIFF are read, by content whatever the name's ending: gray, palettes and 16 bits a channel
/// become 8 bits of RGB, an animation its first picture; the orientation of a camera is followed, and transparent pixels are
/// seen on white.
#[derive(Clone, Copy, Debug)]
pub struct ImageFolder;

impl ImageFolder {
    /// Decodes the images of one part, resizes them (both sides, whatever the proportions) and holds them in memory as
    /// RGB. Mean and standard deviation are those of the training part in either case, which is decoded for the test
    /// part too.
    ///
    /// # Errors
    /// [`DataError::NotFound`] when there are fewer than two classes, or a class or part without images, [`DataError::Image`]
    /// for an unreadable one, [`DataError::Setting`] for a size that cannot be, [`DataError::File`].
    pub fn open(dir: impl AsRef<Path>, part: Part, config: &FolderConfig) -> Result<InMemory> {
        let dir = dir.as_ref();
        let list = to_learn(dir, config)?;
        let train = decode::decode(&list.train, config)?;
        check_classes(dir, &list.classes, &train.labels, &train.skipped)?;
        let (mean, std) = channel_statistics(&train.pixels, 3);
        let decoded = match part {
            Part::Train => train,
            Part::Test => decode::decode(&list.test, config)?,
        };
        let info = config.info(list.classes.clone(), (mean, std), list.into_notes());
        in_memory(dir, part, info, decoded)
    }

    /// The files of both parts with their classes: nothing is decoded.
    ///
    /// # Errors
    /// As [`open`](Self::open), but for those of single images.
    pub fn list(dir: impl AsRef<Path>, config: &FolderConfig) -> Result<FolderList> {
        list::list(dir.as_ref(), config)
    }

    /// How many training images there are, unreadable ones included: nothing is decoded.
    ///
    /// # Errors
    /// As [`open`](Self::open), but for those of single images.
    pub fn count(dir: impl AsRef<Path>, config: &FolderConfig) -> Result<usize> {
        Ok(list::list(dir.as_ref(), config)?.train.len())
    }

    /// Both parts, each decoded once.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub fn open_parts(dir: impl AsRef<Path>, config: &FolderConfig) -> Result<(InMemory, InMemory)> {
        let dir = dir.as_ref();
        let list = to_learn(dir, config)?;
        let (train, test) = (decode::decode(&list.train, config)?, decode::decode(&list.test, config)?);
        check_classes(dir, &list.classes, &train.labels, &train.skipped)?;
        let info = config.info(list.classes.clone(), channel_statistics(&train.pixels, 3), list.into_notes());
        Ok((in_memory(dir, Part::Train, info.clone(), train)?, in_memory(dir, Part::Test, info, test)?))
    }
}

impl FolderConfig {
    fn validate(&self) -> Result<()> {
        for (field, size) in [("height", self.height), ("width", self.width)] {
            Setting::check((1..=4096).contains(&size), field, size, "1 to 4096 pixels, to which images are resized")?;
        }
        Ok(())
    }

    fn info(&self, classes: Vec<String>, (mean, std): (Vec<f32>, Vec<f32>), notes: Vec<String>) -> DatasetInfo {
        let (height, width, flip) = (self.height, self.width, self.flip);
        let (target, values) = (TargetInfo::Classes(classes), ValueKind::Bytes);
        DatasetInfo { name: "folder".into(), target, values, channels: 3, height, width, mean, std, flip, notes }
    }
}

/// The files of both parts, of classes that can be told apart.
fn to_learn(dir: &Path, config: &FolderConfig) -> Result<FolderList> {
    config.validate()?;
    let list = list::list(dir, config)?;
    let [only] = list.classes.as_slice() else { return Ok(list) };
    let (path, more) = match &config.labels {
        Some(table) => (table.as_path(), "give rows of another label"),
        None => (dir, "make a folder for the pictures of another"),
    };
    let reason = format!("`{only}` is the only one, and at least 2 classes are needed");
    Err(DataError::NotFound { path: path.into(), what: "second class", reason, hint: more.into() })
}

fn in_memory(dir: &Path, part: Part, mut info: DatasetInfo, decoded: Decoded) -> Result<InMemory> {
    let Decoded { labels, pixels, skipped } = decoded;
    check_any(dir, part, labels.len(), &skipped)?;
    info.notes.push(counts::counted(part, info.target.classes().unwrap_or_default(), &labels));
    info.notes.extend(left_out(&skipped));
    if part == Part::Test {
        info.notes.extend(untested(info.target.classes().unwrap_or_default(), &labels));
    }
    InMemory::new(info, labels, pixels)
}

/// A part without a readable image is nothing to work with.
fn check_any(dir: &Path, part: Part, images: usize, skipped: &[String]) -> Result<()> {
    if images > 0 {
        return Ok(());
    }
    let mut reason = format!("the {} part has none", part.name());
    if let Some(first) = skipped.first() {
        reason += &format!(" that can be read (none of {} can, the first is {first})", skipped.len());
    }
    let hint = "put pictures there that can be read".into();
    Err(DataError::NotFound { path: dir.into(), what: "images", reason, hint })
}

/// A class of which nothing is learned would be one in every result.
fn check_classes(dir: &Path, classes: &[String], labels: &[u32], skipped: &[String]) -> Result<()> {
    // That a whole part has no image is said by `check_any`.
    let missing = if labels.is_empty() { Vec::new() } else { absent(classes, labels) };
    let Some(class) = missing.first() else { return Ok(()) };
    let mut reason = format!("of class `{class}` there is none to train with");
    let folder = format!("{}{class}{}", std::path::MAIN_SEPARATOR, std::path::MAIN_SEPARATOR);
    if let Some(first) = skipped.iter().find(|skipped| skipped.contains(&folder)) {
        reason += &format!(" that can be read (the first is {first})");
    }
    let hint = "put pictures there that can be read, or remove the class".into();
    Err(DataError::NotFound { path: dir.into(), what: "images", reason, hint })
}

/// The classes that no label names.
fn absent<'a>(classes: &'a [String], labels: &[u32]) -> Vec<&'a str> {
    let mut there = vec![false; classes.len()];
    for &label in labels {
        if let Some(there) = there.get_mut(label as usize) {
            *there = true;
        }
    }
    classes.iter().zip(there).filter(|(_, there)| !there).map(|(class, _)| class.as_str()).collect()
}

/// What a test part says nothing of.
fn untested(classes: &[String], labels: &[u32]) -> Option<String> {
    let absent = absent(classes, labels);
    (!absent.is_empty())
        .then(|| format!("no test image of {}: no result says how well that is known", absent.join(", ")))
}

fn left_out(skipped: &[String]) -> Option<String> {
    let images = counted(skipped.len(), "unreadable image", "unreadable images");
    (!skipped.is_empty()).then(|| format!("{images} left out: {}", skipped.join("; ")))
}
