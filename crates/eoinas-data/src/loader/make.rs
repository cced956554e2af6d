//! Making one batch.

use super::{Batch, LoaderConfig};
use crate::augment::Augmenter;
use crate::dataset::Dataset;
use crate::error::Result;
use crate::values::Samples;
use eoinas_core::{SeedStream, Target, Targets};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// All that a batch of one epoch is made of.
#[derive(Debug)]
pub(super) struct Maker {
    pub data: Arc<dyn Dataset>,
    pub config: Arc<LoaderConfig>,
    pub augmenter: Arc<Augmenter>,
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
        let mut sample = Samples::zeros(info.values, size);
        let mut images = vec![0.0; indices.len() * size];
        let mut targets = Targets::with_capacity(&info.target, indices.len());
        for (i, (&index, out)) in indices.iter().zip(images.chunks_exact_mut(size)).enumerate() {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            // Loaders of the same streams draw from places that are far apart.
            let position = (first + i) as u64 + (self.config.part << 40);
            let made = self.make_sample(index, position, &mut sample, out).and_then(|target| {
                // A user's data set may return anything; a class that is none would index outside of the logits.
                targets.push(&info.target, target).map_err(|wrong| info.wrong(format!("sample {index}: {wrong}")))
            });
            if let Err(error) = made {
                return Some(Err(error));
            }
        }
        Some(Ok(Batch { images, n: targets.len(), targets, h: info.height, w: info.width, c: info.channels }))
    }

    /// One sample and its target.
    fn make_sample(&self, index: usize, position: u64, sample: &mut Samples, out: &mut [f32]) -> Result<Target> {
        let rng = || self.config.streams.rng(SeedStream::Augment, self.epoch, position);
        let picture = if self.augmenter.wants_picture() { self.data.picture(index)? } else { None };
        if let Some((picture, target)) = picture {
            self.augmenter.apply_picture(&picture, out, rng);
            return Ok(target);
        }
        let target = self.data.read(index, sample.as_values())?;
        match sample {
            Samples::Bytes(bytes) => self.augmenter.apply(bytes, out, rng),
            Samples::Floats(floats) => {
                if let Some(value) = floats.iter().find(|value| !value.is_finite()) {
                    return Err(self.data.info().wrong(format!("sample {index} has {value} among its values")));
                }
                self.augmenter.apply_floats(floats, out, rng);
            }
        }
        Ok(target)
    }
}
