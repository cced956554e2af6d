//! What the frames of a WebP file claim.

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
