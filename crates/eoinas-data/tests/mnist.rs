//! MNIST folders.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use eoinas_core::Targets;
use eoinas_data::{Augment, DataError, Dataset, Loader, LoaderConfig, Mnist, Part};
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn images(count: u8) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 2, 0, 0, 0, 3];
    bytes.extend((0..count).flat_map(|i| [i; 6]));
    bytes
}

fn labels(labels: &[u8]) -> Vec<u8> {
    [&[0, 0, 8, 1, 0, 0, 0, labels.len() as u8], labels].concat()
}

fn write(dir: &Path, image_bytes: &[u8], label_bytes: &[u8]) {
    fs::create_dir_all(dir).unwrap();
    fs::write(dir.join("train-images-idx3-ubyte"), image_bytes).unwrap();
    fs::write(dir.join("train-labels-idx1-ubyte"), label_bytes).unwrap();
}

#[test]
fn one_channel_and_never_mirrored() {
    let root = tempfile::tempdir().unwrap();
    write(&root.path().join("MNIST/raw"), &images(3), &labels(&[7, 8, 9]));
    let data = Mnist::open(root.path(), Part::Train).unwrap();
    let info = data.info().clone();
    assert_eq!((info.channels, info.height, info.width, info.flip), (1, 2, 3, false));
    assert!(info.notes[0].contains("3 images instead of 60000"));
    assert_eq!((data.targets(), data.image(2).unwrap()), (&Targets::from(vec![7, 8, 9]), [2; 6].as_slice()));
    let config =
        LoaderConfig { augment: Augment::search(), ..LoaderConfig::new(vec![0, 1, 2], eoinas_core::Streams::new(0)) };
    let batch = Loader::new(Arc::new(data), config).unwrap().epoch(0, 0).next().unwrap().unwrap();
    assert_eq!((batch.n, batch.h, batch.w, batch.c, batch.images.len()), (3, 2, 3, 1, 18));
}

#[test]
fn bad_folders_are_errors_that_name_the_file() {
    let root = tempfile::tempdir().unwrap();
    let open = || Mnist::open(root.path(), Part::Train).unwrap_err();
    assert!(open().to_string().contains("train-images-idx3-ubyte` is missing"));
    assert!(matches!(Mnist::open(root.path().join("none"), Part::Test), Err(DataError::NotFound { .. })));
    write(root.path(), &images(3), &labels(&[1, 2]));
    let damage = || match open() {
        DataError::Damaged { offset, problem, .. } => (offset, problem),
        other => panic!("{other:?}"),
    };
    assert!(damage().1.contains("3 images but 2 labels"));
    write(root.path(), &images(3), &labels(&[1, 2, 10]));
    let (offset, problem) = damage();
    assert!(offset == 10 && problem.contains("label 10 (record 2)"), "{problem}");
    write(root.path(), &images(0), &labels(&[]));
    assert!(matches!(open(), DataError::NotFound { what: "images", .. }));
    write(root.path(), &images(3)[..20], &labels(&[1, 2, 3]));
    assert!(damage().1.contains("truncated"));
    write(root.path(), b"<html>not found</html>", &labels(&[1, 2, 3]));
    let message = open().to_string();
    assert!(message.contains("train-images-idx3-ubyte") && message.contains("not an idx file"), "{message}");
}

#[cfg(feature = "gzip")]
#[test]
fn packed_files_are_read() {
    use std::io::Write;
    let root = tempfile::tempdir().unwrap();
    for (name, bytes) in [("t10k-images-idx3-ubyte.gz", images(2)), ("t10k-labels-idx1-ubyte.gz", labels(&[4, 5]))] {
        let file = fs::File::create(root.path().join(name)).unwrap();
        let mut packer = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packer.write_all(&bytes).unwrap();
        packer.finish().unwrap();
    }
    assert_eq!(Mnist::open(root.path(), Part::Test).unwrap().targets(), &Targets::from(vec![4, 5]));
    fs::write(root.path().join("t10k-labels-idx1-ubyte.gz"), b"rubbish").unwrap();
    let error = Mnist::open(root.path(), Part::Test).unwrap_err();
    assert!(matches!(error, DataError::File { .. }));
    assert!(error.to_string().ends_with(')') && error.to_string().contains("damaged or cut short"), "{error}");
}

#[test]
fn a_file_that_is_too_large_is_refused_unread() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), &images(3), &labels(&[7, 8, 9]));
    // It has no more content, and takes no room.
    for name in ["train-labels-idx1-ubyte", "train-images-idx3-ubyte"] {
        let name = root.path().join(name);
        fs::OpenOptions::new().write(true).open(&name).unwrap().set_len(1 << 40).unwrap();
        let error = Mnist::open(root.path(), Part::Train).unwrap_err();
        assert!(matches!(&error, DataError::File { path, .. } if *path == name), "{error}");
        assert!(error.to_string().contains("more than the 1073741824 bytes that are read"), "{error}");
    }
}
