//! Images held in memory as bytes.

use crate::dataset::{Dataset, DatasetInfo};
use crate::error::{DataError, Result};
use std::fmt;

/// A data set whose pixels (`u8`, channels last) and labels lie in memory. All file formats of this crate end here.
#[derive(Clone)]
pub struct InMemory {
    info: DatasetInfo,
    labels: Vec<u32>,
    pixels: Vec<u8>,
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemory").field("info", &self.info).field("images", &self.labels.len()).finish()
    }
}

impl InMemory {
    /// Takes labels and pixels: image i is `pixels[i * image_len .. (i + 1) * image_len]`, row by row, channels last.
    ///
    /// # Errors
    /// [`DataError::Info`] when `info` contradicts itself, the lengths, or a label.
    pub fn new(info: DatasetInfo, labels: Vec<u32>, pixels: Vec<u8>) -> Result<Self> {
        info.validate()?;
        let fail = |reason| Err(DataError::Info { name: info.name.clone(), reason });
        if labels.len().checked_mul(info.image_len()) != Some(pixels.len()) {
            return fail(format!(
                "{} labels need {} bytes each, but there are {} bytes of pixels",
                labels.len(),
                info.image_len(),
                pixels.len()
            ));
        }
        if let Some(at) = labels.iter().position(|&label| label as usize >= info.classes.len()) {
            return fail(format!("label {} of image {at} is not below {} classes", labels[at], info.classes.len()));
        }
        Ok(Self { info, labels, pixels })
    }

    /// The pixels of image `index`, row by row, channels last.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        let size = self.info.image_len();
        let start = index.checked_mul(size)?;
        self.pixels.get(start..start.checked_add(size)?)
    }

    /// All labels.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }
}

impl Dataset for InMemory {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self) -> usize {
        self.labels.len()
    }

    fn read(&self, index: usize, pixels: &mut [u8]) -> Result<u32> {
        let label = self.label(index)?;
        let image = self.image(index).ok_or(DataError::IndexOutOfRange { index, len: self.len() })?;
        copy_image(image, pixels)?;
        Ok(label)
    }

    fn label(&self, index: usize) -> Result<u32> {
        self.labels.get(index).copied().ok_or(DataError::IndexOutOfRange { index, len: self.len() })
    }
}

pub(crate) fn copy_image(image: &[u8], pixels: &mut [u8]) -> Result<()> {
    if image.len() != pixels.len() {
        return Err(DataError::BufferSize { expected: image.len(), got: pixels.len() });
    }
    pixels.copy_from_slice(image);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info() -> DatasetInfo {
        DatasetInfo {
            name: "two".into(),
            classes: vec!["a".into(), "b".into()],
            channels: 1,
            height: 1,
            width: 2,
            mean: vec![0.5],
            std: vec![0.5],
            flip: false,
            notes: vec![],
        }
    }

    #[test]
    fn reads_what_was_given() {
        let data = InMemory::new(info(), vec![1, 0], vec![1, 2, 3, 4]).unwrap();
        let mut pixels = [0; 2];
        assert_eq!(data.read(1, &mut pixels).unwrap(), 0);
        assert_eq!(pixels, [3, 4]);
        assert!(matches!(data.read(2, &mut pixels), Err(DataError::IndexOutOfRange { index: 2, len: 2 })));
        assert!(matches!(data.read(0, &mut [0; 3]), Err(DataError::BufferSize { expected: 2, got: 3 })));
        assert!(data.image(usize::MAX).is_none());
    }

    #[test]
    fn contradictions_are_errors() {
        for (info, labels, pixels) in [
            (info(), vec![0], vec![0; 3]),
            (info(), vec![2], vec![0; 2]),
            (DatasetInfo { std: vec![0.0], ..info() }, vec![0], vec![0; 2]),
            (DatasetInfo { mean: vec![], ..info() }, vec![0], vec![0; 2]),
            (DatasetInfo { classes: vec![], ..info() }, vec![], vec![]),
            (DatasetInfo { height: 0, ..info() }, vec![0], vec![]),
        ] {
            assert!(matches!(InMemory::new(info, labels, pixels), Err(DataError::Info { .. })));
        }
    }
}
