//! What the frames of a WebP file claim, and its EXIF data.

/// Width and height of each frame of the lossy kind, which the decoder takes memory for before it compares them with those of
/// the file.
pub(super) fn frames(bytes: &[u8]) -> impl Iterator<Item = (u32, u32)> {
    // Name and length of a chunk (8 bytes), three of the frame's kind, three that begin a key frame; 14 bits each.
    let chunk = |chunk: &[u8]| match chunk {
        [b'V', b'P', b'8', b' ', _, _, _, _, _, _, _, 0x9d, 0x01, 0x2a, w, wide, h, high] => {
            let side = |low: &u8, high: &u8| u32::from(u16::from_le_bytes([*low, *high]) & 0x3fff);
            Some((side(w, wide), side(h, high)))
        }
        _ => None,
    };
    bytes.windows(18).filter_map(chunk)
}

/// The EXIF data of a file, for which the decoder takes as much memory as they claim to need.
pub(super) fn exif(bytes: &[u8]) -> Result<Option<&[u8]>, String> {
    // `RIFF`, the length and `WEBP`; then chunks: a name, a length and as many bytes, made even. Files with more than pixels begin
    // with `VP8X`.
    let mut rest = bytes.get(12..).filter(|rest| rest.starts_with(b"VP8X")).unwrap_or_default();
    while let Some((&[a, b, c, d, length @ ..], content)) = rest.split_first_chunk::<8>() {
        let length = u32::from_le_bytes(length) as usize;
        if [a, b, c, d] == *b"EXIF" {
            return content.get(..length).map(Some).ok_or_else(|| "the file ends within its EXIF data".to_owned());
        }
        rest = content.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    Ok(None)
}
