//! From the bytes of a file to its text.

use std::borrow::Cow;

use super::MAX_BYTES;
use crate::error::CoreError;

/// Longer than any genotype; nothing of it was read.
pub(super) fn too_large(bytes: usize) -> CoreError {
    let problem = format!(
        "the genotype text has {bytes} bytes, more than the {MAX_BYTES} bytes that are read of one; give the genotype alone, or \
         check that it is the right file"
    );
    CoreError::genotype(None, problem)
}

/// The byte `offset` fits neither encoding.
fn no_text(offset: usize) -> CoreError {
    let problem = format!(
        "the file is no text: byte {offset} is neither of UTF-8 nor of UTF-16 with a byte order mark; is it the right file?"
    );
    CoreError::genotype(None, problem)
}

/// The text in `bytes`: UTF-8, or UTF-16 with a byte order mark.
pub(super) fn text(bytes: &[u8]) -> Result<Cow<'_, str>, CoreError> {
    // UTF-16 has at most two bytes for one of UTF-8.
    if bytes.len() > 2 * MAX_BYTES {
        return Err(too_large(bytes.len()));
    }
    let wide = match bytes {
        [0xff, 0xfe, rest @ ..] => Some((rest, u16::from_le_bytes as fn([u8; 2]) -> u16)),
        [0xfe, 0xff, rest @ ..] => Some((rest, u16::from_be_bytes as _)),
        _ => None,
    };
    let Some((rest, unit)) = wide else {
        let text = std::str::from_utf8(bytes);
        return text.map(Cow::Borrowed).map_err(|error| no_text(error.valid_up_to()));
    };
    let (units, odd) = rest.as_chunks::<2>();
    let mut text = String::with_capacity(units.len());
    let mut offset = 2;
    for unit in char::decode_utf16(units.iter().map(|&pair| unit(pair))) {
        let c = unit.map_err(|_| no_text(offset))?;
        offset += 2 * c.len_utf16();
        text.push(c);
    }
    if odd.is_empty() { Ok(Cow::Owned(text)) } else { Err(no_text(offset)) }
}
