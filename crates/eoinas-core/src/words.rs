//! Counts in sentences.

use std::fmt::Display;

/// How many there are: `1 file`, `2 files`, `0 classes`.
///
/// ```
/// assert_eq!(eoinas_core::counted(1, "class", "classes"), "1 class");
/// assert_eq!(eoinas_core::counted(2, "class", "classes"), "2 classes");
/// ```
pub fn counted(count: impl Display + TryInto<u64>, one: &str, many: &str) -> String {
    let text = count.to_string();
    let word = if count.try_into().is_ok_and(|count: u64| count == 1) { one } else { many };
    format!("{text} {word}")
}
