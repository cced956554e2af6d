//! What the literals of a genotype text hold.

/// A value and the byte offset at which it starts.
#[derive(Debug)]
pub(super) struct Value {
    pub offset: usize,
    pub kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    /// `None`, `null`.
    None,
    /// `True`, `true`, `False`, `false`.
    Bool(bool),
    /// A whole number.
    Int(u64),
    /// Any other number.
    Float,
    /// A string.
    Text(String),
    /// A list, a tuple or a range.
    List(Vec<Value>),
    /// A dictionary, or a call with keyword arguments.
    Fields(Vec<Field>),
}

/// One entry of a dictionary.
#[derive(Debug)]
pub(super) struct Field {
    pub name: String,
    pub value: Value,
}

impl Kind {
    /// The kind of value, in words.
    pub fn describe(&self) -> String {
        match self {
            Self::None => "None".to_owned(),
            Self::Bool(_) => "a truth value".to_owned(),
            Self::Int(number) => number.to_string(),
            Self::Float => "a number that is not whole or is negative".to_owned(),
            Self::Text(text) => format!("the text `{}`", cut(text)),
            Self::List(items) => format!("a list of {}", items.len()),
            Self::Fields(_) => "a dictionary".to_owned(),
        }
    }
}

/// The first 64 characters; those that nobody would see by their numbers.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(64).map(shown).collect()
}

/// A character as an error shows it.
pub(super) fn shown(c: char) -> String {
    if is_invisible(c) || c.is_control() { c.escape_unicode().to_string() } else { c.to_string() }
}

/// Whether a character has no width and no meaning: what copying from web pages and PDF files leaves between others.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}'
            | '\u{feff}'
    )
}
