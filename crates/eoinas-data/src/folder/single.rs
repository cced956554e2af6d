//! One image by itself: to classify it as the images of a folder were.

use std::path::Path;

use super::{FolderConfig, ImageFolder, Unreadable, decode, pictures};
use crate::error::{DataError, Result};

impl ImageFolder {
    /// Decodes and resizes the picture in one file as [`ImageFolder::open`] does: `height * width` RGB pixels, row by row.
    ///
    /// # Errors
    /// [`DataError::Image`] when it cannot be decoded, [`DataError::Setting`] for a size that cannot be.
    pub fn read_image(path: impl AsRef<Path>, config: &FolderConfig) -> Result<Vec<u8>> {
        config.validate()?;
        let config = FolderConfig { unreadable: Unreadable::Fail, ..config.clone() };
        Ok(decode::decode(&[(path.as_ref().to_owned(), 0)], &config)?.pixels)
    }

    /// The same for the middle of the picture, as [`super::PictureFolder`] reads it: seven eighths of the largest window
    /// that has the proportions of the size asked for.
    ///
    /// # Errors
    /// As [`Self::read_image`].
    pub fn read_centre(path: impl AsRef<Path>, config: &FolderConfig) -> Result<Vec<u8>> {
        config.validate()?;
        let (path, size) = (path.as_ref(), (config.height, config.width));
        let picture = pictures::decode_picture(path, size, config.into())
            .map_err(|reason| DataError::Image { path: path.into(), reason })?;
        Ok(pictures::middle(&picture, size))
    }
}
