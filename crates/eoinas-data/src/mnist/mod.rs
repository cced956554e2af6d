//! MNIST and its relatives in idx files: one channel, ten classes, never mirrored.

mod idx;

use crate::dataset::{DatasetInfo, Part};
use crate::error::{DataError, Result};
use crate::in_memory::InMemory;
use std::path::{Path, PathBuf};

const WHAT: &str = "MNIST (idx files)";
const CLASSES: usize = 10;
const FOLDERS: [&str; 4] = ["", "mnist", "MNIST/raw", "raw"];

/// MNIST: handwritten digits, 60,000 training and 10,000 test images of 28x28.
#[derive(Clone, Copy, Debug)]
pub struct Mnist;

impl Mnist {
    /// Reads one part from the idx files in `dir` (or its `mnist`, `MNIST/raw` or `raw` folder):
    /// `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-...`. With the feature `gzip` they may be packed
    /// (`.gz`). Any image size and number is accepted.
    ///
    /// # Errors
    /// [`DataError::NotFound`], [`DataError::WrongFormat`], [`DataError::Truncated`], [`DataError::CountMismatch`],
    /// [`DataError::LabelOutOfRange`], [`DataError::Empty`] and [`DataError::Io`].
    pub fn open(dir: impl AsRef<Path>, part: Part) -> Result<InMemory> {
        let (prefix, official) = match part {
            Part::Train => ("train", 60_000),
            Part::Test => ("t10k", 10_000),
        };
        let images_path = find(dir.as_ref(), prefix, "images", 3)?;
        let labels_path = find(dir.as_ref(), prefix, "labels", 1)?;
        let (image_bytes, label_bytes) = (read(&images_path)?, read(&labels_path)?);
        let ([count, height, width], pixels) = idx::parse::<3>(&images_path, &image_bytes)?;
        let ([labels_count], labels) = idx::parse::<1>(&labels_path, &label_bytes)?;
        if count == 0 || height == 0 || width == 0 {
            return Err(DataError::Empty { path: images_path, expected: "at least one image".into() });
        }
        if count != labels_count {
            let (images, labels) = (count as u64, labels_count as u64);
            return Err(DataError::CountMismatch { path: labels_path, images, labels });
        }
        if let Some((record, &label)) = labels.iter().enumerate().find(|&(_, &label)| usize::from(label) >= CLASSES) {
            return Err(DataError::LabelOutOfRange {
                path: labels_path,
                offset: 8 + record as u64,
                record: record as u64,
                label: label.into(),
                classes: CLASSES,
                format: WHAT,
            });
        }
        let note = format!("{}: {count} images instead of {official}", images_path.display());
        let info = DatasetInfo {
            name: "mnist".into(),
            classes: (0..CLASSES).map(|digit| digit.to_string()).collect(),
            channels: 1,
            height,
            width,
            mean: vec![0.1307],
            std: vec![0.3081],
            flip: false,
            notes: if count == official { vec![] } else { vec![note] },
        };
        InMemory::new(info, labels.iter().map(|&label| label.into()).collect(), pixels.to_vec())
    }
}

/// The file of a part, under either of the names in use, packed or not.
fn find(dir: &Path, prefix: &str, kind: &str, dimensions: usize) -> Result<PathBuf> {
    let missing = |reason: String| DataError::NotFound {
        path: dir.to_owned(),
        what: WHAT,
        reason,
        hint: "put the four idx files there (train-images-idx3-ubyte and so on)".into(),
    };
    if !dir.is_dir() {
        return Err(missing("it is not a folder".into()));
    }
    let names = [format!("{prefix}-{kind}-idx{dimensions}-ubyte"), format!("{prefix}-{kind}.idx{dimensions}-ubyte")];
    let mut packed = None;
    for name in FOLDERS.iter().flat_map(|folder| names.iter().map(move |name| dir.join(folder).join(name))) {
        if name.is_file() {
            return Ok(name);
        }
        let mut gz = name.into_os_string();
        gz.push(".gz");
        packed = packed.or(Some(PathBuf::from(gz)).filter(|gz| gz.is_file()));
    }
    match packed {
        Some(gz) if cfg!(feature = "gzip") => Ok(gz),
        Some(gz) => Err(missing(format!("`{}` is packed: unpack it, or use the feature `gzip`", gz.display()))),
        None => Err(missing(format!("`{}` is missing", names[0]))),
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let io = |source| DataError::Io { path: path.into(), source };
    let bytes = std::fs::read(path).map_err(io)?;
    #[cfg(feature = "gzip")]
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut plain = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut plain).map_err(io)?;
        return Ok(plain);
    }
    Ok(bytes)
}
