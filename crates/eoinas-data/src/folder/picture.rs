//! The picture in a file: its format, its limits, the right way up, without transparency.

use super::jpeg::{self, Decoder, Jpeg};
use super::{FolderConfig, foreign, tiff, webp};
use crate::PictureFiles;
use eoinas_core::file;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits, Rgb, RgbImage};
use std::fs::File;
use std::io::{Cursor, Read};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

/// Bytes of a pixel at most: four channels of 16 bits.
const PIXEL: u64 = 8;
/// Bytes that a file may have beside its pixels, and that may be taken for what is not its pixels: the colour profile, texts and EXIF
/// data of a PNG, and each tag of a TIFF. Other formats do not pack these: they take some times the length of the file at most.
const BESIDE: u64 = 64 << 20;

/// What is not decoded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limited {
    /// The most pixels of a picture.
    pub pixels: u64,
    /// The formats.
    pub files: PictureFiles,
}

impl From<&FolderConfig> for Limited {
    fn from(config: &FolderConfig) -> Self {
        Self { pixels: config.max_pixels, files: config.files }
    }
}

/// The picture in a file, or why there is none.
pub(super) fn open(path: &Path, limits: Limited) -> Result<DynamicImage, String> {
    let shown = |error: std::io::Error| error.to_string();
    if !path.metadata().map_err(shown)?.is_file() {
        return Err("it is no file".into());
    }
    read(File::open(path).map_err(shown)?, limits)
}

/// The picture in what a reader gives, or why there is none.
pub(super) fn read(from: impl Read, limits: Limited) -> Result<DynamicImage, String> {
    let max_pixels = limits.pixels;
    let limit = max_pixels.saturating_mul(PIXEL).saturating_add(BESIDE);
    let mut bytes = Vec::new();
    from.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > limit {
        return Err(format!("more bytes than {max_pixels} pixels have, the most that are decoded (`max_pixels`)"));
    }
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    if file::is_lfs_pointer(&bytes) {
        return Err(file::LFS_POINTER.into());
    }
    // A decoder that panics on a strange file must not take the program down, nor have another file blamed.
    catch_unwind(AssertUnwindSafe(|| decode(&bytes, limits)))
        .unwrap_or_else(|_| Err("the decoder panicked on this image".into()))
}

/// The picture in the bytes of a file; of an animation the first one.
pub(super) fn decode(bytes: &[u8], limits: Limited) -> Result<DynamicImage, String> {
    let shown = |error: ImageError| error.to_string();
    // The content says what it is, not the name: JPEG files that are called .png are common.
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|error| error.to_string())?;
    let format = reader.format();
    if let Some(what) = foreign::by_content(bytes).filter(|_| !format.is_some_and(|format| format.reading_enabled())) {
        return Err(format!("it is {what}, which is not read; make a PNG or JPEG file of it"));
    }
    if let (PictureFiles::PngJpeg, Some(format)) = (limits.files, format)
        && !matches!(format, ImageFormat::Png | ImageFormat::Jpeg)
    {
        return Err(format!("it is {format:?}, and PNG and JPEG alone are read (`files`)"));
    }
    let jpeg = match format {
        Some(ImageFormat::Jpeg) => Some(Jpeg::read(bytes).ok_or("the file ends within the image")?),
        _ => None,
    };
    let memory = |pixels: u64| pixels.saturating_mul(PIXEL).saturating_add(BESIDE);
    let fits = |(width, height): (u32, u32)| {
        let pixels = u64::from(width) * u64::from(height);
        let max_pixels = limits.pixels;
        (pixels <= max_pixels).then_some(pixels).ok_or_else(|| {
            format!(
                "{width} x {height} pixels, more than the {max_pixels} that are decoded; make it smaller, or raise \
                 `max_pixels`"
            )
        })
    };
    if format == Some(ImageFormat::WebP) {
        webp::frames(bytes).try_for_each(|size| fits(size).map(drop))?;
    }
    if format == Some(ImageFormat::Tiff) {
        tiff::check_tags(bytes, BESIDE)?;
    }
    if let Some(jpeg) = jpeg
        && jpeg.decoder()? == Decoder::Other
    {
        return jpeg::decode_by_other(bytes, jpeg.size, memory(fits(jpeg.size)?));
    }
    let mut decoder = decoder(reader).map_err(|error| match error {
        ImageError::Limits(_) => format!("what it has beside its pixels takes more than {} MiB", BESIDE >> 20),
        error => shown(error),
    })?;
    // The header is read, and no memory taken for the pixels.
    let pixels = fits(decoder.dimensions())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(memory(pixels));
    decoder.set_limits(limits).map_err(shown)?;
    let orientation = match format {
        Some(ImageFormat::WebP) => webp::exif(bytes)?.and_then(Orientation::from_exif_chunk),
        _ => Some(decoder.orientation().map_err(shown)?),
    };
    let mut image = DynamicImage::from_decoder(decoder).map_err(shown)?;
    image.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    Ok(on_white(image))
}

/// The decoder of a file, of which the header is read. A PNG's unpacks the colour profile, which nothing here needs, and leaves
/// it out where it takes more than there is room for.
fn decoder(mut reader: ImageReader<Cursor<&[u8]>>) -> ImageResult<impl ImageDecoder> {
    let mut limits = Limits::default();
    limits.max_alloc = Some(BESIDE);
    reader.limits(limits);
    reader.into_decoder()
}

/// What a picture looks like on white. Pixels that nobody sees have any colour, left there by the program that cut them out.
fn on_white(image: DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return image;
    }
    let rgba = image.to_rgba8();
    if rgba.pixels().all(|pixel| pixel.0[3] == u8::MAX) {
        return image;
    }
    let mut rgb = RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in rgb.pixels_mut().zip(rgba.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u32::from);
        let over = |value: u32| ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        *to = Rgb([over(red), over(green), over(blue)]);
    }
    rgb.into()
}

#[cfg(test)]
mod tests;
