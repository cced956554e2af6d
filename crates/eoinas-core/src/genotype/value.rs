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

/// The first 64 characters.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}
