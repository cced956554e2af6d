//! Command lines as one types them.

use std::ffi::OsStr;

/// A word of a command line, quoted where a shell would take it apart.
///
/// ```
/// use eoinas_core::event::shell_word;
/// assert_eq!(["runs/a", "it's mine", ""].map(shell_word), ["runs/a", r"'it'\''s mine'", "''"]);
/// ```
pub fn shell_word(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    let Some(word) = word.to_str() else { return bytes(word) };
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A word that is no Unicode, as most shells take it.
fn bytes(word: &OsStr) -> String {
    let byte = |&byte: &u8| match byte {
        b'\'' | b'\\' => format!("\\{}", char::from(byte)),
        b' '..=b'~' => char::from(byte).to_string(),
        byte => format!("\\x{byte:02x}"),
    };
    format!("$'{}'", word.as_encoded_bytes().iter().map(byte).collect::<String>())
}
