//! Making one batch.

use super::{Batch, BufferPool, LoaderConfig};
use crate::augment::Augmenter;
use crate::dataset::Dataset;
use crate::error::{DataError, Result};
use eoinas_core::SeedStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// All that a batch of one epoch is made of.
#[derive(Debug)]
pub(super) struct Maker {
    pub data: Arc<dyn Dataset>,
    pub config: Arc<LoaderConfig>,
    pub augmenter: Arc<Augmenter>,
    pub pool: BufferPool,
    pub order: Vec<usize>,
    pub epoch: u64,
}

impl Maker {
    /// Batch number `batch`; `None` when `stop` was set meanwhile.
    pub fn make(&self, batch: usize, stop: &AtomicBool) -> Option<Result<Batch>> {
        let info = self.data.info();
        let first = batch * self.config.batch_size;
        let last = (first + self.config.batch_size).min(self.order.len());
        let indices = self.order.get(first..last).unwrap_or(&[]);
        let size = info.image_len();
        let mut pixels = vec![0; size];
        let mut images = self.pool.take(indices.len() * size);
        let mut labels = Vec::with_capacity(indices.len());
        for (i, (&index, out)) in indices.iter().zip(images.chunks_exact_mut(size)).enumerate() {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            // Loaders of the same streams draw from places that are far apart.
            let position = (first + i) as u64 + (self.config.part << 40);
            match self.make_image(index, position, &mut pixels, out).and_then(|label| self.checked(label, index)) {
                Ok(label) => labels.push(label),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(Batch { images, n: labels.len(), labels, h: info.height, w: info.width, c: info.channels }))
    }

    /// One image and its label.
    fn make_image(&self, index: usize, position: u64, pixels: &mut [u8], out: &mut [f32]) -> Result<u32> {
        let rng = || self.config.streams.rng(SeedStream::Augment, self.epoch, position);
        let picture = if self.augmenter.wants_picture() { self.data.picture(index)? } else { None };
        if let Some((picture, label)) = picture {
            self.augmenter.apply_picture(&picture, out, rng);
            return Ok(label);
        }
        let label = self.data.read(index, pixels)?;
        self.augmenter.apply(pixels, out, rng);
        Ok(label)
    }

    /// A user's data set may return any label; one that names no class would index outside of the logits.
    fn checked(&self, label: u32, index: usize) -> Result<u32> {
        let info = self.data.info();
        if (label as usize) < info.classes.len() {
            return Ok(label);
        }
        let reason = format!("label {label} of image {index} is not below {} classes", info.classes.len());
        Err(DataError::Info { name: info.name.clone(), reason })
    }
}
