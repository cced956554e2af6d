//! Files made bit by bit, as no encoder at hand makes them.

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

/// A baseline JPEG of 3 x 2 units, each as many blocks of 8 x 8 of a component as its factors say, whose values are
/// the same in all of a block; `values` has them by rows. `scans` lists the components of each.
fn jpeg(factors: [(usize, usize); 3], values: [&[u8]; 3], scans: &[&[usize]]) -> Vec<u8> {
    let most = factors.iter().fold((0, 0), |most, factor| (most.0.max(factor.0), most.1.max(factor.1)));
    let mut frame = vec![8, 0, (16 * most.1) as u8, 0, (24 * most.0) as u8, 3];
    frame.extend(factors.iter().zip(1..).flat_map(|(&(h, v), id)| [id, (h << 4 | v) as u8, 0]));
    let mut bytes = vec![0xff, 0xd8];
    bytes.extend(segment(0xdb, &[&[0][..], &[1; 64]].concat()));
    bytes.extend(segment(0xc0, &frame));
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
    for &scan in scans {
        let mut header = vec![scan.len() as u8];
        header.extend(scan.iter().flat_map(|&component| [component as u8 + 1, 0]));
        bytes.extend(segment(0xda, &[&header[..], &[0, 63, 0]].concat()));
        let mut bits = Bits::default();
        if let &[component] = scan {
            values[component].iter().for_each(|&value| block(&mut bits, component, value));
        } else {
            for unit in 0..6 {
                for &component in scan {
                    let (h, v) = factors[component];
                    for (dy, dx) in (0..v).flat_map(|dy| (0..h).map(move |dx| (dy, dx))) {
                        let at = (unit / 3 * v + dy) * 3 * h + unit % 3 * h + dx;
                        block(&mut bits, component, values[component][at]);
                    }
                }
            }
        }
        bytes.extend(bits.end());
    }
    bytes.extend([0xff, END]);
    bytes
}

/// 48 x 32 pixels, colours at half the resolution, with one scan for each component, or the usual single one.
fn blocks(luma: &[u8; 24], [blue, red]: &[[u8; 6]; 2], one_scan: bool) -> Vec<u8> {
    let scans: &[&[usize]] = if one_scan { &[&[0, 1, 2]] } else { &[&[0], &[1], &[2]] };
    jpeg([(2, 2), (1, 1), (1, 1)], [luma, blue, red], scans)
}

/// What the three values mean.
fn rgb(l: u8, b: u8, r: u8) -> [f64; 3] {
    let (l, b, r) = (f64::from(l), f64::from(b) - 128.0, f64::from(r) - 128.0);
    [l + 1.402 * r, l - 0.344_136 * b - 0.714_136 * r, l + 1.772 * b].map(|value| value.clamp(0.0, 255.0))
}

fn assert_pixel(image: &RgbImage, (x, y): (u32, u32), expected: [f64; 3]) {
    let Rgb(found) = image.get_pixel(x, y);
    for (found, expected) in found.iter().zip(expected) {
        assert!((f64::from(*found) - expected).abs() < 3.0, "{x}, {y}: {found} {expected}");
    }
}

/// What `cjpeg -sample 1x1,2x1,2x1` and the like write, in one scan and several.
#[test]
fn a_first_component_of_fewer_samples_is_read() {
    let small: [u8; 6] = std::array::from_fn(|i| (60 + 25 * i) as u8);
    let blue: [u8; 24] = std::array::from_fn(|i| (90 + 3 * i) as u8);
    let red: [u8; 24] = std::array::from_fn(|i| (160 - 4 * i) as u8);
    for (h, v) in [(2, 1), (2, 2), (1, 2), (1, 1)] {
        let (blue, red) = (&blue[..6 * h * v], &red[..6 * h * v]);
        for scans in [&[&[0, 1, 2][..]][..], &[&[1, 2], &[0]], &[&[0], &[1], &[2]]] {
            let bytes = jpeg([(1, 1), (h, v), (h, v)], [&small, blue, red], scans);
            let image = picture::decode(&bytes, up_to(1 << 20)).unwrap().into_rgb8();
            assert_eq!(image.dimensions(), (24 * h as u32, 16 * v as u32));
            for (row, column) in (0..2 * v).flat_map(|row| (0..3 * h).map(move |column| (row, column))) {
                let at = row * 3 * h + column;
                let expected = rgb(small[row / v * 3 + column / h], blue[at], red[at]);
                // The middle of a block is far from where neighbours are mixed.
                assert_pixel(&image, (column as u32 * 8 + 4, row as u32 * 8 + 4), expected);
            }
        }
    }
}

/// Factors of three, which libjpeg reads as it reads others, in one scan and several.
#[test]
fn factors_of_three_are_read() {
    let values = |blocks: usize, first: usize, step: usize| -> Vec<u8> {
        (0..blocks).map(|at| (first + at * step % 90) as u8).collect()
    };
    for (luma, chroma) in [
        ((3, 1), (1, 1)),
        ((1, 3), (1, 1)),
        ((3, 2), (1, 1)),
        ((3, 2), (3, 1)),
        ((1, 1), (3, 1)),
        ((3, 1), (1, 2)),
        ((3, 3), (1, 1)),
    ] {
        let most = (luma.0.max(chroma.0), luma.1.max(chroma.1));
        let [luma_blocks, chroma_blocks] = [luma, chroma].map(|(h, v)| 6 * h * v);
        let parts = [values(luma_blocks, 60, 25), values(chroma_blocks, 90, 7), values(chroma_blocks, 110, 11)];
        for scans in [&[&[0, 1, 2][..]][..], &[&[0], &[1, 2]], &[&[0], &[1], &[2]]] {
            // A unit of one scan has ten blocks at most.
            if scans.len() == 1 && luma_blocks + 2 * chroma_blocks > 60 {
                continue;
            }
            let [luma_part, blue, red] = &parts;
            let bytes = jpeg([luma, chroma, chroma], [luma_part, blue, red], scans);
            let image = picture::decode(&bytes, up_to(1 << 20)).unwrap().into_rgb8();
            assert_eq!(image.dimensions(), (24 * most.0 as u32, 16 * most.1 as u32));
            for (row, column) in (0..2 * most.1).flat_map(|row| (0..3 * most.0).map(move |column| (row, column))) {
                let of = |values: &[u8], (h, v): (usize, usize)| values[row * v / most.1 * 3 * h + column * h / most.0];
                let expected = rgb(of(luma_part, luma), of(blue, chroma), of(red, chroma));
                // Blocks of half the resolution are mixed with their neighbours but in their middle.
                if [luma, chroma].iter().all(|(h, v)| most.0 != 2 * h && most.1 != 2 * v) {
                    assert_pixel(&image, (column as u32 * 8 + 4, row as u32 * 8 + 4), expected);
                }
            }
        }
    }
}

#[test]
fn factors_that_no_decoder_reads_are_refused_by_name() {
    let values: [&[u8]; 3] = [&[128; 24], &[128; 12], &[128; 12]];
    let factors = [(4, 1), (2, 1), (2, 1)];
    let error = picture::decode(&jpeg(factors, values, &[&[0], &[1], &[2]]), up_to(1 << 20)).unwrap_err();
    assert!(error.contains("4x1, 2x1, 2x1") && error.contains("JPEG or PNG"), "{error}");
    assert!(picture::decode(&jpeg(factors, values, &[&[0, 1, 2]]), up_to(1 << 20)).is_ok());
}

/// What `cjpeg` writes for the scan script `0; 1; 2;`.
#[test]
fn one_scan_a_component_at_half_the_resolution_is_read() {
    let luma: [u8; 24] = std::array::from_fn(|i| (40 + 7 * i) as u8);
    let chroma = [std::array::from_fn(|i| (90 + 12 * i) as u8), std::array::from_fn(|i| (160 - 11 * i) as u8)];
    let scans = blocks(&luma, &chroma, false);
    let read = Jpeg::read(&scans).unwrap();
    assert_eq!(read.decoder(), Ok(Decoder::Other), "{read:?}");
    let usual = blocks(&luma, &chroma, true);
    assert_eq!(Jpeg::read(&usual).unwrap().decoder(), Ok(Decoder::Usual));
    let decode = |bytes: &[u8]| picture::decode(bytes, up_to(1 << 20)).unwrap().into_rgb8();
    let (scans, usual) = (decode(&scans), decode(&usual));
    // The middle of a block of colour is far from its neighbours.
    for (block, (x, y)) in [(0, (8, 8)), (1, (24, 8)), (2, (40, 8)), (5, (40, 24))] {
        let (x, y) = (x - 1, y - 1);
        let expected = rgb(luma[(y as usize / 8) * 6 + x as usize / 8], chroma[0][block], chroma[1][block]);
        for image in [&scans, &usual] {
            assert_pixel(image, (x, y), expected);
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
