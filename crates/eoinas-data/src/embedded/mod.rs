//! An image set drawn by code, so that a search can run without any file.
//!
//! Ten classes of 32x32 colour images: one of five shapes filled with one of two textures. Position, size, rotation,
//! colours, the texture's scale and direction, lighting, clutter before and behind the shape, and noise vary. As in
//! photographs, colour is a hint that even a young network can follow, since half of the ground's colour and of the
//! object's first one are usual for the class; outline and texture have to be recognised together for the rest. In the
//! second version of the set colour is a weak hint, so that pixels alone say little.
//!
//! Image i of a part is a function of (seed, part, i) in whole numbers and correctly rounded `f32` operations, hence
//! the same bytes on every machine.

mod class;
mod draw;
mod light;
mod plane;
mod shape;
mod style;
mod texture;

use crate::dataset::{Dataset, DatasetInfo, Part};
use crate::error::{DataError, Result};
use crate::values::{ValueKind, Values, copy};
use class::{CLASSES, Class};
use eoinas_core::{Streams, Target, TargetInfo};
use std::fmt;
use std::sync::OnceLock;
use style::Style;

const SIDE: usize = plane::SIDE;

/// The embedded set. An image is drawn when it is first read, and kept.
pub struct Embedded {
    info: DatasetInfo,
    streams: Streams,
    part: Part,
    style: Style,
    images: Vec<OnceLock<Box<[u8]>>>,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { info, streams, part, style: _, images } = self;
        f.debug_struct("Embedded")
            .field("info", info)
            .field("streams", streams)
            .field("part", part)
            .field("images", &images.len())
            .finish()
    }
}

impl Embedded {
    /// The first `len` images of a part, with the seed 0, which all published numbers use. Image i has class i mod 10,
    /// so that any length is balanced.
    pub fn new(part: Part, len: usize) -> Self {
        Self::with_seed(part, len, 0)
    }

    /// As [`new`](Self::new), with images of another seed.
    pub fn with_seed(part: Part, len: usize, seed: u64) -> Self {
        Self::of_style(part, len, seed, Style::V1)
    }

    /// The second version of the set, with seed 0: colour is a weak hint there, and outlines and textures are easier to see.
    pub fn v2(part: Part, len: usize) -> Self {
        Self::of_style(part, len, 0, Style::V2)
    }

    fn of_style(part: Part, len: usize, seed: u64, style: Style) -> Self {
        let (mean, std) = style.mean_std;
        let info = DatasetInfo {
            name: style.name.into(),
            target: TargetInfo::Classes((0..CLASSES).map(|label| Class::of(label).name()).collect()),
            values: ValueKind::Bytes,
            channels: 3,
            height: SIDE,
            width: SIDE,
            mean: vec![mean; 3],
            std: vec![std; 3],
            flip: true,
            notes: Vec::new(),
        };
        let images = std::iter::repeat_with(OnceLock::new).take(len).collect();
        Self { info, streams: Streams::new(seed), part, style, images }
    }
}

impl Dataset for Embedded {
    fn info(&self) -> &DatasetInfo {
        &self.info
    }

    fn len(&self) -> usize {
        self.images.len()
    }

    fn read(&self, index: usize, values: Values<'_>) -> Result<Target> {
        let target = self.target(index)?;
        let slot = self.images.get(index).ok_or(DataError::Index { index, len: self.len() })?;
        let image = slot.get_or_init(|| {
            let class = Class::of(index % CLASSES);
            draw::image(&self.streams, self.part, index as u64, &class, &self.style)
        });
        copy(image, values.bytes()?, "bytes")?;
        Ok(target)
    }

    fn target(&self, index: usize) -> Result<Target> {
        if index < self.len() {
            Ok(Target::Class((index % CLASSES) as u32))
        } else {
            Err(DataError::Index { index, len: self.len() })
        }
    }
}

#[cfg(test)]
mod tests;
