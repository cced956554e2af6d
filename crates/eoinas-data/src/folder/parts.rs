//! The names of parts of a set: of folders, and in tables.

/// The training part's.
const TRAIN: [&str; 2] = ["train", "training"];
/// The test part's: where there are several, the first of them is it.
const TEST: [&str; 8] = ["test", "val", "valid", "testing", "validation", "dev", "eval", "evaluation"];

/// Which of the names is that of the training part.
pub(super) fn train(names: &[String]) -> Option<&str> {
    find(names, &TRAIN)
}

/// Which of the names is that of the test part.
pub(super) fn test(names: &[String]) -> Option<&str> {
    find(names, &TEST)
}

/// Whether a part, in any case, has this name and hardly a class.
pub(super) fn is_part(name: &str) -> bool {
    let name = name.to_lowercase();
    TRAIN.iter().chain(&TEST).any(|part| *part == name)
}

/// A name in small letters goes before others: where there is one, no other was ever looked for.
fn find<'a>(names: &'a [String], parts: &[&str]) -> Option<&'a str> {
    let exact = parts.iter().find_map(|part| names.iter().find(|name| name == part));
    let any = || parts.iter().find_map(|part| names.iter().find(|name| name.to_lowercase() == *part));
    exact.or_else(any).map(String::as_str)
}
