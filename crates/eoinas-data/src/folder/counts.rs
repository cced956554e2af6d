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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_classes_are_told_by_the_least_and_the_most() {
        let classes: Vec<String> = (0..30).map(|class| format!("c{class}")).collect();
        let labels: Vec<u32> = (0..30).chain([7, 7, 8]).filter(|label| *label != 4).collect();
        let told = counted(Part::Test, &classes, &labels);
        assert_eq!(told, "test pictures: 0 (of c4) to 3 (of c7) in each of 30 classes");
        assert_eq!(counted(Part::Train, &classes[..2], &[1, 0, 1]), "training pictures: 1 of c0, 2 of c1");
    }
}
