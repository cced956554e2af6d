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
            match self.data.read(index, &mut pixels).and_then(|label| self.checked(label, index)) {
                Ok(label) => labels.push(label),
                Err(error) => return Some(Err(error)),
            }
            // Loaders of the same streams draw from places that are far apart.
            let position = (first + i) as u64 + (self.config.part << 40);
            let rng = || self.config.streams.rng(SeedStream::Augment, self.epoch, position);
            self.augmenter.apply(&pixels, out, rng);
        }
        Some(Ok(Batch { images, n: labels.len(), labels, h: info.height, w: info.width, c: info.channels }))
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
