//! The formats of pictures.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(feature = "images")]

use eoinas_data::{FolderConfig, ImageFolder, PictureFiles};
use image::codecs::gif::GifEncoder;
use image::{
    DynamicImage, Frame, GrayAlphaImage, ImageBuffer, ImageFormat, Luma, LumaA, Rgb, RgbImage, Rgba, RgbaImage,
};
use std::io::Cursor;

const FORMATS: [ImageFormat; 6] =
    [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Tiff];

fn bytes(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.into().write_to(&mut Cursor::new(&mut bytes), format).unwrap();
    bytes
}

/// What is seen in a file of these bytes, whose name says nothing of its format.
fn read(bytes: &[u8], config: &FolderConfig) -> Result<Vec<u8>, String> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    ImageFolder::read_image(file.path(), config).map_err(|error| error.to_string())
}

fn size(width: usize, height: usize) -> FolderConfig {
    FolderConfig { width, height, ..FolderConfig::default() }
}

/// Four pixels of two rows: the corners tell every orientation.
fn corners() -> RgbImage {
    RgbImage::from_fn(16, 16, |x, y| match (x < 8, y < 8) {
        (true, true) => Rgb([255, 0, 0]),
        (false, true) => Rgb([0, 255, 0]),
        (true, false) => Rgb([0, 0, 255]),
        (false, false) => Rgb([255, 255, 255]),
    })
}

/// The name of each corner, row by row.
fn seen(pixels: &[u8]) -> String {
    let name = |x: usize, y: usize| match pixels.get((y * 16 + x) * 3..(y * 16 + x) * 3 + 3).unwrap() {
        [200..=255, 200..=255, 200..=255] => 'w',
        [200..=255, _, _] => 'r',
        [_, 200..=255, _] => 'g',
        _ => 'b',
    };
    [(3, 3), (12, 3), (3, 12), (12, 12)].map(|(x, y)| name(x, y)).iter().collect()
}

#[test]
fn every_format_is_read() {
    for format in FORMATS {
        let pixels = read(&bytes(corners(), format), &size(16, 16)).unwrap();
        assert_eq!(seen(&pixels), "rgbw", "{format:?}");
    }
}

#[test]
fn what_is_cut_off_is_refused() {
    for format in FORMATS {
        let image = RgbImage::from_fn(64, 64, |x, y| Rgb([(x * y) as u8, (x * 37 + y * 91) as u8, (x * x + y) as u8]));
        let whole = bytes(image, format);
        for part in [8, 4, 2] {
            let cut = read(&whole[..whole.len() - whole.len() / part], &size(16, 16));
            assert!(cut.is_err(), "{format:?} without its last {part}th");
        }
    }
}

#[test]
fn claims_of_many_pixels_take_no_memory() {
    let config = FolderConfig { max_pixels: 255, ..size(16, 16) };
    for format in FORMATS {
        let error = read(&bytes(corners(), format), &config).unwrap_err();
        assert!(error.contains("16 x 16 pixels, more than the 255 that are decoded"), "{format:?}: {error}");
    }
    let mut gif = bytes(corners(), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff; 4]);
    let mut bmp = bytes(corners(), ImageFormat::Bmp);
    bmp[18..26].copy_from_slice(&[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]);
    let mut png = bytes(corners(), ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0xff, 0xff, 0, 0, 0xff, 0xff]);
    for claim in [gif, bmp] {
        let error = read(&claim, &size(16, 16)).unwrap_err();
        assert!(error.contains("65535 x 65535 pixels, more than the 100000000"), "{error}");
    }
    assert!(read(&png, &size(16, 16)).is_err());
    // A frame that is larger than the screen that it is a part of.
    let mut gif = bytes(corners(), ImageFormat::Gif);
    let frame = gif.windows(9).position(|part| part == [0x2c, 0, 0, 0, 0, 16, 0, 16, 0]).unwrap();
    gif[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert!(read(&gif, &size(16, 16)).is_err());
    // A lossy frame of 16383 x 16383 pixels in a WebP of 1 x 1.
    let frame = [&b"VP8 \x0a\0\0\0\0\0\0\x9d\x01\x2a"[..], &[0xff, 0x3f, 0xff, 0x3f]].concat();
    let canvas = [&b"VP8X\x0a\0\0\0\0\0\0\0"[..], &[0; 6]].concat();
    let length = (4 + canvas.len() + frame.len()) as u32;
    let webp = [&b"RIFF"[..], &length.to_le_bytes(), b"WEBP", &canvas, &frame].concat();
    let error = read(&webp, &size(16, 16)).unwrap_err();
    assert!(error.contains("16383 x 16383 pixels, more than the 100000000"), "{error}");
}

#[test]
fn pixels_that_nobody_sees_are_white() {
    let colours = [[200, 10, 10, 0], [200, 10, 10, 255], [0, 0, 0, 51], [90, 91, 92, 128]];
    let image = RgbaImage::from_fn(4, 1, |x, _| Rgba(colours[x as usize]));
    let expected = [255, 255, 255, 200, 10, 10, 204, 204, 204, 172, 173, 173];
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Bmp] {
        assert_eq!(read(&bytes(image.clone(), format), &size(4, 1)).unwrap(), expected, "{format:?}");
    }
    // A GIF has pixels that are seen or not.
    let gif = read(&bytes(image, ImageFormat::Gif), &size(4, 1)).unwrap();
    assert_eq!(gif[..6], expected[..6]);
    let gray = GrayAlphaImage::from_fn(2, 1, |x, _| LumaA([7, 255 * x as u8]));
    assert_eq!(read(&bytes(gray, ImageFormat::Png), &size(2, 1)).unwrap(), [255, 255, 255, 7, 7, 7]);
}

#[test]
fn gray_sixteen_bits_and_palettes_become_bytes_of_rgb() {
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let gray =
            ImageBuffer::<Luma<u16>, Vec<u16>>::from_fn(2, 1, |x, _| Luma([if x == 0 { 257 * 40 } else { 65535 }]));
        assert_eq!(read(&bytes(gray, format), &size(2, 1)).unwrap(), [40, 40, 40, 255, 255, 255], "{format:?}");
        let deep = ImageBuffer::<Rgb<u16>, Vec<u16>>::from_pixel(1, 1, Rgb([257 * 3, 257 * 200, 0]));
        assert_eq!(read(&bytes(deep, format), &size(1, 1)).unwrap(), [3, 200, 0], "{format:?}");
    }
    let gray = ImageBuffer::<Luma<u8>, Vec<u8>>::from_pixel(1, 1, Luma([90]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Bmp, ImageFormat::Tiff] {
        assert_eq!(read(&bytes(gray.clone(), format), &size(1, 1)).unwrap(), [90; 3], "{format:?}");
    }
    // Three pixels of eight bits by a palette, of which the third colour is not seen; compressed as they are.
    let palette = [
        b"\x89PNG\r\n\x1a\n".to_vec(),
        chunk(b"IHDR", &[0, 0, 0, 3, 0, 0, 0, 1, 8, 3, 0, 0, 0]),
        chunk(b"PLTE", &[10, 20, 30, 200, 0, 1, 77, 78, 79]),
        chunk(b"tRNS", &[255, 255, 0]),
        chunk(b"IDAT", &[0x78, 1, 1, 4, 0, 0xfb, 0xff, 0, 1, 0, 2, 0, 9, 0, 4]),
        chunk(b"IEND", &[]),
    ]
    .concat();
    assert_eq!(read(&palette, &size(3, 1)).unwrap(), [200, 0, 1, 10, 20, 30, 255, 255, 255]);
}

/// A piece of a PNG file: length, name, content, and the checksum of the latter two.
fn chunk(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let named = [&name[..], content].concat();
    let step = |sum: u32, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 };
    let sum = !named.iter().fold(!0u32, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step));
    [&(content.len() as u32).to_be_bytes()[..], &named, &sum.to_be_bytes()].concat()
}

#[test]
fn the_first_picture_of_an_animation_is_read() {
    let mut gif = Vec::new();
    let mut encoder = GifEncoder::new(&mut gif);
    for colour in [[250, 0, 0, 255], [0, 250, 0, 255]] {
        encoder.encode_frame(Frame::new(RgbaImage::from_pixel(3, 3, Rgba(colour)))).unwrap();
    }
    drop(encoder);
    assert_eq!(read(&gif, &size(1, 1)).unwrap(), [250, 0, 0]);
}

/// The same corners as a camera held otherwise writes them, of the eight ways that there are.
#[test]
fn the_orientation_of_a_camera_is_followed() {
    let exif = |orientation: u8| {
        [&b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..], &[orientation, 0, 0, 0, 0, 0, 0, 0]].concat()
    };
    for (orientation, expected) in
        [(1, "rgbw"), (2, "grwb"), (3, "wbgr"), (4, "bwrg"), (5, "rbgw"), (6, "brwg"), (7, "wgbr"), (8, "gwrb")]
    {
        let exif = exif(orientation);
        let jpeg = bytes(corners(), ImageFormat::Jpeg);
        let length = (2 + 6 + exif.len()) as u16;
        let tagged = [&jpeg[..2], &[0xff, 0xe1], &length.to_be_bytes(), b"Exif\0\0", &exif, &jpeg[2..]].concat();
        assert_eq!(seen(&read(&tagged, &size(16, 16)).unwrap()), expected, "JPEG {orientation}");

        // In WebP the chunk of the picture comes first, and a header that says what there is.
        let webp = bytes(corners(), ImageFormat::WebP);
        let header = [&b"VP8X\x0a\0\0\0\x08\0\0\0\x0f\0\0\x0f\0\0"[..]].concat();
        let chunk = [&b"EXIF"[..], &(exif.len() as u32).to_le_bytes(), &exif].concat();
        let length = (4 + header.len() + webp.len() - 12 + chunk.len()) as u32;
        let tagged = [&b"RIFF"[..], &length.to_le_bytes(), b"WEBP", &header, &webp[12..], &chunk].concat();
        assert_eq!(seen(&read(&tagged, &size(16, 16)).unwrap()), expected, "WebP {orientation}");
    }
}

#[test]
fn what_is_no_picture_that_is_read_is_named_for_what_it_is() {
    for (content, what) in [
        (
            &b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf"[..],
            "it is a HEIC picture, which is not read; make a PNG or JPEG file",
        ),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf", "it is an AVIF picture"),
        (b"<html><body>404</body></html>", "it is a web page, as downloads leave that went wrong"),
        (b"", "the file is empty"),
    ] {
        let error = read(content, &size(4, 4)).unwrap_err();
        assert!(error.contains(what), "{error}");
    }
}

#[test]
fn a_run_of_png_and_jpeg_goes_on_with_those_alone() {
    let before = FolderConfig { files: PictureFiles::PngJpeg, ..size(16, 16) };
    for format in FORMATS {
        let read = read(&bytes(corners(), format), &before);
        assert_eq!(read.is_ok(), matches!(format, ImageFormat::Png | ImageFormat::Jpeg), "{format:?}");
    }
}
