//! Batches, made ahead of their use by the loader's own threads.

mod batches;
mod make;

pub use batches::Batches;

use crate::augment::{Augment, Augmenter};
use crate::dataset::Dataset;
use crate::dice;
use crate::error::{DataError, Result};
use eoinas_core::{SeedStream, Streams};
use make::Maker;
use std::sync::{Arc, Mutex, PoisonError};

/// Some images with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// \[n, h, w, c\], normalised.
    pub images: Vec<f32>,
    /// \[n\]
    pub labels: Vec<u32>,
    /// Number of images.
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
    pool: BufferPool,
}

impl Loader {
    /// Checks the settings against the data.
    ///
    /// # Errors
    /// [`DataError::Config`] when `batch_size` is 0, [`DataError::TooFewImages`] when no index is given or
    /// `drop_last` would leave no batch, [`DataError::IndexOutOfRange`], [`DataError::Info`], and those of
    /// [`Augment::validate`].
    pub fn new(data: Arc<dyn Dataset>, config: LoaderConfig) -> Result<Self> {
        data.info().validate()?;
        config.augment.validate()?;
        if config.batch_size == 0 {
            let expected = "a batch holds at least one image".into();
            return Err(DataError::Config { field: "batch_size", got: "0".into(), expected });
        }
        let (available, len) = (config.indices.len(), data.len());
        if available == 0 {
            return Err(DataError::TooFewImages { wanted: 1, available, hint: "choose at least one image" });
        }
        if config.drop_last && config.batch_size > available {
            let hint = "use a smaller batch or more images: the batch would be larger than the data";
            return Err(DataError::TooFewImages { wanted: config.batch_size, available, hint });
        }
        if let Some(&index) = config.indices.iter().find(|&&index| index >= len) {
            return Err(DataError::IndexOutOfRange { index, len });
        }
        let augmenter = Arc::new(Augmenter::new(config.augment, data.info()));
        Ok(Self { data, config: Arc::new(config), augmenter, pool: BufferPool::default() })
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
            pool: self.pool.clone(),
            order,
            epoch,
        };
        Batches::start(maker, start_batch, self.batches_per_epoch())
    }

    /// Takes a used batch back, so that its memory serves a later one. Optional.
    pub fn give_back(&self, batch: Batch) {
        self.pool.put(batch.images);
    }
}

/// Image buffers to be used again: fresh memory of this size costs a page fault every 4 KiB.
#[derive(Clone, Debug, Default)]
struct BufferPool(Arc<Mutex<Vec<Vec<f32>>>>);

impl BufferPool {
    /// More than this are not kept: a caller may give back what it did not get here.
    const CAPACITY: usize = 16;

    fn put(&self, buffer: Vec<f32>) {
        let mut buffers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if buffers.len() < Self::CAPACITY {
            buffers.push(buffer);
        }
    }

    /// A buffer of `len` numbers, whose values are whatever they were.
    fn take(&self, len: usize) -> Vec<f32> {
        let mut buffer = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        buffer.resize(len, 0.0);
        buffer
    }
}

#[cfg(test)]
mod tests;
