//! Names that are nearly those of DARTS's cells.

/// A question after the name of a cell that is nearly one of DARTS's.
pub(crate) fn meant(cell: &str) -> String {
    let near = |known: &&str| cell != *known && is_near(&cell.to_ascii_lowercase(), known);
    ["normal", "reduce"].into_iter().find(near).map_or_else(String::new, |known| format!(" (is `{known}` meant?)"))
}

/// Whether at most one letter is wrong, missing or too much, or two stand in the wrong order.
fn is_near(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let rest = |text: &[u8], skipped: usize| text.get(same + skipped..).map(<[u8]>::to_vec);
    let swapped = || match (a.get(same..same + 2), b.get(same..same + 2)) {
        (Some([x, y]), Some([z, w])) => x == w && y == z && rest(a, 2) == rest(b, 2),
        _ => false,
    };
    let plain = a.iter().all(u8::is_ascii_alphabetic);
    a == b
        || plain && [(1, 1), (1, 0), (0, 1)].iter().any(|&(x, y)| rest(a, x).is_some() && rest(a, x) == rest(b, y))
        || plain && swapped()
}
