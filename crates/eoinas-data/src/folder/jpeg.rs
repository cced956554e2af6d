//! What a JPEG file is made of, and those that the usual decoder gets wrong.

use image::{DynamicImage, GrayImage, RgbImage};
use jpeg_decoder::PixelFormat;

/// What the markers of a JPEG file say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Jpeg {
    /// Not progressive: each scan has its components whole.
    sequential: bool,
    /// Whether the components have different numbers of samples, as colours at half the resolution.
    subsampled: bool,
    scans: usize,
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
                    jpeg.sequential = marker != 0xc2;
                    jpeg.subsampled = is_subsampled(bytes.get(at..)?);
                }
                0xda => jpeg.scans += 1,
                _ => {}
            }
            let &[high, low] = bytes.get(at..).and_then(<[u8]>::first_chunk::<2>)?;
            at += usize::from(high) << 8 | usize::from(low);
        }
    }

    /// Whether it has several scans of components of different resolutions, which zune-jpeg 0.5.15, the decoder of the
    /// crate image, takes for scans of one resolution.
    pub fn has_subsampled_scans(self) -> bool {
        self.sequential && self.subsampled && self.scans > 1
    }
}

/// Whether the components of a frame's header (length, precision, height, width, count; each id, factors, table) differ in
/// their factors.
fn is_subsampled(header: &[u8]) -> bool {
    let factors =
        header.get(8..).unwrap_or_default().chunks_exact(3).take(header.get(7).map_or(0, |&n| usize::from(n)));
    let factors: Vec<u8> = factors.filter_map(|component| component.get(1).copied()).collect();
    factors.windows(2).any(|pair| pair.first() != pair.last())
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

/// Decodes the image of `size` (width, height) by the decoder that reads such scans.
pub(super) fn decode_scans(bytes: &[u8], size: (u32, u32)) -> Result<DynamicImage, String> {
    let mut decoder = jpeg_decoder::Decoder::new(bytes);
    let pixels = decoder.decode().map_err(|error| error.to_string())?;
    let format = decoder.info().map(|info| info.pixel_format);
    let image = match format {
        Some(PixelFormat::RGB24) => RgbImage::from_raw(size.0, size.1, pixels).map(DynamicImage::from),
        Some(PixelFormat::L8) => GrayImage::from_raw(size.0, size.1, pixels).map(DynamicImage::from),
        _ => None,
    };
    image.ok_or_else(|| {
        format!("a JPEG of one scan a component whose pixels are {format:?}; make a usual JPEG or PNG of it")
    })
}

#[cfg(test)]
mod tests {
    use super::super::picture;
    use super::*;
    use image::{ImageFormat, Rgb};
    use std::io::Cursor;

    fn up_to(pixels: u64) -> picture::Limited {
        picture::Limited { pixels, files: crate::PictureFiles::All }
    }

    #[test]
    fn every_cut_is_seen_and_no_whole_file_is_refused() {
        let image = RgbImage::from_fn(40, 30, |x, y| Rgb([(x * 6) as u8, (y * 8) as u8, (x * y) as u8]));
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Jpeg).unwrap();
        let whole = Jpeg::read(&bytes).unwrap();
        assert_eq!((whole.scans, whole.sequential), (1, true));
        assert!((0..bytes.len()).all(|cut| Jpeg::read(&bytes[..cut]).is_none()));
        bytes.extend([0xff, 0xda, 1, 2, 3]);
        assert_eq!(Jpeg::read(&bytes), Some(whole), "what follows the end does not matter");
    }

    /// Bits of a scan, most significant first, with the zero that follows each 0xff.
    #[derive(Default)]
    struct Bits {
        bytes: Vec<u8>,
        pending: u32,
        count: u32,
    }

    impl Bits {
        fn push(&mut self, value: u32, length: u32) {
            for bit in (0..length).rev() {
                self.pending = self.pending << 1 | (value >> bit & 1);
                self.count += 1;
                if self.count == 8 {
                    self.bytes.push(self.pending as u8);
                    if self.pending == 0xff {
                        self.bytes.push(0);
                    }
                    (self.pending, self.count) = (0, 0);
                }
            }
        }

        fn end(mut self) -> Vec<u8> {
            while self.count > 0 {
                self.push(1, 1);
            }
            self.bytes
        }
    }

    fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
        let length = content.len() as u16 + 2;
        [&[0xff, marker][..], &length.to_be_bytes(), content].concat()
    }

    /// A baseline JPEG of 48 x 32 pixels whose blocks of 8 x 8 have one value each: `luma[6 * 4]`, and at half the resolution
    /// `chroma[2][3 * 2]`. With one scan for each component, or the usual single one.
    fn blocks(luma: &[u8; 24], chroma: &[[u8; 6]; 2], one_scan: bool) -> Vec<u8> {
        let mut bytes = vec![0xff, 0xd8];
        bytes.extend(segment(0xdb, &[&[0][..], &[1; 64]].concat()));
        bytes.extend(segment(0xc0, &[8, 0, 32, 0, 48, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]));
        // DC: codes of four bits for the lengths 0 to 11; AC: one code, the end of the block.
        bytes.extend(segment(0xc4, &[&[0, 0, 0, 0, 12][..], &[0; 12], &(0..12).collect::<Vec<u8>>()].concat()));
        bytes.extend(segment(0xc4, &[&[0x10, 1][..], &[0; 15], &[0]].concat()));
        let mut last = [0i32; 3];
        let mut block = |bits: &mut Bits, component: usize, value: u8| {
            // The first coefficient is eight times the mean of the block.
            let level = 8 * (i32::from(value) - 128);
            let difference = level - last[component];
            last[component] = level;
            let length = 32 - difference.unsigned_abs().leading_zeros();
            bits.push(length, 4);
            let code = if difference < 0 { difference - 1 } else { difference };
            bits.push(code as u32 & ((1 << length) - 1), length);
            bits.push(0, 1);
        };
        let scan = |components: &[u8]| {
            let mut header = vec![components.len() as u8];
            header.extend(components.iter().flat_map(|&id| [id, 0]));
            segment(0xda, &[&header[..], &[0, 63, 0]].concat())
        };
        if one_scan {
            let mut bits = Bits::default();
            for (mcu, (&b, &r)) in chroma[0].iter().zip(&chroma[1]).enumerate() {
                let (x, y) = (mcu % 3, mcu / 3);
                for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    block(&mut bits, 0, luma[(2 * y + dy) * 6 + 2 * x + dx]);
                }
                block(&mut bits, 1, b);
                block(&mut bits, 2, r);
            }
            bytes.extend(scan(&[1, 2, 3]));
            bytes.extend(bits.end());
        } else {
            for component in 0..3 {
                let mut bits = Bits::default();
                let values: &[u8] = if component == 0 { luma } else { &chroma[component - 1] };
                values.iter().for_each(|&value| block(&mut bits, component, value));
                bytes.extend(scan(&[component as u8 + 1]));
                bytes.extend(bits.end());
            }
        }
        bytes.extend([0xff, END]);
        bytes
    }

    /// What `cjpeg` writes for the scan script `0; 1; 2;`.
    #[test]
    fn one_scan_a_component_at_half_the_resolution_is_read() {
        let luma: [u8; 24] = std::array::from_fn(|i| (40 + 7 * i) as u8);
        let chroma = [std::array::from_fn(|i| (90 + 12 * i) as u8), std::array::from_fn(|i| (160 - 11 * i) as u8)];
        let scans = blocks(&luma, &chroma, false);
        let read = Jpeg::read(&scans).unwrap();
        assert!(read.has_subsampled_scans(), "{read:?}");
        let usual = blocks(&luma, &chroma, true);
        assert!(!Jpeg::read(&usual).unwrap().has_subsampled_scans());
        let decode = |bytes: &[u8]| picture::decode(bytes, up_to(1 << 20)).unwrap().into_rgb8();
        let (scans, usual) = (decode(&scans), decode(&usual));
        // The middle of a block of colour is far from its neighbours.
        for (block, (x, y)) in [(0, (8, 8)), (1, (24, 8)), (2, (40, 8)), (5, (40, 24))] {
            let (x, y) = (x - 1, y - 1);
            let l = f64::from(luma[(y as usize / 8) * 6 + x as usize / 8]);
            let (b, r) = (f64::from(chroma[0][block]) - 128.0, f64::from(chroma[1][block]) - 128.0);
            let expected = [l + 1.402 * r, l - 0.344_136 * b - 0.714_136 * r, l + 1.772 * b];
            for image in [&scans, &usual] {
                let Rgb(found) = image.get_pixel(x, y);
                for (found, expected) in found.iter().zip(expected) {
                    let expected = expected.clamp(0.0, 255.0);
                    assert!((f64::from(*found) - expected).abs() < 3.0, "{x}, {y}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn a_claim_of_many_pixels_takes_no_memory() {
        let mut bytes = blocks(&[128; 24], &[[128; 6]; 2], true);
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        bytes[frame + 5..frame + 9].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
        let error = picture::decode(&bytes, up_to(100_000_000)).unwrap_err();
        assert!(
            error.starts_with("65500 x 65500 pixels, more than the 100000000") && error.contains("`max_pixels`"),
            "{error}"
        );
        assert!(picture::decode(&blocks(&[1; 24], &[[1; 6]; 2], true), up_to(48 * 32 - 1)).is_err());
    }
}
