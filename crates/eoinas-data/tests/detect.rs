//! What a folder holds.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use eoinas_data::{Cifar10, Part, SourceKind};
use std::fs;
use std::path::Path;

/// A folder with files that are not read to know what it is.
fn with(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let path = root.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }
    root
}

fn refused(root: &Path) -> String {
    SourceKind::detect(root).unwrap_err().to_string()
}

#[test]
fn sets_are_known_by_their_files() {
    for (files, expected) in [
        (&["data_batch_1.bin", "test_batch.bin"][..], SourceKind::Cifar10),
        (&["cifar-10-batches-bin/data_batch_3.bin"], SourceKind::Cifar10),
        (&["train.bin", "test.bin"], SourceKind::Cifar100),
        (&["cifar-100-binary/test.bin"], SourceKind::Cifar100),
        (&["train-images-idx3-ubyte"], SourceKind::Mnist),
        (&["MNIST/raw/t10k-images.idx3-ubyte"], SourceKind::Mnist),
        (&["cats/a.png", "dogs/b.jpg"], SourceKind::Folder),
        (&["train/cats/a.png"], SourceKind::Folder),
    ] {
        assert_eq!(SourceKind::detect(with(files).path()).unwrap(), expected, "{files:?}");
    }
}

#[test]
fn what_is_none_or_several_is_refused() {
    let both = with(&["cifar-10-batches-bin/test_batch.bin", "cifar-100-binary/test.bin"]);
    assert!(refused(both.path()).contains("the files of cifar10 and cifar100; say which"), "{}", refused(both.path()));
    for python in ["cifar-10-batches-py/data_batch_1", "data_batch_1", "cifar-100-python/train"] {
        assert!(refused(with(&[python]).path()).contains("CIFAR's Python files; the binary version is needed"));
    }
    assert!(refused(with(&["a.png", ".git/x"]).path()).contains("nor subfolders; put the files there"));
    let class = refused(with(&["a.png", "b.JPG", "c.txt"]).path());
    assert!(class.contains("where the 2 pictures that lie here are one class, give the folder above"), "{class}");
    let root = with(&[]);
    assert!(refused(&root.path().join("none")).contains("it is not a folder; give the folder of CIFAR"));
    // One for the other is told, too.
    let error = Cifar10::open(with(&["train.bin", "test.bin"]).path(), Part::Train).unwrap_err().to_string();
    assert!(
        error.contains("it has the files of CIFAR-100 (binary version); choose the data set `cifar100`"),
        "{error}"
    );
    let pointer = with(&["data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"]);
    fs::write(pointer.path().join("data_batch_1.bin"), "version https://git-lfs.github.com/spec/v1").unwrap();
    let error = Cifar10::open(pointer.path(), Part::Train).unwrap_err().to_string();
    assert!(error.contains("Git LFS pointer"), "{error}");
}
