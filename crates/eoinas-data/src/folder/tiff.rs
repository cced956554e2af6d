//! What the tags of a TIFF file claim.

/// Tags from here on (XMP, and those of programs) are of no use to the decoder, which leaves them unread.
const READ: u16 = 700;
/// The type of texts, which no tag has that the decoder reads.
const TEXT: u16 = 2;
/// Bytes that the decoder takes for a value, if only of one byte.
const VALUE: u64 = 32;

/// Whether the tags of the first picture take no more than `room` bytes each, once read.
///
/// # Errors
/// The first that does. A file whose tags cannot be read here cannot be read by the decoder either, which says why.
pub(super) fn check_tags(bytes: &[u8], room: u64) -> Result<(), String> {
    for (tag, kind, values) in tags(bytes).unwrap_or_default() {
        if tag < READ && kind != TEXT && values > room / VALUE {
            return Err(format!(
                "its tag {tag} has {values} values, more than the {} that are read; save it anew",
                room / VALUE
            ));
        }
    }
    Ok(())
}

/// Number, type and count of values of each tag. After `II` or `MM`, the order of bytes in a number, and 42 there is where the tags
/// are, and there how many; with 43 lengths and places have twice as many bytes.
fn tags(bytes: &[u8]) -> Option<Vec<(u16, u16, u64)>> {
    let little = bytes.starts_with(b"II");
    let number = |at: usize, len: usize| {
        let digits = bytes.get(at..at.checked_add(len)?)?;
        let add = |number: u64, digit: &u8| number << 8 | u64::from(*digit);
        Some(if little { digits.iter().rev().fold(0, add) } else { digits.iter().fold(0, add) })
    };
    let big = number(2, 2)? == 43;
    let (wide, of_count, of_tag) = if big { (8, 8, 20) } else { (4, 2, 12) };
    let first = usize::try_from(number(if big { 8 } else { 4 }, wide)?).ok()?;
    let count = number(first, of_count)?;
    let begin = first.checked_add(of_count)?;
    let all = bytes.get(begin..)?.chunks_exact(of_tag).take(usize::try_from(count).ok()?).zip(0..);
    all.map(|(_, index): (_, usize)| {
        let at = begin + index * of_tag;
        Some((number(at, 2)? as u16, number(at + 2, 2)? as u16, number(at + 4, wide)?))
    })
    .collect()
}
