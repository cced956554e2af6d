//! Whether a JPEG file is whole.

/// Whether the image in `bytes` has its end. Decoders fill up what a broken transfer left out with grey, without an
/// error; whatever follows the end does not matter.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut at = 2;
    loop {
        let Some(marker) = next_marker(bytes, &mut at) else { return false };
        match marker {
            END => return true,
            // Markers without content.
            0x01 | 0xd0..=0xd8 => {}
            _ => {
                let Some(&[high, low]) = bytes.get(at..).and_then(<[u8]>::first_chunk::<2>) else { return false };
                at += usize::from(high) << 8 | usize::from(low);
            }
        }
    }
}

const END: u8 = 0xd9;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cut_is_seen_and_no_whole_file_is_refused() {
        let image = image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([(x * 6) as u8, (y * 8) as u8, (x * y) as u8]));
        let mut bytes = Vec::new();
        image.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Jpeg).unwrap();
        assert!(is_whole(&bytes));
        assert!((0..bytes.len()).all(|cut| !is_whole(&bytes[..cut])));
        bytes.extend([0xff, 0xda, 1, 2, 3]);
        assert!(is_whole(&bytes), "what follows the end does not matter");
    }
}
