//! MNIST and its relatives in idx files: one channel, ten classes, never mirrored.

mod idx;

use crate::dataset::{DatasetInfo, Part};
use crate::error::{DataError, Result, label_out_of_range};
use crate::in_memory::InMemory;
use crate::values::ValueKind;
use eoinas_core::{TargetInfo, counted, file};
#[cfg(feature = "gzip")]
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const WHAT: &str = "MNIST (idx files)";
const CLASSES: usize = 10;
/// Bytes of a file at most, packed or not: twenty times those of MNIST.
const LONGEST: u64 = 1 << 30;
const FOLDERS: [&str; 4] = ["", "mnist", "MNIST/raw", "raw"];

/// MNIST: handwritten digits, 60,000 training and 10,000 test images of 28x28.
#[derive(Clone, Copy, Debug)]
pub struct Mnist;

impl Mnist {
    /// Reads one part from the idx files in `dir` (or its `mnist`, `MNIST/raw` or `raw` folder):
    /// `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-...`. With the feature `gzip` they may be packed
    /// (`.gz`). Any image size and number is accepted, up to 1 GiB a file.
    ///
    /// # Errors
    /// [`DataError::NotFound`], [`DataError::Damaged`] and [`DataError::File`].
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
            let (reason, hint) =
                (format!("it has {count} images of {height}x{width}"), "put the file of the set there".into());
            return Err(DataError::NotFound { path: images_path, what: "images", reason, hint });
        }
        if count != labels_count {
            let (images, labels) = (counted(count, "image", "images"), counted(labels_count, "label", "labels"));
            let problem = format!("{images} but {labels}; the two files must come from the same part");
            return Err(DataError::Damaged { path: labels_path, offset: 4, problem, format: WHAT });
        }
        if let Some((record, &label)) = labels.iter().enumerate().find(|&(_, &label)| usize::from(label) >= CLASSES) {
            let problem = label_out_of_range(label.into(), record, CLASSES);
            return Err(DataError::Damaged { path: labels_path, offset: 8 + record as u64, problem, format: WHAT });
        }
        let note = format!("{}: {} instead of {official}", images_path.display(), counted(count, "image", "images"));
        let info = DatasetInfo {
            name: "mnist".into(),
            target: TargetInfo::Classes((0..CLASSES).map(|digit| digit.to_string()).collect()),
            values: ValueKind::Bytes,
            channels: 1,
            height,
            width,
            mean: vec![0.1307],
            std: vec![0.3081],
            flip: false,
            notes: if count == official { vec![] } else { vec![note] },
        };
        InMemory::new(info, labels.iter().copied().map(u32::from).collect::<Vec<_>>(), pixels.to_vec())
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

/// Whether `dir` has any of the files.
pub(crate) fn is_in(dir: &Path) -> bool {
    dir.is_dir() && ["train", "t10k"].iter().any(|part| find(dir, part, "images", 3).is_ok())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let bytes = file::read(path, LONGEST).map_err(DataError::read(path))?;
    #[cfg(feature = "gzip")]
    if path.extension().is_some_and(|extension| extension == "gz") {
        let mut plain = Vec::new();
        let unpacked = flate2::read::MultiGzDecoder::new(&bytes[..]).take(LONGEST).read_to_end(&mut plain);
        let wrong = |kind, problem: String| DataError::read(path)(io::Error::new(kind, problem));
        unpacked.map_err(|error| wrong(error.kind(), format!("it is packed, and damaged or cut short ({error})")))?;
        if plain.len() as u64 == LONGEST {
            return Err(wrong(io::ErrorKind::InvalidData, format!("it unpacks to {LONGEST} bytes or more")));
        }
        return Ok(plain);
    }
    Ok(bytes)
}
