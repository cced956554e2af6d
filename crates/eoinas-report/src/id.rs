//! Names of files, folders and anchors. They are made from what a record says and never taken as they are: a record may
//! come from anywhere.

use std::{
    collections::BTreeSet,
    fmt::{self, Display},
};

/// Letters, digits and hyphens: safe in a file name, an attribute and an address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(String);

impl Id {
    /// Letters are kept up to this; file systems end names somewhere above.
    const LONGEST: usize = 100;

    /// The name that `text` gives: ASCII letters in lower case and digits, with one hyphen for whatever is between them.
    ///
    /// ```
    /// use eoinas_report::Id;
    /// assert_eq!(Id::of("cell-../Down <1>").as_str(), "cell-down-1");
    /// ```
    pub fn of(text: &str) -> Self {
        let word = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let text: String = text.chars().map(word).collect();
        let mut id = text.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-");
        id.truncate(Self::LONGEST);
        if id.is_empty() { Self::default() } else { Self(id) }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Id {
    fn default() -> Self {
        Self("unnamed".to_owned())
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The names that are taken in one folder or page.
#[derive(Debug, Default)]
pub(crate) struct Ids(BTreeSet<String>);

impl Ids {
    /// With these taken already.
    pub fn reserving<'a>(taken: impl IntoIterator<Item = &'a str>) -> Self {
        Self(taken.into_iter().map(str::to_owned).collect())
    }

    /// The name itself, or where it is taken, the first free one of `name-2`, `name-3`, ...
    pub fn take(&mut self, id: &Id) -> Id {
        let numbered = |number: usize| if number == 1 { id.0.clone() } else { format!("{id}-{number}") };
        let mut number = 1;
        while !self.0.insert(numbered(number)) {
            number += 1;
        }
        Id(numbered(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_the_text_is_the_name_is_plain_and_its_own() {
        let mut ids = Ids::reserving(["report"]);
        let texts =
            ["a b", "a-b", "A_B", "a-b-2", "report", "", "\u{65e5}", "../../victim", "\"><script>", &"x".repeat(999)];
        let names: Vec<String> = texts.iter().map(|text| ids.take(&Id::of(text)).to_string()).collect();
        assert_eq!(names[..5], ["a-b", "a-b-2", "a-b-3", "a-b-2-2", "report-2"]);
        assert_eq!(names[5..9], ["unnamed", "unnamed-2", "victim", "script"]);
        assert_eq!(names[9].len(), 100);
    }
}
