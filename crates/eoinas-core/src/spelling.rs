//! Names as people type them.

/// A name without what its spelling leaves open: case, hyphens, underscores, blanks.
pub(crate) fn plain(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The known name that was probably meant: the one with the fewest letters that are wrong, missing, too much or swapped,
/// where those are less than a third of the name; of several the first.
///
/// ```
/// use eoinas_core::nearest_name;
/// assert_eq!(nearest_name("resnet101", ["resnet-20", "resnet-110"]), Some("resnet-110"));
/// assert_eq!(nearest_name("vgg", ["resnet-20", "resnet-110"]), None);
/// ```
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name is this long, and the distance takes as many steps as the product of both lengths.
    let name: Vec<char> = plain(name).chars().take(64).collect();
    let distances = known.into_iter().map(|known| (distance(&name, &plain(known)), known));
    let (distance, known) = distances.min_by_key(|&(distance, _)| distance)?;
    (3 * distance < name.len()).then_some(known)
}

/// Letters that are wrong, missing or too much, and neighbours in the wrong order: the distance of optimal string alignment, row
/// by row of its table.
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
    let (mut before, mut above): (Vec<usize>, Vec<usize>) = (Vec::new(), (0..=b.len()).collect());
    for (line, x) in a.iter().enumerate() {
        let mut row = vec![line + 1];
        for (column, y) in b.iter().enumerate() {
            let mut least = at(&above, column) + usize::from(x != y);
            least = least.min(at(&above, column + 1) + 1).min(at(&row, column) + 1);
            if let (Some(up), Some(left)) = (line.checked_sub(1), column.checked_sub(1)) {
                let swapped = a.get(up) == Some(y) && b.get(left) == Some(x);
                least = if swapped { least.min(at(&before, left) + 1) } else { least };
            }
            row.push(least);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_letters_and_swaps() {
        for (a, b, expected) in [
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("abc", "abc", 0),
            ("ab", "ba", 1),
            ("ca", "abc", 3),
            ("a", "", 1),
        ] {
            let a: Vec<char> = a.chars().collect();
            assert_eq!(distance(&a, b), expected, "{a:?} {b}");
        }
    }

    #[test]
    fn case_and_hyphens_are_no_mistakes() {
        assert_eq!(nearest_name("Res_Net 20", ["resnet-20"]), Some("resnet-20"));
        assert_eq!(nearest_name("", ["resnet-20"]), None);
        assert_eq!(nearest_name("x", []), None);
    }
}
