//! From files to pixels of one size, on all cores.

use super::list::Entry;
use super::{FolderConfig, Unreadable, jpeg};
use crate::error::{DataError, Result};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, imageops::FilterType};
use std::io::{self, Cursor};
use std::path::Path;

#[derive(Default)]
pub(super) struct Decoded {
    pub labels: Vec<u32>,
    pub pixels: Vec<u8>,
    /// Unreadable images, each with its reason.
    pub skipped: Vec<String>,
}

/// Decodes all entries; the result has their order whatever the number of cores.
pub(super) fn decode(entries: &[Entry], config: &FolderConfig) -> Result<Decoded> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = entries.len().div_ceil(threads).max(1);
    let parts: Vec<Result<Decoded>> = std::thread::scope(|scope| {
        let work = |part| scope.spawn(move || decode_part(part, config));
        let workers: Vec<_> = entries.chunks(share).map(work).collect();
        workers.into_iter().zip(entries.chunks(share)).map(|(worker, part)| finish(worker.join(), part)).collect()
    });
    let mut all = Decoded::default();
    for part in parts {
        let mut part = part?;
        all.labels.append(&mut part.labels);
        all.pixels.append(&mut part.pixels);
        all.skipped.append(&mut part.skipped);
    }
    Ok(all)
}

/// A decoder that panics on a strange file must not take the program down.
pub(super) fn finish<T>(result: std::thread::Result<Result<T>>, part: &[Entry]) -> Result<T> {
    result.unwrap_or_else(|_| {
        let path = part.first().map(|(path, _)| path.clone()).unwrap_or_default();
        Err(DataError::Image { path, reason: "the decoder panicked on this image or one of those after it".into() })
    })
}

fn decode_part(entries: &[Entry], config: &FolderConfig) -> Result<Decoded> {
    let mut part = Decoded::default();
    for (path, label) in entries {
        match decode_image(path, config) {
            Ok(pixels) => {
                part.labels.push(*label);
                part.pixels.extend(pixels);
            }
            Err(error) if config.unreadable == Unreadable::Skip => {
                part.skipped.push(format!("{} ({error})", path.display()));
            }
            Err(error) => return Err(DataError::Image { path: path.clone(), reason: error.to_string() }),
        }
    }
    Ok(part)
}

fn decode_image(path: &Path, config: &FolderConfig) -> image::ImageResult<Vec<u8>> {
    let image = open(path)?;
    Ok(image.resize_exact(config.width as u32, config.height as u32, FilterType::Triangle).into_rgb8().into_raw())
}

/// The image in a file, the right way up.
pub(super) fn open(path: &Path) -> image::ImageResult<DynamicImage> {
    let bytes = std::fs::read(path)?;
    // The content says what it is, not the name: JPEG files that are called .png are common.
    let reader = ImageReader::new(Cursor::new(&bytes)).with_guessed_format()?;
    if reader.format() == Some(ImageFormat::Jpeg) && !jpeg::is_whole(&bytes) {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file ends within the image").into());
    }
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}
