//! Samples held in memory.

use crate::dataset::{Dataset, DatasetInfo};
use crate::error::{DataError, Result};
use crate::values::{Samples, Values, copy};
use eoinas_core::{Target, Targets};
use std::fmt;

/// A data set whose samples and targets lie in memory. All file formats of this crate end here.
///
/// ```
/// use eoinas_core::{NumberInfo, Target, TargetInfo, Targets};
/// use eoinas_data::{Dataset, DatasetInfo, InMemory, ValueKind};
///
/// // Two signals of four moments and one channel, and the pitch of each.
/// let pitch = NumberInfo { name: "pitch".into(), unit: "Hz".into(), mean: 400.0, std: 50.0 };
/// let info = DatasetInfo {
///     name: "tones".into(),
///     target: TargetInfo::Numbers(vec![pitch]),
///     values: ValueKind::Floats,
///     channels: 1,
///     height: 1,
///     width: 4,
///     mean: vec![0.0],
///     std: vec![0.7],
///     flip: false,
///     notes: vec![],
/// };
/// let pitches = Targets::Numbers { width: 1, values: vec![350.0, 450.0] };
/// let tones = InMemory::new(info, pitches, vec![0.0f32, 1.0, 0.0, -1.0, 1.0, -1.0, 1.0, -1.0])?;
/// assert_eq!(tones.target(1)?, Target::Numbers(vec![450.0]));
/// # Ok::<(), eoinas_data::DataError>(())
/// ```
#[derive(Clone)]
pub struct InMemory {
    info: DatasetInfo,
    targets: Targets,
    samples: Samples,
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InMemory").field("info", &self.info).field("samples", &self.targets.len()).finish()
    }
}

impl InMemory {
    /// Takes targets and samples: sample i is `samples[i * image_len .. (i + 1) * image_len]`, row by row, channels
    /// last.
    ///
    /// # Errors
    /// [`DataError::Set`] when `info` contradicts itself, the lengths, or a target, or a float is not finite.
    pub fn new(info: DatasetInfo, targets: impl Into<Targets>, samples: impl Into<Samples>) -> Result<Self> {
        let (targets, samples) = (targets.into(), samples.into());
        info.validate()?;
        if samples.kind() != info.values {
            return Err(info.wrong(format!("its values are {:?}, but {:?} were given", info.values, samples.kind())));
        }
        let (size, got) = (info.image_len(), samples.len());
        let expected = targets.len().checked_mul(size);
        if expected != Some(got) {
            let count = targets.len();
            return Err(info.wrong(format!("{count} targets of {size} values each, but {got} values were given")));
        }
        targets.check(&info.target).map_err(|wrong| info.wrong(wrong.to_string()))?;
        if let Samples::Floats(floats) = &samples
            && let Some(at) = floats.iter().position(|value| !value.is_finite())
        {
            let sample = at.checked_div(size).unwrap_or(0);
            return Err(info.wrong(format!("value {} of sample {sample} is {}", at % size.max(1), floats[at])));
        }
        Ok(Self { info, targets, samples })
    }

    /// The bytes of sample `index`, row by row, channels last; `None` where there are none.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        match &self.samples {
            Samples::Bytes(bytes) => bytes.get(self.range(index)?),
            Samples::Floats(_) => None,
        }
    }

    /// All targets.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    fn range(&self, index: usize) -> Option<std::ops::Range<usize>> {
        let size = self.info.image_len();
        let start = index.checked_mul(size)?;
        Some(start..start.checked_add(size)?)
    }
}

impl Dataset for InMemory {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self) -> usize {
        self.targets.len()
    }

    fn read(&self, index: usize, values: Values<'_>) -> Result<Target> {
        let target = self.target(index)?;
        let missing = || DataError::Index { index, len: self.len() };
        let range = self.range(index).ok_or_else(missing)?;
        match &self.samples {
            Samples::Bytes(bytes) => copy(bytes.get(range).ok_or_else(missing)?, values.bytes()?, "bytes")?,
            Samples::Floats(floats) => copy(floats.get(range).ok_or_else(missing)?, values.floats()?, "floats")?,
        }
        Ok(target)
    }

    fn target(&self, index: usize) -> Result<Target> {
        self.targets.get(index).ok_or(DataError::Index { index, len: self.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ValueKind;
    use eoinas_core::{NumberInfo, TargetInfo};

    fn classes(count: u32) -> TargetInfo {
        TargetInfo::Classes((0..count).map(|class| class.to_string()).collect())
    }

    fn info() -> DatasetInfo {
        DatasetInfo {
            name: "two".into(),
            target: classes(2),
            values: ValueKind::Bytes,
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
        let data = InMemory::new(info(), vec![1, 0u32], vec![1, 2, 3, 4u8]).unwrap();
        let mut pixels = [0u8; 2];
        assert_eq!(data.read(1, pixels[..].as_mut().into()).unwrap(), Target::Class(0));
        assert_eq!(pixels, [3, 4]);
        let read = |index, pixels: &mut [u8]| data.read(index, pixels.into()).unwrap_err();
        assert!(matches!(read(2, &mut [0; 2]), DataError::Index { index: 2, len: 2 }));
        let error = read(0, &mut [0; 3]).to_string();
        assert!(error.contains("has 3 bytes") && error.contains("needs 2 bytes"), "{error}");
        assert!(matches!(data.read(0, [0.0f32; 2][..].as_mut().into()), Err(DataError::Buffer { .. })));
        assert!(data.image(usize::MAX).is_none());
    }

    #[test]
    fn contradictions_are_errors() {
        for (info, labels, pixels) in [
            (info(), vec![0u32], vec![0u8; 3]),
            (info(), vec![2], vec![0; 2]),
            (DatasetInfo { std: vec![0.0], ..info() }, vec![0], vec![0; 2]),
            (DatasetInfo { mean: vec![], ..info() }, vec![0], vec![0; 2]),
            (DatasetInfo { target: classes(0), ..info() }, vec![], vec![]),
            (DatasetInfo { height: 0, ..info() }, vec![0], vec![]),
            (DatasetInfo { height: usize::MAX, width: usize::MAX, ..info() }, vec![0], vec![]),
            (DatasetInfo { values: ValueKind::Floats, ..info() }, vec![0], vec![0; 2]),
        ] {
            assert!(matches!(InMemory::new(info, labels, pixels), Err(DataError::Set { .. })));
        }
    }

    /// Two signals of two channels, which have a number and labels.
    #[test]
    fn floats_and_any_targets() {
        let angle = NumberInfo { name: "angle".into(), unit: "degrees".into(), mean: 0.0, std: 1.0 };
        let floats = DatasetInfo {
            values: ValueKind::Floats,
            channels: 2,
            mean: vec![0.0; 2],
            std: vec![1.0; 2],
            target: TargetInfo::Numbers(vec![angle]),
            ..info()
        };
        let numbers = |values: Vec<f32>| Targets::Numbers { width: 1, values };
        let samples: Vec<f32> = (0..8).map(|i| i as f32 - 3.5).collect();
        let data = InMemory::new(floats.clone(), numbers(vec![1.5, -2.0]), samples.clone()).unwrap();
        let mut values = [0.0f32; 4];
        assert_eq!(data.read(1, values[..].as_mut().into()).unwrap(), Target::Numbers(vec![-2.0]));
        assert_eq!(values, samples[4..]);
        assert!(data.read(1, [0u8; 4][..].as_mut().into()).is_err() && data.image(0).is_none());
        assert!(data.info().classes().unwrap_err().to_string().contains("targets are numbers"));

        let labels = DatasetInfo { target: TargetInfo::Labels(vec!["a".into(), "b".into()]), ..floats.clone() };
        let has = Targets::Labels { width: 2, values: vec![true, false, true, true] };
        let data = InMemory::new(labels, has, samples.clone()).unwrap();
        assert_eq!(data.target(0).unwrap(), Target::Labels(vec![true, false]));

        let mut broken = samples.clone();
        broken[6] = f32::NAN;
        for (targets, samples, part) in [
            (numbers(vec![0.0; 2]), broken, "value 2 of sample 1 is NaN"),
            (numbers(vec![0.0, f32::INFINITY]), samples.clone(), "target 1 is 1 numbers with inf"),
            (numbers(vec![0.0]), samples.clone(), "1 targets of 4 values each, but 8 values"),
            (Targets::Classes(vec![0, 0]), samples, "targets is classes"),
        ] {
            let error = InMemory::new(floats.clone(), targets, samples).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
