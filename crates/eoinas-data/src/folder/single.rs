//! One image by itself: to classify it as the images of a folder were.

use std::io::Read;
use std::path::Path;

use image::DynamicImage;

use super::{FolderConfig, ImageFolder, decode, picture, pictures};
use crate::error::{DataError, Result};

impl ImageFolder {
    /// Decodes and resizes the picture in one file as [`ImageFolder::open`] does: `height * width` RGB pixels, row by row.
    ///
    /// # Errors
    /// [`DataError::Image`] when it cannot be decoded, [`DataError::Setting`] for a size that cannot be.
    pub fn read_image(path: impl AsRef<Path>, config: &FolderConfig) -> Result<Vec<u8>> {
        Ok(decode::resize(open(path.as_ref(), config)?, config))
    }

    /// The same for the middle of the picture, as [`super::PictureFolder`] reads it: seven eighths of the largest window
    /// that has the proportions of the size asked for.
    ///
    /// # Errors
    /// As [`Self::read_image`].
    pub fn read_centre(path: impl AsRef<Path>, config: &FolderConfig) -> Result<Vec<u8>> {
        Ok(centre(open(path.as_ref(), config)?, config))
    }

    /// [`Self::read_image`] of a picture that comes from anywhere; `name` is what an error calls it.
    ///
    /// # Errors
    /// As [`Self::read_image`].
    pub fn read_image_from(from: impl Read, name: &str, config: &FolderConfig) -> Result<Vec<u8>> {
        Ok(decode::resize(read(from, name, config)?, config))
    }

    /// [`Self::read_centre`] likewise.
    ///
    /// # Errors
    /// As [`Self::read_image`].
    pub fn read_centre_from(from: impl Read, name: &str, config: &FolderConfig) -> Result<Vec<u8>> {
        Ok(centre(read(from, name, config)?, config))
    }
}

fn open(path: &Path, config: &FolderConfig) -> Result<DynamicImage> {
    config.validate()?;
    picture::open(path, config.into()).map_err(|reason| DataError::Image { path: path.into(), reason })
}

fn read(from: impl Read, name: &str, config: &FolderConfig) -> Result<DynamicImage> {
    config.validate()?;
    picture::read(from, config.into()).map_err(|reason| DataError::Image { path: name.into(), reason })
}

fn centre(image: DynamicImage, config: &FolderConfig) -> Vec<u8> {
    let size = (config.height, config.width);
    pictures::middle(&pictures::shrink(image, size), size)
}
