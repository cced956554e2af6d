//! Where in a text the genotype is: it fills the text, or is the only one in it, as in a line of a log.

use super::position::Position;
use super::resolve::OpResolver;
use super::value::{Kind, Value, is_invisible};
use super::{Genotype, bench201, literal, read};
use crate::error::CoreError;

/// What is read, for a text that is none of it.
const FORMS: &str = "; read are `Genotype(normal=[('sep_conv_3x3', 0), ...], normal_concat=[...], reduce=...)`, the same as a \
                     dictionary or JSON, NAS-Bench-201's `|nor_conv_3x3~0|+...|`, NNI's \
                     dictionaries of the DARTS space, and the JSON that this program writes";

/// Without one of these a text is in none of the forms.
const MARKS: [&str; 5] = ["_concat", "eoinas-genotype", "~0|", "/op_", "_switch"];

/// What genotypes are printed as.
const CALLS: [&str; 2] = ["Genotype(", "Structure("];

/// Reads the genotype; an error of a text that is in no known form says which ones there are.
pub(super) fn read(text: &str, ops: &impl OpResolver) -> Result<Genotype, CoreError> {
    read_any(text, ops).map_err(|error| match error {
        CoreError::Genotype { at, problem } if !MARKS.iter().any(|mark| text.contains(mark)) => {
            CoreError::genotype(at, problem + FORMS)
        }
        known => known,
    })
}

fn read_any(text: &str, ops: &impl OpResolver) -> Result<Genotype, CoreError> {
    let start = text.len() - text.trim_start_matches(|c: char| c.is_whitespace() || is_invisible(c)).len();
    if text.get(start..).is_some_and(|rest| rest.starts_with('|')) {
        return bench201::parse(text, start..text.len(), ops);
    }
    let found = calls(text);
    // NAS-Bench-201's class prints itself as `Structure(4 nodes with |...|+|...|)`.
    if let [only] = found.as_slice()
        && let Some(string) = structure(text, *only)
    {
        return bench201::parse(text, string, ops);
    }
    let whole = literal::parse(text, start);
    let value = match (whole, found.as_slice()) {
        (Ok(value), _) => value,
        (Err(_), [only]) => literal::parse_line(text, *only)?,
        (Err(_), [_, second, ..]) => {
            let count = found.len();
            let problem =
                format!("the text has {count} genotypes, of which this is the second; leave the one that is meant");
            return Err(CoreError::genotype(Position::of(text, *second), problem));
        }
        (Err(error), []) => return Err(error),
    };
    match quoted(text, &value) {
        Some(string) => bench201::parse(text, string, ops),
        None => read::genotype(text, value, ops),
    }
}

/// The places at which one of [`CALLS`] begins a word, in their order.
fn calls(text: &str) -> Vec<usize> {
    let begins = |at: &usize| {
        let before = text.get(..*at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
    };
    let mut places: Vec<usize> =
        CALLS.iter().flat_map(|call| text.match_indices(call)).map(|(at, _)| at).filter(begins).collect();
    places.sort_unstable();
    places
}

/// The string of NAS-Bench-201 in the `Structure(...)` at `at`.
fn structure(text: &str, at: usize) -> Option<std::ops::Range<usize>> {
    let call = text.get(at..)?;
    let end = call.find(')')?;
    let inside = call.strip_prefix("Structure(")?.get(..end - "Structure(".len())?;
    let bar = inside.find('|')?;
    Some(at + "Structure(".len() + bar..at + end)
}

/// The string of NAS-Bench-201 that a value is in quotes.
fn quoted(text: &str, value: &Value) -> Option<std::ops::Range<usize>> {
    let Kind::Text(string) = &value.kind else { return None };
    let start = value.offset + 1;
    let range = start..start + string.len();
    // Escapes and other prefixes are no part of that form.
    (string.starts_with('|') && text.get(range.clone()) == Some(string)).then_some(range)
}
