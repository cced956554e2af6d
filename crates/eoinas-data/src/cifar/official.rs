//! What the official files are.

use super::record::PIXELS;
use crate::hex::hex;
use eoinas_core::{counted, file};
use sha1::{Digest, Sha1};
use std::path::Path;

pub(super) struct Layout {
    pub name: &'static str,
    pub what: &'static str,
    pub archive: &'static str,
    pub folder: &'static str,
    pub label_bytes: usize,
    pub classes: usize,
    /// The file beside the records that has the classes' names, a line each, and the names in case it is missing.
    pub names_file: &'static str,
    pub names: &'static [&'static str],
    pub mean: [f32; 3],
    pub std: [f32; 3],
    pub train: &'static [OfficialFile],
    pub test: &'static [OfficialFile],
}

pub(super) struct OfficialFile {
    pub name: &'static str,
    pub records: usize,
    pub sha1: &'static str,
}

const fn official(name: &'static str, records: usize, sha1: &'static str) -> OfficialFile {
    OfficialFile { name, records, sha1 }
}

pub(super) static CIFAR10: Layout = Layout {
    name: "cifar10",
    what: "CIFAR-10 (binary version)",
    archive: "cifar-10-binary.tar.gz",
    folder: "cifar-10-batches-bin",
    label_bytes: 1,
    classes: 10,
    names_file: "batches.meta.txt",
    names: &["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
    mean: [0.4914, 0.4822, 0.4465],
    std: [0.2470, 0.2435, 0.2616],
    train: &[
        official("data_batch_1.bin", 10_000, "aadd24acce27caa71bf4b10992e9e7b2d74c2540"),
        official("data_batch_2.bin", 10_000, "c0ba65cce70568cd57b4e03e9ac8d2a5367c1795"),
        official("data_batch_3.bin", 10_000, "1dd00a74ab1d17a6e7d73e185b69dbf31242f295"),
        official("data_batch_4.bin", 10_000, "aab85764eb3584312d3c7f65fd2fd016e36a258e"),
        official("data_batch_5.bin", 10_000, "26e2849e66a845b7f1e4614ae70f4889ae604628"),
    ],
    test: &[official("test_batch.bin", 10_000, "67eb016db431130d61cd03c7ad570b013799c88c")],
};

pub(super) static CIFAR100: Layout = Layout {
    name: "cifar100",
    what: "CIFAR-100 (binary version)",
    archive: "cifar-100-binary.tar.gz",
    folder: "cifar-100-binary",
    label_bytes: 2,
    classes: 100,
    names_file: "fine_label_names.txt",
    names: &[],
    mean: [0.5071, 0.4865, 0.4409],
    std: [0.2673, 0.2564, 0.2762],
    train: &[official("train.bin", 50_000, "e207cd2e05b73b1393c74c7f5e7bea451d63e08e")],
    test: &[official("test.bin", 10_000, "8fb6623e830365ff53cf14adec797474f5478006")],
};

/// A line for the user where `bytes` is not the official file. Hashing is left out where the number of records differs
/// already.
pub(super) fn note(layout: &Layout, file: &OfficialFile, bytes: &[u8]) -> Option<String> {
    let records = bytes.len() / (layout.label_bytes + PIXELS);
    if records != file.records {
        return Some(format!("{}: {} instead of {}", file.name, counted(records, "record", "records"), file.records));
    }
    let hash = hex(&Sha1::digest(bytes));
    (hash != file.sha1).then(|| format!("{}: SHA-1 {hash} is not the official {}", file.name, file.sha1))
}

/// The names from the file beside the records, or the built-in ones, or the labels as numbers.
pub(super) fn class_names(layout: &Layout, folder: &Path) -> Vec<String> {
    let text = file::read_text(&folder.join(layout.names_file), file::TEXT).unwrap_or_default();
    let names: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(Into::into).collect();
    if names.len() == layout.classes {
        names
    } else if layout.names.len() == layout.classes {
        layout.names.iter().map(|name| (*name).into()).collect()
    } else {
        (0..layout.classes).map(|label| label.to_string()).collect()
    }
}
