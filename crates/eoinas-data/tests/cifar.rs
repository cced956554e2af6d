//! CIFAR folders: made-up ones with every kind of damage, and the real one where it is at hand.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod common;

use eoinas_core::{Target, Targets};
use eoinas_data::{Cifar10, Cifar100, DataError, Dataset, Part};
use std::fs;
use std::path::Path;

fn records(labels: &[u8], label_bytes: usize) -> Vec<u8> {
    labels.iter().flat_map(|&label| [vec![label; label_bytes], vec![label; 3072]].concat()).collect()
}

fn cifar10(dir: &Path) {
    fs::create_dir_all(dir).unwrap();
    for batch in 1..=5u8 {
        fs::write(dir.join(format!("data_batch_{batch}.bin")), records(&[batch, 0], 1)).unwrap();
    }
    fs::write(dir.join("test_batch.bin"), records(&[9], 1)).unwrap();
}

#[test]
fn the_folder_or_its_parent_will_do() {
    let root = tempfile::tempdir().unwrap();
    cifar10(&root.path().join("cifar-10-batches-bin"));
    for dir in [root.path().to_owned(), root.path().join("cifar-10-batches-bin")] {
        let train = Cifar10::open(&dir, Part::Train).unwrap();
        assert_eq!(train.targets().classes().unwrap(), [1, 0, 2, 0, 3, 0, 4, 0, 5, 0]);
        let mut pixels = [0u8; 3072];
        assert_eq!(train.read(4, pixels[..].as_mut().into()).unwrap(), Target::Class(3));
        assert!(pixels.iter().all(|p| *p == 3));
        assert_eq!(train.info().classes().unwrap()[9], "truck");
        assert_eq!(train.info().notes.len(), 5);
        assert_eq!(train.info().notes[0], "data_batch_1.bin: 2 records instead of 10000");
        assert_eq!(Cifar10::open(&dir, Part::Test).unwrap().len(), 1);
    }
}

#[test]
fn a_missing_folder_file_or_version_is_named() {
    let root = tempfile::tempdir().unwrap();
    let message = |dir: &Path| match Cifar10::open(dir, Part::Train).unwrap_err() {
        error @ DataError::NotFound { .. } => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(message(&root.path().join("nowhere")).contains("it is not a folder"));
    assert!(message(root.path()).contains("data_batch_1.bin` is missing"));
    cifar10(root.path());
    fs::remove_file(root.path().join("data_batch_3.bin")).unwrap();
    assert!(message(root.path()).contains("data_batch_3.bin` is missing"));
    let python = tempfile::tempdir().unwrap();
    fs::write(python.path().join("data_batch_1"), b"pickle").unwrap();
    assert!(message(python.path()).contains("Python"));
}

#[test]
fn damaged_files_are_named_with_the_place() {
    let root = tempfile::tempdir().unwrap();
    cifar10(root.path());
    let file = root.path().join("data_batch_2.bin");
    let error = |bytes: Vec<u8>| {
        fs::write(&file, bytes).unwrap();
        let error = Cifar10::open(root.path(), Part::Train).unwrap_err();
        assert!(error.to_string().contains("data_batch_2.bin"), "{error}");
        error
    };
    let empty = error(vec![]);
    assert!(matches!(empty, DataError::NotFound { .. }) && empty.to_string().contains("empty"), "{empty}");
    let damage = |bytes| match error(bytes) {
        DataError::Damaged { offset, problem, .. } => (offset, problem),
        other => panic!("{other:?}"),
    };
    let (offset, problem) = damage(vec![1; 4000]);
    assert!(offset == 3073 && problem.contains("truncated: the record has 927 of"), "{problem}");
    let (offset, problem) = damage(records(&[1, 77], 1));
    assert!(offset == 3073 && problem.contains("label 77"), "{problem}");
}

#[test]
fn cifar100_has_fine_labels_and_names_from_its_file() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("train.bin"), records(&[3, 99], 2)).unwrap();
    let open = || Cifar100::open(root.path(), Part::Train).unwrap();
    assert_eq!((open().targets(), open().info().target.outputs()), (&Targets::from(vec![3, 99]), 100));
    let names: String = (0..100).map(|i| format!("fish {i}\n")).collect();
    fs::write(root.path().join("fine_label_names.txt"), names).unwrap();
    assert_eq!(open().info().classes().unwrap()[99], "fish 99");
    assert!(matches!(Cifar100::open(root.path(), Part::Test), Err(DataError::NotFound { .. })));
}

#[test]
fn the_real_set_is_read_and_its_gaps_are_noted() {
    let Some(dir) = common::shared_data("cifar-10-batches-bin") else { return };
    let train = Cifar10::open(&dir, Part::Train).unwrap();
    let test = Cifar10::open(dir.parent().unwrap(), Part::Test).unwrap();
    assert_eq!((train.len(), test.len()), (49_928, 9_980));
    assert_eq!(train.info().notes.len(), 5);
    assert!(train.info().notes[0].contains("records instead of 10000"), "{:?}", train.info().notes);
    let pixels: Vec<u8> = (0..train.len()).flat_map(|i| train.image(i).unwrap()).copied().collect();
    let (mean, std) = eoinas_data::dataset::channel_statistics(&pixels, 3);
    for channel in 0..3 {
        assert!((mean[channel] - train.info().mean[channel]).abs() < 1e-3, "{mean:?}");
        assert!((std[channel] - train.info().std[channel]).abs() < 1e-3, "{std:?}");
    }
}

#[test]
fn a_file_that_is_too_large_is_refused_unread() {
    let root = tempfile::tempdir().unwrap();
    cifar10(root.path());
    // It has no content, and takes no room.
    let name = root.path().join("data_batch_3.bin");
    fs::File::create(&name).unwrap().set_len(1 << 40).unwrap();
    let error = Cifar10::open(root.path(), Part::Train).unwrap_err();
    assert!(matches!(&error, DataError::File { path, .. } if *path == name), "{error}");
    assert!(error.to_string().contains("1099511627776 bytes, more than the 1073741824 bytes that are read"), "{error}");
}
