//! What a JPEG file is made of, and those that the usual decoder gets wrong.

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_decoder::PixelFormat;

/// What the markers of a JPEG file say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Jpeg {
    /// Width and height.
    pub size: (u32, u32),
    /// Not progressive: each scan has its components whole.
    sequential: bool,
    /// How many samples the components have in a row and a column, relative to each other: (2, 2) of brightness where colours,
    /// (1, 1), have half the resolution. (0, 0) where there are fewer components.
    factors: [(u8, u8); 4],
    scans: usize,
}

/// Which decoder reads a file as libjpeg does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoder {
    /// That of the crate image, zune-jpeg 0.5.15.
    Usual,
    /// The crate jpeg-decoder 0.3.2.
    Other,
}

const END: u8 = 0xd9;

impl Jpeg {
    /// Reads the markers up to the image's end; `None` where that is missing. Decoders fill up what a broken transfer left
    /// out with grey, without an error; whatever follows the end does not matter.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (mut jpeg, mut at) = (Self::default(), 2);
        loop {
            let marker = next_marker(bytes, &mut at)?;
            match marker {
                END => return Some(jpeg),
                // Markers without content.
                0x01 | 0xd0..=0xd8 => continue,
                0xc0..=0xc2 => {
                    let header = bytes.get(at..)?;
                    jpeg.sequential = marker != 0xc2;
                    (jpeg.size, jpeg.factors) = (size(header)?, factors(header));
                }
                0xda => jpeg.scans += 1,
                _ => {}
            }
            let &[high, low] = bytes.get(at..).and_then(<[u8]>::first_chunk::<2>)?;
            at += usize::from(high) << 8 | usize::from(low);
        }
    }

    /// The decoder that reads it, by what both made of files of all factors, scans and sizes that `cjpeg` writes, compared
    /// with libjpeg-turbo. zune-jpeg reads no three samples in a row; it gives wrong colours, in silence or with an error that names
    /// something else, where the first component has not the most samples in a row, and takes the scans of a file that has
    /// several, not progressive, for scans of one resolution.
    ///
    /// # Errors
    /// Neither does: components of four and of two samples, but for one scan of all.
    pub fn decoder(self) -> Result<Decoder, String> {
        let several = self.sequential && self.scans > 1;
        let [first, second, third, fourth] = self.factors;
        let most = self.factors.into_iter().fold((0, 0), |(h, v), (h2, v2)| (h.max(h2), v.max(v2)));
        let subsampled = [second, third, fourth].into_iter().any(|factors| factors != (0, 0) && factors != first);
        // Pictures of four colours, which jpeg-decoder is not asked for, are read where all of them have one resolution.
        let three = third != (0, 0) && fourth == (0, 0);
        let wide = self.factors.into_iter().any(|factors| factors.0 == 3);
        let usual = first.0 == most.0
            && !wide
            && !(several && (subsampled || three))
            && (most.0.max(most.1) <= 2 || most.1 == 1);
        if usual || !(subsampled || three || wide) {
            return Ok(Decoder::Usual);
        }
        let two_of_four =
            |most, factor: fn((u8, u8)) -> u8| most == 4 && self.factors.into_iter().any(|f| factor(f) == 2);
        if (several || !self.sequential) && (two_of_four(most.0, |f| f.0) || two_of_four(most.1, |f| f.1)) {
            let shown: Vec<String> =
                self.factors.iter().filter(|&&f| f != (0, 0)).map(|(h, v)| format!("{h}x{v}")).collect();
            return Err(format!(
                "a JPEG of several scans with sampling factors {}, which is not read; make a usual JPEG or PNG of it",
                shown.join(", ")
            ));
        }
        Ok(Decoder::Other)
    }
}

/// Width and height in a frame's header.
fn size(header: &[u8]) -> Option<(u32, u32)> {
    let [height, width] = [3, 5].map(|at| {
        let &[high, low] = header.get(at..).and_then(<[u8]>::first_chunk::<2>)?;
        Some(u32::from(high) << 8 | u32::from(low))
    });
    Some((width?, height?))
}

/// The factors in a frame's header (length, precision, height, width, count; each id, factors, table).
fn factors(header: &[u8]) -> [(u8, u8); 4] {
    let count = header.get(7).map_or(0, |&count| usize::from(count));
    let mut factors = [(0, 0); 4];
    for (to, component) in factors.iter_mut().zip(header.get(8..).unwrap_or_default().chunks_exact(3).take(count)) {
        *to = component.get(1).map_or((0, 0), |byte| (byte >> 4, byte & 15));
    }
    factors
}

/// Goes on behind the next marker. In the compressed data 0xff is followed by 0 when it is no marker.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        let rest = bytes.get(*at..)?;
        *at += rest.iter().position(|&byte| byte == 0xff)? + 1;
        match *bytes.get(*at)? {
            0 => *at += 1,
            // Fill bytes.
            0xff => {}
            marker => {
                *at += 1;
                return Some(marker);
            }
        }
    }
}

/// Decodes the image of `size` (width, height) by the other decoder, which takes so many bytes at most.
pub(super) fn decode_by_other(bytes: &[u8], size: (u32, u32), memory: u64) -> Result<DynamicImage, String> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    decoder.set_max_decoding_buffer_size(usize::try_from(memory).unwrap_or(usize::MAX));
    let pixels = decoder.decode().map_err(|error| error.to_string())?;
    let format = decoder.info().map(|info| info.pixel_format);
    let image = match format {
        Some(PixelFormat::RGB24) => RgbImage::from_raw(size.0, size.1, pixels).map(DynamicImage::from),
        Some(PixelFormat::L8) => GrayImage::from_raw(size.0, size.1, pixels).map(DynamicImage::from),
        _ => None,
    };
    let mut image = image.ok_or_else(|| {
        format!(
            "a JPEG of unusual scans or sampling factors whose pixels are {format:?}; make a usual JPEG or PNG of it"
        )
    })?;
    if let Some(orientation) = decoder.exif_data().and_then(Orientation::from_exif_chunk) {
        image.apply_orientation(orientation);
    }
    Ok(image)
}

#[cfg(test)]
mod tests;
