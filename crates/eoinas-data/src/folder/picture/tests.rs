//! What is beside the pixels of a picture takes a bounded amount of memory.

use super::*;
use flate2::{Compression, Crc, write::ZlibEncoder};
use std::io::Write;

const LIMITED: Limited = Limited { pixels: 1000, files: PictureFiles::All };

fn bytes(format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::new(5, 4).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// So many zeros, packed.
fn packed(mebibytes: usize) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::fast());
    (0..mebibytes).for_each(|_| packer.write_all(&vec![0; 1 << 20]).unwrap());
    packer.finish().unwrap()
}

/// A PNG with one more chunk before its pixels.
fn png_with(name: &[u8; 4], content: &[u8]) -> Vec<u8> {
    let mut crc = Crc::new();
    crc.update(name);
    crc.update(content);
    let chunk = [&(content.len() as u32).to_be_bytes()[..], name, content, &crc.sum().to_be_bytes()].concat();
    let png = bytes(ImageFormat::Png);
    // The signature and the header.
    [&png[..33], &chunk, &png[33..]].concat()
}

fn profile_of(png: &[u8]) -> Option<usize> {
    let reader = ImageReader::new(Cursor::new(png)).with_guessed_format().unwrap();
    decoder(reader).unwrap().icc_profile().unwrap().map(|profile| profile.len())
}

#[test]
fn a_profile_that_unpacks_to_more_than_there_is_room_for_is_left_out() {
    let png = |mebibytes| png_with(b"iCCP", &[b"a\0\0", &packed(mebibytes)[..]].concat());
    let room = (BESIDE >> 20) as usize;
    for (mebibytes, kept) in [(1, Some(1 << 20)), (room + 1, None), (10 * room, None)] {
        let png = png(mebibytes);
        assert_eq!(profile_of(&png), kept, "{mebibytes}");
        assert_eq!(decode(&png, LIMITED).unwrap().into_rgb8(), RgbImage::new(5, 4), "{mebibytes}");
    }
}

#[test]
fn texts_stay_packed_or_are_refused_by_name() {
    let room = (BESIDE >> 20) as usize;
    let (long, much) = (packed(10 * room), vec![b'a'; (room + 1) << 20]);
    for (name, before) in [(b"zTXt", &b"a\0\0"[..]), (b"iTXt", b"a\0\x01\0\0\0")] {
        assert!(decode(&png_with(name, &[before, &long].concat()), LIMITED).is_ok(), "{name:?}");
    }
    for (name, before) in [(b"tEXt", &b"a\0"[..]), (b"iTXt", b"a\0\0\0\0\0"), (b"eXIf", b"")] {
        let error = decode(&png_with(name, &[before, &much].concat()), LIMITED).unwrap_err();
        assert_eq!(error, "what it has beside its pixels takes more than 64 MiB", "{name:?}");
    }
}

/// A file of a few bytes that claims four gibibytes.
#[test]
fn exif_data_that_a_webp_does_not_have_are_refused() {
    let webp = bytes(ImageFormat::WebP);
    let canvas = [&b"VP8X\x0a\0\0\0\x08\0\0\0"[..], &[4, 0, 0, 3, 0, 0]].concat();
    let with = |length: u32, exif: &[u8]| {
        let content = [&b"WEBP"[..], &canvas, &webp[12..], b"EXIF", &length.to_le_bytes(), exif].concat();
        [&b"RIFF"[..], &(content.len() as u32).to_le_bytes(), &content].concat()
    };
    assert_eq!(decode(&with(u32::MAX, b""), LIMITED).unwrap_err(), "the file ends within its EXIF data");
    // One entry of them: turned by a quarter.
    let turned = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let image = decode(&with(turned.len() as u32, turned), LIMITED).unwrap();
    assert_eq!((image.width(), image.height()), (4, 5));
}

/// Of a byte each the decoder makes a value of 32.
#[test]
fn tags_of_a_tiff_that_have_too_many_values_are_refused() {
    let tiff = bytes(ImageFormat::Tiff);
    assert!(decode(&tiff, LIMITED).is_ok());
    // A tag is its number, its type, the count and the place of its values: bits of a sample are three numbers of two bytes.
    let bits = tiff.windows(8).position(|part| part == b"\x02\x01\x03\0\x03\0\0\0").unwrap();
    let claims = |count: u32| {
        let mut claims = tiff.clone();
        claims[bits + 4..bits + 8].copy_from_slice(&count.to_le_bytes());
        decode(&claims, LIMITED).unwrap_err()
    };
    let error = "its tag 258 has 2097153 values, more than the 2097152 that are read; save it anew";
    assert_eq!(claims(2_097_153), error);
    assert_ne!(claims(2_097_152), error);
    // The other order of bytes, lengths of eight, and a tag that nothing reads.
    let big = [&b"MM\0\x2b\0\x08\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\x01\x01\x11\0\x03"[..], &[0xff; 16]].concat();
    assert!(tiff::check_tags(&big, BESIDE).unwrap_err().contains("its tag 273 has 18446744073709551615 values"));
    let mut other = big;
    other[24] = 0x90;
    assert_eq!(tiff::check_tags(&other, BESIDE), Ok(()));
}
