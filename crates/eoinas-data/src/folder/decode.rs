//! From files to pixels of one size, on all cores.

use super::list::Entry;
use super::{FolderConfig, Unreadable, picture};
use crate::error::{DataError, Result};
use image::{DynamicImage, imageops::FilterType};
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
        workers.into_iter().map(|worker| finish(worker.join())).collect()
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

/// What a thread that decodes gave.
pub(super) fn finish<T>(result: std::thread::Result<Result<T>>) -> Result<T> {
    result.unwrap_or_else(|_| {
        Err(DataError::Thread { problem: "a thread that decodes images ended before its work was done".into() })
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
            Err(reason) if config.unreadable == Unreadable::Skip => {
                part.skipped.push(format!("{} ({reason})", path.display()));
            }
            Err(reason) => return Err(DataError::Image { path: path.clone(), reason }),
        }
    }
    Ok(part)
}

fn decode_image(path: &Path, config: &FolderConfig) -> Result<Vec<u8>, String> {
    Ok(resize(picture::open(path, config.into())?, config))
}

/// RGB pixels of the size of the configuration, whatever the proportions.
pub(super) fn resize(image: DynamicImage, config: &FolderConfig) -> Vec<u8> {
    image.resize_exact(config.width as u32, config.height as u32, FilterType::Triangle).into_rgb8().into_raw()
}
