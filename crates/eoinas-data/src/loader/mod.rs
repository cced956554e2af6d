//! Batches, made ahead of their use by the loader's own threads.

mod batches;
mod make;

pub use batches::Batches;

use crate::augment::{Augment, Augmenter};
use crate::dataset::Dataset;
use crate::dice;
use crate::error::{DataError, Result};
use eoinas_core::{SeedStream, Setting, Streams, Targets};
use make::Maker;
use std::sync::Arc;

/// Some samples with their targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// \[n, h, w, c\], normalised.
    pub images: Vec<f32>,
    /// The targets of all n.
    pub targets: Targets,
    /// Number of samples.
    pub n: usize,
    /// Rows.
    pub h: usize,
    /// Columns.
    pub w: usize,
    /// Channels.
    pub c: usize,
}

/// Settings of a [`Loader`].
#[derive(Clone, Debug)]
pub struct LoaderConfig {
    /// Images in a batch. Default 64.
    pub batch_size: usize,
    /// The images to use, as indices into the data set.
    pub indices: Vec<usize>,
    /// What is done to each image. Default [`Augment::none`].
    pub augment: Augment,
    /// Where the draws come from.
    pub streams: Streams,
    /// Tells loaders with the same `streams` apart (a search has one for each half), so that they do not share their
    /// draws. Default 0.
    pub part: u64,
    /// Whether each epoch has its own order. Default true.
    pub shuffle: bool,
    /// Whether a last batch with fewer images is left out. Default false.
    pub drop_last: bool,
    /// Threads that make batches; with 0 the caller's thread makes each batch when it asks for it. Default 1.
    pub threads: usize,
    /// Batches made ahead; at least one a thread. Default 4.
    pub prefetch: usize,
}

impl LoaderConfig {
    /// The defaults, for these images and draws.
    pub fn new(indices: Vec<usize>, streams: Streams) -> Self {
        Self {
            batch_size: 64,
            indices,
            augment: Augment::none(),
            streams,
            part: 0,
            shuffle: true,
            drop_last: false,
            threads: 1,
            prefetch: 4,
        }
    }
}

/// Makes the batches of any epoch, from any batch on. What a batch holds depends on the settings, the epoch and the
/// batch's number alone: not on threads, nor on what was loaded before.
#[derive(Clone, Debug)]
pub struct Loader {
    data: Arc<dyn Dataset>,
    config: Arc<LoaderConfig>,
    augmenter: Arc<Augmenter>,
}

impl Loader {
    /// Checks the settings against the data.
    ///
    /// # Errors
    /// [`DataError::Setting`] when `batch_size` is 0 or the augmentation cannot be ([`Augment::validate_for`]),
    /// [`DataError::TooFew`] when no index is given or `drop_last` would leave no batch, [`DataError::Index`] and
    /// [`DataError::Set`].
    pub fn new(data: Arc<dyn Dataset>, config: LoaderConfig) -> Result<Self> {
        data.info().validate()?;
        config.augment.validate_for(data.info())?;
        Setting::check(config.batch_size > 0, "batch_size", config.batch_size, "at least 1")?;
        let (available, len) = (config.indices.len(), data.len());
        if available == 0 {
            return Err(DataError::TooFew { wanted: 1, available, hint: "choose at least one image" });
        }
        if config.drop_last && config.batch_size > available {
            let hint = "use a smaller batch or more images: the batch would be larger than the data";
            return Err(DataError::TooFew { wanted: config.batch_size, available, hint });
        }
        if let Some(&index) = config.indices.iter().find(|&&index| index >= len) {
            return Err(DataError::Index { index, len });
        }
        let augmenter = Arc::new(Augmenter::new(config.augment, data.info()));
        Ok(Self { data, config: Arc::new(config), augmenter })
    }

    /// Number of batches in an epoch.
    pub fn batches_per_epoch(&self) -> usize {
        let (images, size) = (self.config.indices.len(), self.config.batch_size);
        if self.config.drop_last { images / size } else { images.div_ceil(size) }
    }

    /// Number of images in an epoch.
    pub fn images_per_epoch(&self) -> usize {
        self.config.indices.len().min(self.batches_per_epoch() * self.config.batch_size)
    }

    /// The data set.
    pub fn dataset(&self) -> &Arc<dyn Dataset> {
        &self.data
    }

    /// The batches of `epoch` from number `start_batch` on; those before it are not read. An error comes as an item
    /// and is the last.
    pub fn epoch(&self, epoch: u64, start_batch: usize) -> Batches {
        let mut order = self.config.indices.clone();
        if self.config.shuffle {
            let mut rng = self.config.streams.rng(SeedStream::Shuffle, epoch, self.config.part);
            dice::shuffle(&mut rng, &mut order);
        }
        let maker = Maker {
            data: Arc::clone(&self.data),
            config: Arc::clone(&self.config),
            augmenter: Arc::clone(&self.augmenter),
            order,
            epoch,
        };
        Batches::start(maker, start_batch, self.batches_per_epoch())
    }
}

#[cfg(test)]
mod tests;
