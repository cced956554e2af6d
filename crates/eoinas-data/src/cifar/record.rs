//! The records of a CIFAR file.

use super::official::Layout;
use crate::error::{DataError, Result, label_out_of_range};
use std::path::Path;

/// Rows and columns of an image.
pub(super) const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
/// Bytes of the pixels of an image.
pub(super) const PIXELS: usize = 3 * PLANE;

/// Appends the labels and the pixels (turned to channels last) of all records in `bytes`.
pub(super) fn parse(
    layout: &Layout,
    path: &Path,
    bytes: &[u8],
    labels: &mut Vec<u32>,
    pixels: &mut Vec<u8>,
) -> Result<()> {
    let size = layout.label_bytes + PIXELS;
    if bytes.is_empty() {
        let (reason, hint) =
            ("the file is empty".into(), format!("put the file of the set there, which has records of {size} bytes"));
        return Err(DataError::NotFound { path: path.into(), what: "images", reason, hint });
    }
    let records = bytes.chunks_exact(size);
    let rest = records.remainder().len();
    if rest > 0 {
        return Err(DataError::Damaged {
            path: path.into(),
            offset: (bytes.len() - rest) as u64,
            problem: format!("truncated: the record has {rest} of {size} bytes"),
            format: layout.what,
        });
    }
    pixels.reserve(records.len() * PIXELS);
    for (record, data) in records.enumerate() {
        let (head, image) = data.split_at(layout.label_bytes);
        // The fine label, the last of the head, is the class.
        let label = head.last().copied().map_or(0, u32::from);
        if label as usize >= layout.classes {
            return Err(DataError::Damaged {
                path: path.into(),
                offset: (record * size + layout.label_bytes - 1) as u64,
                problem: label_out_of_range(label, record, layout.classes),
                format: layout.what,
            });
        }
        labels.push(label);
        let (red, rest) = image.split_at(PLANE);
        let (green, blue) = rest.split_at(PLANE);
        pixels.extend(red.iter().zip(green).zip(blue).flat_map(|((&r, &g), &b)| [r, g, b]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::official::{CIFAR10, CIFAR100};
    use super::*;
    use proptest::prelude::*;

    fn read(layout: &Layout, bytes: &[u8]) -> Result<(Vec<u32>, Vec<u8>)> {
        let (mut labels, mut pixels) = (vec![], vec![]);
        parse(layout, Path::new("f.bin"), bytes, &mut labels, &mut pixels).map(|()| (labels, pixels))
    }

    #[test]
    fn planes_become_channels_last() {
        let mut bytes = vec![7];
        bytes.extend((0..PIXELS).map(|i| (i / PLANE * 100 + i % PLANE % 50) as u8));
        let (labels, pixels) = read(&CIFAR10, &bytes).unwrap();
        assert_eq!(labels, [7]);
        assert_eq!(pixels[..6], [0, 100, 200, 1, 101, 201]);
        assert_eq!(pixels.len(), PIXELS);
    }

    #[test]
    fn cifar100_takes_the_fine_label() {
        let mut bytes = vec![19, 99];
        bytes.resize(2 + PIXELS, 0);
        assert_eq!(read(&CIFAR100, &bytes).unwrap().0, [99]);
    }

    #[test]
    fn damage_is_named_with_its_place() {
        assert!(matches!(read(&CIFAR10, &[]), Err(DataError::NotFound { .. })));
        let cut = read(&CIFAR10, &vec![0; 3073 + 3000]);
        assert!(matches!(
            cut,
            Err(DataError::Damaged { offset: 3073, problem, .. }) if problem.contains("3000 of 3073 bytes")
        ));
        let mut bad = vec![0; 2 * 3073];
        bad[3073] = 10;
        let error = read(&CIFAR10, &bad).unwrap_err();
        assert!(
            matches!(&error, DataError::Damaged { offset: 3073, problem, .. } if problem.contains("label 10 (record 1)"))
        );
        assert!(error.to_string().contains("classes are 0 to 9"), "{error}");
        assert!(matches!(
            read(&CIFAR100, &[vec![0, 100], vec![0; PIXELS]].concat()),
            Err(DataError::Damaged { offset: 1, problem, .. }) if problem.contains("label 100 (record 0)")
        ));
    }

    proptest! {
        #[test]
        fn no_input_panics(
            seed in proptest::collection::vec(any::<u8>(), 0..64), length in 0usize..10_000, hundred in any::<bool>(),
        ) {
            let bytes: Vec<u8> = seed.iter().copied().cycle().take(length).collect();
            if let Ok((labels, pixels)) = read(if hundred { &CIFAR100 } else { &CIFAR10 }, &bytes) {
                prop_assert_eq!(labels.len() * PIXELS, pixels.len());
            }
        }
    }
}
