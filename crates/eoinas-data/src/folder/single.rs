//! One image by itself: to classify it as the images of a folder were.

use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader, imageops::FilterType};

use super::{FolderConfig, ImageFolder, Unreadable, decode};
use crate::error::{DataError, Result};

/// Side of the middle of a picture, as a share of the largest that fits: the usual resize to 256 and centre crop of 224
/// pixels.
const CENTRE: f64 = 0.875;

impl ImageFolder {
    /// Decodes and resizes one PNG or JPEG file as [`ImageFolder::open`] does: `height * width` RGB pixels, row by row.
    ///
    /// # Errors
    /// [`DataError::Image`] when it cannot be decoded, [`DataError::Config`] for a size that cannot be.
    pub fn read_image(path: impl AsRef<Path>, config: &FolderConfig) -> Result<Vec<u8>> {
        check_size(config)?;
        let config = FolderConfig { unreadable: Unreadable::Fail, ..config.clone() };
        Ok(decode::decode(&[(path.as_ref().to_owned(), 0)], &config)?.pixels)
    }

    /// The same for the middle of the picture: seven eighths of the largest window that has the proportions of the size
    /// asked for.
    ///
    /// # Errors
    /// As [`Self::read_image`].
    pub fn read_centre(path: impl AsRef<Path>, config: &FolderConfig) -> Result<Vec<u8>> {
        check_size(config)?;
        let path = path.as_ref();
        let image = open(path).map_err(|error| DataError::Image { path: path.into(), reason: error.to_string() })?;
        let (width, height) = (f64::from(image.width()), f64::from(image.height()));
        let scale = CENTRE * (width / config.width as f64).min(height / config.height as f64);
        let side = |wanted: usize, most: u32| ((scale * wanted as f64).round() as u32).clamp(1, most.max(1));
        let (w, h) = (side(config.width, image.width()), side(config.height, image.height()));
        let middle = image.crop_imm((image.width() - w) / 2, (image.height() - h) / 2, w, h);
        let resized = middle.resize_exact(config.width as u32, config.height as u32, FilterType::Triangle);
        Ok(resized.into_rgb8().into_raw())
    }
}

fn check_size(config: &FolderConfig) -> Result<()> {
    for (field, size) in [("height", config.height), ("width", config.width)] {
        if size == 0 || size > 4096 {
            let expected = "images are resized to 1 to 4096 pixels".into();
            return Err(DataError::Config { field, got: size.to_string(), expected });
        }
    }
    Ok(())
}

/// The image in a file, the right way up.
fn open(path: &Path) -> image::ImageResult<DynamicImage> {
    let mut decoder = ImageReader::open(path)?.with_guessed_format()?.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image)
}
