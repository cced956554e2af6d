//! The images of a search: from settings to loaders.

use std::{collections::BTreeMap, sync::Arc};

use candle_core::Device;
use eoinas_core::{Setting, Streams, event};
use eoinas_data::{Augment, Dataset, Loader, LoaderConfig, Part, Source, Split};
use eoinas_nn::Batch;

use crate::{
    config::{DataConfig, SearchConfig},
    error::Result,
};

/// The training part that `config` names.
///
/// # Errors
/// A folder that is missing, empty, or not in the format of the set.
pub fn open_dataset(config: &DataConfig) -> Result<Arc<dyn Dataset>> {
    let mut source = Source::new(config.dataset, config.dir.clone());
    // Images that are drawn are drawn in the number that is asked for.
    source.embedded_train = config.train_images.unwrap_or(source.embedded_train);
    source.folder_size = config.image_size.unwrap_or(source.folder_size);
    source.skip_unreadable = config.skip_unreadable;
    source.max_pixels = config.max_pixels;
    source.files = config.files;
    source.labels = config.labels.clone();
    Ok(source.open(Part::Train)?)
}

/// Both halves of the images as batches.
#[derive(Clone, Debug)]
pub struct SearchData {
    /// The training half, shuffled and augmented.
    pub train: Loader,
    /// The validation half, shuffled for the architecture steps.
    pub valid: Loader,
    /// The whole validation half in a fixed order, never augmented.
    pub whole_valid: Loader,
}

impl SearchData {
    /// Splits `dataset` as `config` says.
    ///
    /// # Errors
    /// Too few images, or a batch that is larger than a half.
    pub fn new(config: &SearchConfig, dataset: Arc<dyn Dataset>) -> Result<Self> {
        let split_streams = Streams::new(config.split_seed.unwrap_or(config.seed));
        let split = Split::new(dataset.as_ref(), config.data.split, config.data.train_images, &split_streams)?;
        let half = split.train.len().min(split.valid.len());
        if config.batch_size > half {
            let images = split.train.len() + split.valid.len();
            let got =
                format!("{}, larger than half of the data ({half} of {images} training images)", config.batch_size);
            return Err(Setting::new("batch_size", got, format!("at most {half}, or more images")).into());
        }
        let streams = Streams::new(config.seed);
        let loader = |indices: Vec<usize>, augment, part, shuffle| {
            let config = LoaderConfig {
                batch_size: config.batch_size,
                augment,
                part,
                shuffle,
                ..LoaderConfig::new(indices, streams)
            };
            Loader::new(Arc::clone(&dataset), config)
        };
        let augment = Augment::search_for(dataset.info());
        let valid_augment = if config.data.augment_valid { augment } else { Augment::none() };
        Ok(Self {
            train: loader(split.train, augment, 0, true)?,
            valid: loader(split.valid.clone(), valid_augment, 1, true)?,
            whole_valid: loader(split.valid, Augment::none(), 2, false)?,
        })
    }

    /// Steps of an epoch: batches that both halves have.
    pub fn steps(&self) -> usize {
        self.train.batches_per_epoch().min(self.valid.batches_per_epoch())
    }

    /// What the record says about the images.
    pub fn describe(&self) -> event::DatasetInfo {
        describe(&self.train, &self.valid)
    }
}

/// What the record says about the images of both loaders.
pub(crate) fn describe(train: &Loader, valid: &Loader) -> event::DatasetInfo {
    let info = train.dataset().info();
    event::DatasetInfo {
        name: info.name.clone(),
        train_images: train.images_per_epoch() as u64,
        valid_images: valid.images_per_epoch() as u64,
        classes: info.target.classes().unwrap_or_default().to_vec(),
        target: Some(&info.target).filter(|target| target.classes().is_none()).cloned(),
    }
}

/// The share of the samples that are of the most frequent class: what naming it always would reach.
pub(crate) fn largest_class(classes: &[u32]) -> f64 {
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    classes.iter().for_each(|class| *counts.entry(*class).or_default() += 1);
    counts.values().copied().max().unwrap_or(0) as f64 / classes.len().max(1) as f64
}

/// A loader's batch as the network takes it.
pub(crate) fn to_device(batch: eoinas_data::Batch, device: &Device) -> Result<Batch> {
    Ok(Batch::from_pixels(batch.images, (batch.n, batch.h, batch.w, batch.c), batch.targets, device)?)
}
