//! What a file is that is none of the pictures that are read, by its first bytes or its ending.

/// What these are the first bytes of.
pub(super) fn by_content(bytes: &[u8]) -> Option<&'static str> {
    let start = bytes.get(..bytes.len().min(256)).unwrap_or_default();
    let has = |at: usize, what: &[u8]| start.get(at..).is_some_and(|rest| rest.starts_with(what));
    let text = String::from_utf8_lossy(start).trim_start_matches('\u{feff}').trim_start().to_lowercase();
    if bytes.is_empty() {
        return Some("an empty file");
    }
    if has(4, b"ftyp") {
        // The brands of a file of boxes: a main one, a version, and others that it goes with.
        let brands: Vec<&[u8]> = start.get(8..).unwrap_or_default().chunks_exact(4).collect();
        let any = |names: &[&[u8]]| brands.iter().any(|brand| names.contains(brand));
        return if any(&[b"avif", b"avis"]) {
            Some("an AVIF picture")
        } else if any(&[b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"]) {
            Some("a HEIC picture")
        } else {
            Some("a film")
        };
    }
    if has(0, b"\xff\x0a") || has(4, b"JXL ") {
        return Some("a JPEG XL picture");
    }
    if text.starts_with("<!doctype html") || text.starts_with("<html") {
        return Some("a web page, as downloads leave that went wrong");
    }
    (text.contains("<svg")).then_some("an SVG drawing")
}

/// The name of a kind of pictures that are not read, by the ending of its files.
pub(super) fn by_ending(ending: &str) -> Option<&'static str> {
    Some(match ending {
        "avif" | "avifs" => "AVIF",
        "heic" | "heics" | "heif" | "hif" => "HEIC",
        "jxl" => "JPEG XL",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_for_what_they_are() {
        for (bytes, expected) in [
            (&b""[..], Some("an empty file")),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Some("a HEIC picture")),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Some("an AVIF picture")),
            (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1", Some("a film")),
            (b"\0\0\0\x0cJXL \x0d\x0a\x87\x0a", Some("a JPEG XL picture")),
            (b"\xff\x0a\x00", Some("a JPEG XL picture")),
            (b"\n <!DOCTYPE html><title>404", Some("a web page, as downloads leave that went wrong")),
            (b"<?xml version=\"1.0\"?><svg/>", Some("an SVG drawing")),
            (b"\x89PNG", None),
            (b"\0\0\0\x18fty", None),
        ] {
            assert_eq!(by_content(bytes), expected, "{bytes:?}");
        }
    }
}
