//! How many pictures there are of each class.

use crate::dataset::Part;

/// Up to so many classes are counted one by one.
const SHOWN: usize = 20;

/// `training pictures: 40 of cat, 38 of dog`
pub(super) fn counted(part: Part, classes: &[String], labels: &[u32]) -> String {
    let mut counts = vec![0usize; classes.len()];
    for &label in labels {
        if let Some(count) = counts.get_mut(label as usize) {
            *count += 1;
        }
    }
    let pictures = match part {
        Part::Train => "training pictures",
        Part::Test => "test pictures",
    };
    if classes.len() <= SHOWN {
        let each: Vec<String> =
            counts.iter().zip(classes).map(|(count, class)| format!("{count} of {class}")).collect();
        return format!("{pictures}: {}", each.join(", "));
    }
    let of = |found: Option<(&usize, &String)>| {
        found.map(|(count, class)| format!("{count} (of {class})")).unwrap_or_default()
    };
    let (least, most) = (counts.iter().zip(classes).min(), counts.iter().zip(classes).max());
    format!("{pictures}: {} to {} in each of {} classes", of(least), of(most), classes.len())
}
