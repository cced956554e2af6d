//! Pictures that stay as large as a training needs them, decoded on all cores.

use super::counts::counted;
use super::list::Entry;
use super::picture::{self, Limited};
use super::{FolderConfig, Unreadable, check_any, check_classes, decode, left_out, to_learn, untested};
use crate::augment::{Window, resample};
use crate::dataset::{Dataset, DatasetInfo, Part, Picture};
use crate::error::{DataError, Result};
use crate::values::{Values, copy};
use eoinas_core::Target;
use image::DynamicImage;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Side of the middle of a picture that [`Dataset::read`] shows, as a share of the largest that fits: the usual resize
/// to 256 and centre crop of 224 pixels.
const CENTRE: f64 = 0.875;

/// A folder of images like [`super::ImageFolder`], for large pictures: [`Dataset::picture`] gives the whole picture, of
/// which a training cuts random windows, and [`Dataset::read`] its middle, resized to the size of the configuration.
///
/// A picture is shrunk until its shorter side is twice that size, so that a window of a quarter of its area still has
/// every pixel that is asked for. Opening decodes every file once, so that all unreadable ones are known before a
/// training begins; what was decoded is kept as long as it fits [`FolderConfig::memory`].
#[derive(Clone)]
pub struct PictureFolder {
    info: DatasetInfo,
    entries: Vec<Entry>,
    kept: Option<Vec<Arc<Picture>>>,
    limits: Limited,
}

impl fmt::Debug for PictureFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (images, in_memory) = (self.entries.len(), self.kept.is_some());
        f.debug_struct("PictureFolder")
            .field("info", &self.info)
            .field("images", &images)
            .field("in_memory", &in_memory)
            .finish()
    }
}

impl PictureFolder {
    /// The training and the test part. Mean and standard deviation are those of the training pictures.
    ///
    /// # Errors
    /// As [`super::ImageFolder::open`].
    pub fn open_parts(dir: impl AsRef<Path>, config: &FolderConfig) -> Result<(Self, Self)> {
        let dir = dir.as_ref();
        let list = to_learn(dir, config)?;
        let room = AtomicUsize::new(config.memory);
        let (train, test) = (scan(&list.train, config, &room)?, scan(&list.test, config, &room)?);
        check_any(dir, Part::Train, train.entries.len(), &train.skipped)?;
        check_any(dir, Part::Test, test.entries.len(), &test.skipped)?;
        check_classes(dir, &list.classes, &train.labels(), &train.skipped)?;
        let untested = untested(&list.classes, &test.labels());
        let info = config.info(list.classes.clone(), train.statistics.mean_and_deviation(), list.into_notes());
        let mut test = test.into_folder(Part::Test, info.clone(), config.into());
        test.info.notes.extend(untested);
        Ok((train.into_folder(Part::Train, info, config.into()), test))
    }

    fn load(&self, index: usize) -> Result<(Arc<Picture>, u32)> {
        let len = self.entries.len();
        let (path, label) = self.entries.get(index).ok_or(DataError::Index { index, len })?;
        if let Some(picture) = self.kept.as_ref().and_then(|kept| kept.get(index)) {
            return Ok((Arc::clone(picture), *label));
        }
        let picture = decode_picture(path, (self.info.height, self.info.width), self.limits);
        let picture = picture.map_err(|reason| DataError::Image { path: path.clone(), reason })?;
        Ok((Arc::new(picture), *label))
    }
}

impl Dataset for PictureFolder {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn read(&self, index: usize, values: Values<'_>) -> Result<Target> {
        let (picture, class) = self.load(index)?;
        copy(&middle(&picture, (self.info.height, self.info.width)), values.bytes()?, "bytes")?;
        Ok(Target::Class(class))
    }

    fn target(&self, index: usize) -> Result<Target> {
        let len = self.entries.len();
        self.entries.get(index).map(|entry| Target::Class(entry.1)).ok_or(DataError::Index { index, len })
    }

    fn picture(&self, index: usize) -> Result<Option<(Arc<Picture>, Target)>> {
        self.load(index).map(|(picture, class)| Some((picture, Target::Class(class))))
    }
}

/// What the first look at all files of a part found.
#[derive(Default)]
struct Scanned {
    entries: Vec<Entry>,
    kept: Vec<Arc<Picture>>,
    skipped: Vec<String>,
    statistics: Statistics,
}

impl Scanned {
    fn labels(&self) -> Vec<u32> {
        self.entries.iter().map(|(_, class)| *class).collect()
    }

    fn into_folder(self, part: Part, mut info: DatasetInfo, limits: Limited) -> PictureFolder {
        info.notes.push(counted(part, info.target.classes().unwrap_or_default(), &self.labels()));
        info.notes.extend(left_out(&self.skipped));
        let kept = (self.kept.len() == self.entries.len()).then_some(self.kept);
        PictureFolder { info, entries: self.entries, kept, limits }
    }
}

/// Whole numbers, so that the sums are the same in any order.
#[derive(Clone, Copy, Default)]
struct Statistics {
    pixels: u128,
    sums: [u128; 3],
    squares: [u128; 3],
}

impl Statistics {
    fn add(&mut self, picture: &Picture) {
        let (pixels, _) = picture.pixels.as_chunks::<3>();
        let (mut sums, mut squares) = ([0u64; 3], [0u64; 3]);
        for pixel in pixels {
            for ((sum, square), &byte) in sums.iter_mut().zip(&mut squares).zip(pixel) {
                *sum += u64::from(byte);
                *square += u64::from(byte) * u64::from(byte);
            }
        }
        self.merge(&Self {
            pixels: pixels.len() as u128,
            sums: sums.map(u128::from),
            squares: squares.map(u128::from),
        });
    }

    fn merge(&mut self, other: &Self) {
        self.pixels += other.pixels;
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, more)| *sum += more);
        self.squares.iter_mut().zip(other.squares).for_each(|(square, more)| *square += more);
    }

    /// As [`crate::dataset::channel_statistics`] gives them.
    fn mean_and_deviation(&self) -> (Vec<f32>, Vec<f32>) {
        let count = self.pixels.max(1) as f64;
        let channel = |(&sum, &square): (&u128, &u128)| {
            let mean = sum as f64 / count / 255.0;
            let std = (square as f64 / count / (255.0 * 255.0) - mean * mean).max(0.0).sqrt();
            (mean as f32, if std > 1e-6 { std as f32 } else { 1.0 })
        };
        self.sums.iter().zip(&self.squares).map(channel).unzip()
    }
}

/// Decodes every file once; the result does not depend on the number of cores. `room` is what memory is left.
fn scan(entries: &[Entry], config: &FolderConfig, room: &AtomicUsize) -> Result<Scanned> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = entries.len().div_ceil(threads).max(1);
    let parts: Vec<Result<Scanned>> = std::thread::scope(|scope| {
        let work = |part| scope.spawn(move || scan_part(part, config, room));
        let workers: Vec<_> = entries.chunks(share).map(work).collect();
        workers.into_iter().map(|worker| decode::finish(worker.join())).collect()
    });
    let mut all = Scanned::default();
    for part in parts {
        let mut part = part?;
        all.entries.append(&mut part.entries);
        all.kept.append(&mut part.kept);
        all.skipped.append(&mut part.skipped);
        all.statistics.merge(&part.statistics);
    }
    Ok(all)
}

fn scan_part(entries: &[Entry], config: &FolderConfig, room: &AtomicUsize) -> Result<Scanned> {
    let mut part = Scanned::default();
    for entry in entries {
        match decode_picture(&entry.0, (config.height, config.width), config.into()) {
            Ok(picture) => {
                part.statistics.add(&picture);
                part.entries.push(entry.clone());
                let bytes = picture.pixels.len();
                let taken = room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(bytes));
                if taken.is_ok() {
                    part.kept.push(Arc::new(picture));
                }
            }
            Err(reason) if config.unreadable == Unreadable::Skip => {
                part.skipped.push(format!("{} ({reason})", entry.0.display()));
            }
            Err(reason) => return Err(DataError::Image { path: entry.0.clone(), reason }),
        }
    }
    Ok(part)
}

/// The middle of a picture, resized.
pub(super) fn middle(picture: &Picture, size: (usize, usize)) -> Vec<u8> {
    let from = (picture.height, picture.width);
    resample(&picture.pixels, from, Window::centre(from, size, CENTRE), size, 3)
}

/// The picture in a file, likewise shrunk.
fn decode_picture(path: &Path, size: (usize, usize), limits: Limited) -> Result<Picture, String> {
    Ok(shrink(picture::open(path, limits)?, size))
}

/// A picture, shrunk to a shorter side of twice the size it is needed in.
pub(super) fn shrink(image: DynamicImage, size: (usize, usize)) -> Picture {
    let image = image.into_rgb8();
    let (height, width) = (image.height() as usize, image.width() as usize);
    let pixels = image.into_raw();
    let scale = (2.0 * size.0 as f64 / height.max(1) as f64).max(2.0 * size.1 as f64 / width.max(1) as f64);
    if scale >= 1.0 {
        return Picture { height, width, pixels };
    }
    let to = ((height as f64 * scale).round() as usize, (width as f64 * scale).round() as usize);
    let pixels = resample(&pixels, (height, width), Window { top: 0, left: 0, height, width }, to, 3);
    Picture { height: to.0, width: to.1, pixels }
}
