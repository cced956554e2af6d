//! The images of a training: from settings to loaders.

use std::sync::Arc;

use eoinas_core::{Setting, Streams, event};
use eoinas_data::{Augment, Dataset, Loader, LoaderConfig, Part, Source, split};

use super::config::{EarlyStopping, Fold, TrainConfig};
use crate::{data::describe, error::Result, run::Options};

/// Training and test images as batches.
#[derive(Clone, Debug)]
pub struct TrainData {
    /// The training images, shuffled and augmented.
    pub train: Loader,
    /// The images that are evaluated, in a fixed order, never augmented: those of the test part, or training images that
    /// the settings hold out.
    pub test: Loader,
    /// Training images by which the best epoch is chosen, where the settings stop early; in a fixed order, never augmented.
    pub chosen_by: Option<Loader>,
    /// How many training images each class has; empty without classes.
    pub class_counts: Vec<usize>,
}

/// Both parts of the set that is given or that `config` names; the training part twice where the test part is not read.
pub(super) fn open_parts(config: &TrainConfig, options: &mut Options) -> Result<(Arc<dyn Dataset>, Arc<dyn Dataset>)> {
    let data = &config.data;
    let one_part = data.held_out.is_some() || data.fold.is_some();
    match (options.dataset.take(), options.test_dataset.take()) {
        (Some(train), Some(test)) => return Ok((train, test)),
        (Some(train), None) if one_part => return Ok((Arc::clone(&train), train)),
        (Some(_), None) => {
            let expected = "images to test on beside those of `dataset`, or `data.held_out`";
            return Err(Setting::new("test_dataset", "none", expected).into());
        }
        (None, Some(_)) => return Err(Setting::new("dataset", "none", "one's own as `test_dataset` is").into()),
        (None, None) => {}
    }
    let mut source = Source::new(data.dataset, data.dir.clone());
    source.embedded_train = data.train_images.unwrap_or(source.embedded_train);
    source.embedded_test = data.test_images.unwrap_or(source.embedded_test);
    source.folder_size = data.image_size.unwrap_or(source.folder_size);
    source.skip_unreadable = data.skip_unreadable;
    source.max_pixels = data.max_pixels;
    source.files = data.files;
    source.labels = data.labels.clone();
    // A window of a picture is cut before the picture is made small.
    source.pictures = config.augment.crop.is_some();
    source.all = data.fold.is_some();
    if one_part {
        let train = source.open(Part::Train)?;
        return Ok((Arc::clone(&train), train));
    }
    Ok(source.open_parts()?)
}

impl TrainData {
    /// Loaders over `train` and `test` as `config` says; `test` is not read where it holds out training images.
    ///
    /// # Errors
    /// Too few images, a batch that is larger than the training part, parts with different classes.
    pub fn new(config: &TrainConfig, train: Arc<dyn Dataset>, test: Arc<dyn Dataset>) -> Result<Self> {
        let (expected, got) = (&train.info().target, &test.info().target);
        if !expected.asks_the_same(got) {
            let kind = if expected.kind() == got.kind() { expected.kind().to_string() } else { "targets".to_owned() };
            let wanted = format!("those of the training part, {:?}; it has other {kind}", expected.names());
            return Err(
                Setting::new(format!("the {kind} of the test part"), format!("{:?}", got.names()), wanted).into()
            );
        }
        let choice = Streams::new(config.split_seed.unwrap_or(config.seed));
        let train_indices = choose(train.as_ref(), config.data.train_images, &choice)?;
        let strata = split::strata(train.as_ref())?;
        let (train_indices, test, test_indices) = match (config.data.fold, config.data.held_out) {
            (Some(Fold { fold, of }), _) => {
                let split = split::fold(&strata, &train_indices, fold, of, &choice)?;
                (split.train, Arc::clone(&train), split.valid)
            }
            (None, Some(share)) => {
                let split = split::hold_out(&strata, &train_indices, share, &choice)?;
                (split.train, Arc::clone(&train), split.valid)
            }
            (None, None) => {
                let test_indices = choose(test.as_ref(), config.data.test_images, &choice)?;
                (train_indices, test, test_indices)
            }
        };
        let (train_indices, chosen_by) = match config.early_stopping {
            Some(EarlyStopping { held_out, .. }) => {
                let split = split::hold_out(&strata, &train_indices, held_out, &choice)?;
                (split.train, Some(split.valid))
            }
            None => (train_indices, None),
        };
        let class_counts = class_counts(train.as_ref(), &strata, &train_indices);
        let images = train_indices.len();
        if config.batch_size > images {
            let expected = format!(
                "at most {images}: the batch is larger than the data ({images} training images); choose a smaller one, or \
                 more images"
            );
            return Err(Setting::new("batch_size", config.batch_size, expected).into());
        }
        let streams = Streams::new(config.seed);
        let base = |indices| LoaderConfig {
            batch_size: config.batch_size,
            // Files are decoded as they are needed, on every core; images in memory cost too little for that.
            threads: if config.augment.crop.is_some() { cores() } else { 1 },
            prefetch: if config.augment.crop.is_some() { cores().max(4) } else { 4 },
            ..LoaderConfig::new(indices, streams)
        };
        // A last batch of one image would give BatchNorm nothing to average over.
        let drop_last = images % config.batch_size == 1;
        let train_config = LoaderConfig { augment: config.augment, drop_last, ..base(train_indices) };
        let evaluated =
            |indices, part| LoaderConfig { augment: Augment::none(), part, shuffle: false, ..base(indices) };
        let chosen_by = chosen_by.map(|indices| Loader::new(Arc::clone(&train), evaluated(indices, 2))).transpose()?;
        let test = Loader::new(test, evaluated(test_indices, 1))?;
        Ok(Self { train: Loader::new(train, train_config)?, test, chosen_by, class_counts })
    }

    /// The images that are evaluated after every epoch.
    pub fn of_epochs(&self) -> &Loader {
        self.chosen_by.as_ref().unwrap_or(&self.test)
    }

    /// What a reader should know of both parts, each thing once.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = self.train.dataset().info().notes.clone();
        for note in &self.test.dataset().info().notes {
            if !notes.contains(note) {
                notes.push(note.clone());
            }
        }
        notes
    }

    /// What the record says about the images.
    pub fn describe(&self) -> event::DatasetInfo {
        describe(&self.train, self.of_epochs())
    }
}

/// How many of the images each class has; none without classes.
fn class_counts(data: &dyn Dataset, strata: &[u32], indices: &[usize]) -> Vec<usize> {
    let mut counts = vec![0; data.info().target.classes().map_or(0, <[String]>::len)];
    for class in indices.iter().filter_map(|&index| strata.get(index)) {
        if let Some(count) = counts.get_mut(*class as usize) {
            *count += 1;
        }
    }
    counts
}

/// All images, or so many of them, balanced over the classes. A set that was made with that many needs no choice.
fn choose(data: &dyn Dataset, count: Option<usize>, streams: &Streams) -> Result<Vec<usize>> {
    match count {
        Some(count) if count != data.len() => Ok(split::balanced_subset(&split::strata(data)?, count, streams)?),
        _ => Ok((0..data.len()).collect()),
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
