//! Which images train the weights and which judge the architecture.

use crate::dataset::Dataset;
use crate::dice;
use crate::error::{DataError, Result};
use eoinas_core::{SeedStream, Setting, Streams, Target, TargetKind};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the training part is halved for a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitKind {
    /// Each class's samples are shuffled by the seed and halved; of other targets all are.
    #[default]
    Balanced,
    /// The first half of the file order and the second half (the authors' code).
    FileOrder,
}

/// The two halves of a search, as indices into the training part, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Images that train the weights.
    pub train: Vec<usize>,
    /// Images that judge the architecture; they never train weights.
    pub valid: Vec<usize>,
}

impl Split {
    /// Halves `data`, or `train_images` of it: a choice by the seed, balanced over the classes where there are classes.
    ///
    /// # Errors
    /// [`DataError::TooFew`] when there are fewer than `train_images`, or fewer than two.
    pub fn new(data: &dyn Dataset, kind: SplitKind, train_images: Option<usize>, streams: &Streams) -> Result<Self> {
        let labels = strata(data)?;
        let chosen = match train_images {
            Some(count) => balanced_subset(&labels, count, streams)?,
            None => (0..labels.len()).collect(),
        };
        if chosen.len() < 2 {
            let hint = "a search needs at least two images, one for each half";
            return Err(DataError::TooFew { wanted: 2, available: chosen.len(), hint });
        }
        Ok(match kind {
            SplitKind::FileOrder => {
                let (train, valid) = chosen.split_at(chosen.len() / 2);
                Self { train: train.to_vec(), valid: valid.to_vec() }
            }
            SplitKind::Balanced => Self::balanced(&chosen, &labels, streams),
        })
    }

    /// Deals each class's shuffled images out in turn; the turn runs on from class to class, so that classes of odd
    /// sizes leave the halves equal to within one image.
    fn balanced(chosen: &[usize], labels: &[u32], streams: &Streams) -> Self {
        let mut split = Self { train: Vec::new(), valid: Vec::new() };
        for index in by_class(chosen.iter().copied(), labels, streams, 0).into_iter().flatten() {
            if split.train.len() <= split.valid.len() { &mut split.train } else { &mut split.valid }.push(index);
        }
        split.train.sort_unstable();
        split.valid.sort_unstable();
        split
    }
}

/// Takes a share of `indices` out of training, to be evaluated on: by the seed, balanced over `labels` ([`strata`]), `share`
/// (0 to 1) of them to within one image. [`Split::valid`] are those.
///
/// # Errors
/// [`DataError::TooFew`] when either part would be empty.
pub fn hold_out(labels: &[u32], indices: &[usize], share: f64, streams: &Streams) -> Result<Split> {
    let mut split = Split { train: Vec::new(), valid: Vec::new() };
    let classes = by_class(indices.iter().copied(), labels, streams, 2);
    for (place, index) in classes.into_iter().flatten().enumerate() {
        // The share of all images so far, classes that are done included: small classes do not add up to another one.
        let due = ((place + 1) as f64 * share).floor();
        if due > split.valid.len() as f64 { &mut split.valid } else { &mut split.train }.push(index);
    }
    if split.train.is_empty() || split.valid.is_empty() {
        let hint = "one part would be empty: hold out another share, or use more training images";
        return Err(DataError::TooFew { wanted: 2, available: indices.len(), hint });
    }
    split.train.sort_unstable();
    split.valid.sort_unstable();
    Ok(split)
}

/// One of `folds` splits in which each of `indices` is in [`Split::valid`] once: fold number `fold`, from 0. Each class's images
/// ([`strata`]), shuffled by the seed, are dealt out in turn, and the turn runs on from class to class: folds differ by one image
/// at most, of each class and in all.
///
/// # Errors
/// [`DataError::TooFew`] when there are fewer images than folds; a number of folds below 2, or a fold that is none of them.
pub fn fold(labels: &[u32], indices: &[usize], fold: usize, folds: usize, streams: &Streams) -> Result<Split> {
    Setting::check(folds >= 2, "folds", folds, "at least 2")?;
    Setting::check(fold < folds, "fold", fold, format!("0 to {}", folds - 1))?;
    if folds > indices.len() {
        let hint = "choose fewer folds: each needs an image to test on";
        return Err(DataError::TooFew { wanted: folds, available: indices.len(), hint });
    }
    let mut split = Split { train: Vec::new(), valid: Vec::new() };
    let classes = by_class(indices.iter().copied(), labels, streams, 3);
    for (place, index) in classes.into_iter().flatten().enumerate() {
        if place % folds == fold { &mut split.valid } else { &mut split.train }.push(index);
    }
    split.train.sort_unstable();
    split.valid.sort_unstable();
    Ok(split)
}

/// What splits of `data` are balanced over: the class of every sample; 0 for all where there are no classes, so that a split
/// is a plain choice by the seed.
///
/// # Errors
/// Those of [`Dataset::target`].
pub fn strata(data: &dyn Dataset) -> Result<Vec<u32>> {
    let of = |index| match data.target(index)? {
        Target::Class(class) => Ok(class),
        _ => Ok(0),
    };
    match data.info().target.kind() {
        TargetKind::Classes => (0..data.len()).map(of).collect(),
        _ => Ok(vec![0; data.len()]),
    }
}

/// `count` indices, ascending, as many of each class as can be had: classes that run out leave their share to the
/// others.
///
/// # Errors
/// [`DataError::TooFew`] when there are fewer than `count`.
pub fn balanced_subset(labels: &[u32], count: usize, streams: &Streams) -> Result<Vec<usize>> {
    if count > labels.len() {
        let hint = "choose at most that many (`train_images`, `test_images`), or use more images";
        return Err(DataError::TooFew { wanted: count, available: labels.len(), hint });
    }
    let classes = by_class(0..labels.len(), labels, streams, 1);
    let longest = classes.iter().map(Vec::len).max().unwrap_or(0);
    let rounds = (0..longest).flat_map(|round| classes.iter().filter_map(move |class| class.get(round)));
    let mut chosen: Vec<usize> = rounds.copied().take(count).collect();
    chosen.sort_unstable();
    Ok(chosen)
}

/// The indices of each class, shuffled.
fn by_class(indices: impl Iterator<Item = usize>, labels: &[u32], streams: &Streams, draw: u64) -> Vec<Vec<usize>> {
    let mut classes: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for index in indices {
        if let Some(&label) = labels.get(index) {
            classes.entry(label).or_default().push(index);
        }
    }
    let mut rng = streams.rng(SeedStream::Split, 0, draw);
    classes
        .into_values()
        .map(|mut class| {
            dice::shuffle(&mut rng, &mut class);
            class
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DatasetInfo, InMemory, ValueKind};
    use eoinas_core::{NumberInfo, TargetInfo, Targets};

    fn data(labels: Vec<u32>) -> InMemory {
        let info = DatasetInfo {
            name: "t".into(),
            target: TargetInfo::Classes((0..10).map(|c| c.to_string()).collect()),
            values: ValueKind::Bytes,
            channels: 1,
            height: 1,
            width: 1,
            mean: vec![0.0],
            std: vec![1.0],
            flip: true,
            notes: vec![],
        };
        let pixels = vec![0u8; labels.len()];
        InMemory::new(info, labels, pixels).unwrap()
    }

    fn class_counts(indices: &[usize], labels: &[u32]) -> Vec<usize> {
        (0..10).map(|class| indices.iter().filter(|&&i| labels[i] == class).count()).collect()
    }

    #[test]
    fn balanced_halves_are_disjoint_complete_and_balanced() {
        let labels: Vec<u32> = (0..1003).map(|i| i * i % 7).collect();
        let split = Split::new(&data(labels.clone()), SplitKind::Balanced, None, &Streams::new(3)).unwrap();
        assert_eq!(split.train.len(), 502);
        let mut all = [split.train.clone(), split.valid.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..1003).collect::<Vec<_>>());
        for (a, b) in class_counts(&split.train, &labels).into_iter().zip(class_counts(&split.valid, &labels)) {
            assert!(a.abs_diff(b) <= 1, "{a} {b}");
        }
        let other = Split::new(&data(labels), SplitKind::Balanced, None, &Streams::new(4)).unwrap();
        assert_ne!(split, other);
    }

    #[test]
    fn file_order_is_the_first_and_the_second_half() {
        let split = Split::new(&data(vec![0; 5]), SplitKind::FileOrder, None, &Streams::new(0)).unwrap();
        assert_eq!(split, Split { train: vec![0, 1], valid: vec![2, 3, 4] });
    }

    #[test]
    fn subset_is_balanced_and_fills_up_from_larger_classes() {
        let mut labels = vec![0; 50];
        labels.extend([1; 3]);
        labels.extend([2; 50]);
        let chosen = balanced_subset(&labels, 33, &Streams::new(1)).unwrap();
        assert_eq!(class_counts(&chosen, &labels)[..3], [15, 3, 15]);
        assert!(chosen.is_sorted());
        assert_eq!(balanced_subset(&labels, 103, &Streams::new(1)).unwrap().len(), 103);
        assert!(matches!(
            balanced_subset(&labels, 104, &Streams::new(1)),
            Err(DataError::TooFew { wanted: 104, available: 103, .. })
        ));
    }

    #[test]
    fn a_share_is_held_out_of_every_class() {
        let labels: Vec<u32> = (0..1003).map(|i| i * i % 7).collect();
        let indices: Vec<usize> = (0..1000).collect();
        let held = |share, seed| hold_out(&labels, &indices, share, &Streams::new(seed)).unwrap();
        let split = held(0.1, 3);
        assert_eq!(split.valid.len(), 100);
        let mut all = [split.train.clone(), split.valid.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, indices);
        for (held, all) in class_counts(&split.valid, &labels).into_iter().zip(class_counts(&indices, &labels)) {
            assert!((held as f64 - 0.1 * all as f64).abs() <= 1.0, "{held} of {all}");
        }
        assert_eq!(split, held(0.1, 3));
        assert_ne!(split, held(0.1, 4));
        // Neither the halves of a search nor the choice of a subset go by the same draws.
        assert_ne!(
            held(0.5, 3).train,
            Split::new(&data(labels.clone()), SplitKind::Balanced, Some(1000), &Streams::new(3)).unwrap().train
        );
        let error = hold_out(&labels, &[1, 2, 3], 0.1, &Streams::new(0)).unwrap_err();
        assert!(matches!(error, DataError::TooFew { available: 3, .. }), "{error}");
    }

    #[test]
    fn every_image_is_in_one_fold_and_classes_are_even() {
        let labels: Vec<u32> = (0..203).map(|i| i * i % 7).collect();
        let indices: Vec<usize> = (0..200).collect();
        let folds: Vec<Split> = (0..5).map(|n| fold(&labels, &indices, n, 5, &Streams::new(3)).unwrap()).collect();
        let mut tested: Vec<usize> = folds.iter().flat_map(|split| split.valid.clone()).collect();
        tested.sort_unstable();
        assert_eq!(tested, indices);
        for split in &folds {
            assert_eq!((split.valid.len(), split.train.len()), (40, 160));
            assert!(split.valid.iter().all(|index| !split.train.contains(index)));
            for (held, all) in class_counts(&split.valid, &labels).into_iter().zip(class_counts(&indices, &labels)) {
                assert!((held as f64 - all as f64 / 5.0).abs() < 1.0, "{held} of {all}");
            }
        }
        assert_ne!(folds[0], fold(&labels, &indices, 0, 5, &Streams::new(4)).unwrap());
        let wrong = |n, of| fold(&labels, &[1, 2, 3], n, of, &Streams::new(0)).unwrap_err().to_string();
        assert!(wrong(0, 1).contains("folds is 1") && wrong(5, 5).contains("fold is 5"));
        assert!(wrong(0, 4).contains("fewer folds"), "{}", wrong(0, 4));
    }

    /// Numbers are halved as samples of one class are.
    #[test]
    fn numbers_are_split_by_the_seed_alone() {
        let number = NumberInfo { name: "x".into(), unit: String::new(), mean: 0.0, std: 1.0 };
        let info = DatasetInfo { target: TargetInfo::Numbers(vec![number]), ..data(vec![]).info().clone() };
        let targets = Targets::Numbers { width: 1, values: (0..101).map(|i| i as f32).collect() };
        let numbers = InMemory::new(info, targets, vec![0u8; 101]).unwrap();
        let split = |data: &dyn Dataset| Split::new(data, SplitKind::Balanced, None, &Streams::new(3)).unwrap();
        assert_eq!(split(&numbers), split(&data(vec![4; 101])));
        assert_eq!(split(&numbers).train.len(), 51);
    }

    #[test]
    fn too_few_images_are_an_error() {
        for images in [0, 1] {
            let split = Split::new(&data(vec![0; images]), SplitKind::Balanced, None, &Streams::new(0));
            assert!(matches!(split, Err(DataError::TooFew { wanted: 2, .. })));
        }
    }

    #[test]
    fn split_is_pinned_by_value() {
        let split = Split::new(&data(vec![0; 12]), SplitKind::Balanced, None, &Streams::new(0)).unwrap();
        assert_eq!(split.train, [2, 4, 5, 6, 8, 11]);
    }
}
