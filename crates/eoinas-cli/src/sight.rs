//! A picture as a saved network sees it: the one way of classifying and of evaluating, and that of a training's test.

use std::{io::Read, path::Path};

use eoinas_data::{DataError, FolderConfig, ImageFolder};
use eoinas_nn::saved::{Description, Framing};

use crate::Error;

/// How the pictures of a network are read.
#[derive(Debug)]
pub(crate) struct Sight {
    config: FolderConfig,
    framing: Framing,
    channels: usize,
}

impl Sight {
    /// That of a network of pictures.
    ///
    /// # Errors
    /// A network of other channels than pictures have.
    pub(crate) fn of(description: &Description, max_pixels: u64) -> Result<Self, Error> {
        let ([height, width, channels], framing) = (description.architecture.images(), description.framing);
        if channels != 1 && channels != 3 {
            return Err(
                format!("the network reads images of {channels} channels; pictures have 3, or 1 of grey").into()
            );
        }
        let config = FolderConfig { height, width, max_pixels, ..FolderConfig::default() };
        Ok(Self { config, framing, channels })
    }

    /// The pixels of a picture's file, `[height, width, channels]` of the network.
    ///
    /// # Errors
    /// A file that is no picture.
    pub(crate) fn file(&self, path: &Path) -> Result<Vec<u8>, DataError> {
        let rgb = match self.framing {
            Framing::Stretch => ImageFolder::read_image(path, &self.config),
            Framing::Centre => ImageFolder::read_centre(path, &self.config),
        };
        rgb.map(|rgb| self.of_channels(rgb))
    }

    /// The same of what a reader gives; `name` is what an error calls it.
    ///
    /// # Errors
    /// As [`Self::file`].
    pub(crate) fn reader(&self, from: impl Read, name: &str) -> Result<Vec<u8>, DataError> {
        let rgb = match self.framing {
            Framing::Stretch => ImageFolder::read_image_from(from, name, &self.config),
            Framing::Centre => ImageFolder::read_centre_from(from, name, &self.config),
        };
        rgb.map(|rgb| self.of_channels(rgb))
    }

    fn of_channels(&self, rgb: Vec<u8>) -> Vec<u8> {
        if self.channels == 1 { rgb.chunks_exact(3).map(luma).collect() } else { rgb }
    }
}

/// Brightness of a pixel (ITU-R 601).
fn luma(rgb: &[u8]) -> u8 {
    let sum: f32 = rgb.iter().zip([0.299, 0.587, 0.114]).map(|(&value, share)| f32::from(value) * share).sum();
    sum.round() as u8
}
