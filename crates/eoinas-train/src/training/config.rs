//! The settings of a training: one plain struct with documented defaults (the paper's for CIFAR).

use std::path::PathBuf;

use eoinas_core::{
    Genotype, SearchSpace, Skeleton,
    count::{self, Limits},
    models::Design,
    schedule::{Cosine, Linear},
    skeleton::Form,
};
use eoinas_data::{Augment, DatasetInfo, PictureFiles, SourceKind};
use serde::{Deserialize, Serialize};

use super::{data::open_parts, init::InitConfig, presets::TrainPreset};
use crate::{
    config::{DataConfig, NetworkConfig, WeightsConfig},
    error::Result,
    run::Options,
};

/// Everything that decides what a training does, the genotype apart. Written to `config.json` and read again when the
/// run is resumed.
///
/// ```
/// use eoinas_train::TrainConfig;
/// let config = TrainConfig { epochs: 50, seed: 7, ..TrainConfig::paper_cifar() };
/// config.validate()?;
/// # Ok::<(), eoinas_train::TrainError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// The preset that these settings started from; kept for the record.
    pub preset: TrainPreset,
    /// Initial weights, order of the images, augmentation and drop-path follow from it. Default: 0.
    pub seed: u64,
    /// Seed of the choice of `data.train_images`. `None` (default): `seed`. Runs to be compared share it.
    pub split_seed: Option<u64>,
    /// Passes over the training images. Default: 600.
    pub epochs: usize,
    /// Images in a mini-batch. Default: 128.
    pub batch_size: usize,
    /// Mini-batches whose gradients make one update, weighted by their images. Default: 1. BatchNorm's statistics stay
    /// those of each mini-batch, so 2 of 64 are not quite one of 128.
    pub accumulate: usize,
    /// The images.
    pub data: TrainDataConfig,
    /// Stem and stacking. Default: CIFAR's.
    pub form: Form,
    /// Size of the network. Default: C = 36, 20 cells. Classes and image size come from the data.
    pub network: NetworkConfig,
    /// Give each network the number of channels with which it comes closest to so many multiply-adds an image, whatever
    /// `network.channels` says ([`count::channels_for`]): cells are compared at equal cost. `None` (default): the settings'
    /// channels.
    #[serde(default)]
    pub multiply_adds: Option<u64>,
    /// The most that each network may cost: number of cells and of channels are fitted to it ([`Limits::fit`]), whatever
    /// `network` says of them. Not together with `multiply_adds`. Default: none.
    #[serde(default, skip_serializing_if = "Limits::are_none")]
    pub limits: Limits,
    /// What is done to training images. Default: crop with 4 pixels of padding, flip, cutout of 16 pixels.
    pub augment: Augment,
    /// Update of the weights. Default: SGD with momentum 0.9, L2 decay 3e-4, gradients clipped to norm 5, learning rate
    /// half a cosine from 0.025 to 0. A warm-up is a schedule around it ([`eoinas_core::schedule::Warmup`]).
    pub weights: WeightsConfig,
    /// Probability of dropping a path that the last epoch comes close to, on a line from 0 ([`Linear`]). Default: 0.3.
    pub drop_path: f64,
    /// Weight of the auxiliary head's loss; 0: no such head. Default: 0.4.
    pub auxiliary: f64,
    /// Label smoothing of the training loss, 0 to 1. Default: 0.
    pub label_smoothing: f64,
    /// Decay of an exponential moving average of the weights, which is evaluated and delivered beside them. Default:
    /// `None`, no average.
    pub average: Option<f64>,
    /// Evaluate with BatchNorm's statistics of each mini-batch of the evaluated images instead of the running ones, which
    /// lag behind the weights where a training has few steps. Default: false.
    #[serde(default)]
    pub batch_statistics: bool,
    /// Weights to begin with. Default: none, they are drawn by the seed.
    #[serde(default)]
    pub init: Option<InitConfig>,
    /// End before the last epoch where no epoch gets better any more, and deliver the best one. Default: none, all epochs are
    /// trained and the last one is the result.
    #[serde(default)]
    pub early_stopping: Option<EarlyStopping>,
    /// Whether classes of few images weigh more in the training loss. Default: none does.
    #[serde(default)]
    pub class_weights: ClassWeights,
    /// Newest checkpoints kept beside the best. Default: 1.
    pub keep_checkpoints: usize,
}

/// When a training ends early.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// After so many epochs without a better score than that of the best one. The learning rate's schedule goes by the epochs of
    /// the settings all the same.
    pub epochs: usize,
    /// The score is that on this share (0 to 1) of the training images, which train nothing: drawn by the split's seed, balanced
    /// over the classes. The images that the training is tested on are looked at once, at its end.
    pub held_out: f64,
}

/// How much the images of each class weigh in the training loss.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeights {
    /// All the same.
    #[default]
    None,
    /// By the inverse of their number, with mean 1 over the training images ([`eoinas_nn::task::WeightedClasses::balanced`]).
    Balanced,
}

/// One part of a cross-validation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fold {
    /// Its number, from 0.
    pub fold: usize,
    /// How many there are.
    pub of: usize,
}

/// The images of a training.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainDataConfig {
    /// Which set. Default: embedded.
    pub dataset: SourceKind,
    /// Its folder; every set but the embedded one needs it. Written as an absolute path.
    #[serde(serialize_with = "crate::run::absolute")]
    pub dir: Option<PathBuf>,
    /// Use only so many training images, balanced over the classes. `None` (default): all; of the embedded set 5,000.
    pub train_images: Option<usize>,
    /// Use only so many test images, balanced over the classes. `None` (default): all; of the embedded set 2,000.
    pub test_images: Option<usize>,
    /// Evaluate on this share (0 to 1) of the training images instead of the test part, which is then not opened: they are
    /// drawn by the split's seed, balanced over the classes, and train nothing. `None` (default): the test part.
    #[serde(default)]
    pub held_out: Option<f64>,
    /// Evaluate on one fold of the training images instead of the test part, which is then not opened; of a folder without a test
    /// part all pictures are training images then. Folds are dealt by the split's seed, balanced over the classes
    /// ([`eoinas_data::split::fold`]). `None` (default): the test part.
    #[serde(default)]
    pub fold: Option<Fold>,
    /// Height and width that the images of a folder get. Default: 32.
    pub image_size: Option<usize>,
    /// Whether unreadable images of a folder are left out, and named in the record, instead of ending the run. Default:
    /// false.
    pub skip_unreadable: bool,
    /// The most pixels (rows times columns) of an image of a folder that is decoded; larger ones are unreadable. `None`
    /// (default): 100 million.
    #[serde(default)]
    pub max_pixels: Option<u64>,
    /// Which files of a folder are its pictures. Default: all that can be read; of settings that do not say it, PNG and JPEG
    /// alone, as they were written when others were left out.
    #[serde(default = "PictureFiles::unsaid")]
    pub files: PictureFiles,
    /// A table (CSV) with the columns `file` and `label` that says which pictures of the folder are of which class. `None`
    /// (default): its subfolders are the classes. Written as an absolute path.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "crate::run::absolute")]
    pub labels: Option<PathBuf>,
}

/// The images of a search, for a training: as many of the training part, all of the test part.
impl From<&DataConfig> for TrainDataConfig {
    fn from(search: &DataConfig) -> Self {
        Self {
            dataset: search.dataset,
            dir: search.dir.clone(),
            train_images: search.train_images,
            test_images: None,
            held_out: None,
            fold: None,
            image_size: search.image_size,
            skip_unreadable: search.skip_unreadable,
            max_pixels: search.max_pixels,
            files: search.files,
            labels: search.labels.clone(),
        }
    }
}

/// The values of one epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpochValues {
    /// Learning rate of the weights.
    pub learning_rate: f64,
    /// Probability of dropping a path.
    pub drop_path: f64,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            preset: TrainPreset::PaperCifar,
            seed: 0,
            split_seed: None,
            epochs: 600,
            batch_size: 128,
            accumulate: 1,
            data: TrainDataConfig::default(),
            form: Form::Cifar,
            network: NetworkConfig { channels: 36, cells: 20, ..NetworkConfig::default() },
            multiply_adds: None,
            limits: Limits::default(),
            augment: Augment::retrain(),
            weights: WeightsConfig {
                learning_rate: Cosine { start: 0.025, end: 0.0 }.into(),
                ..WeightsConfig::default()
            },
            drop_path: 0.3,
            auxiliary: 0.4,
            label_smoothing: 0.0,
            average: None,
            batch_statistics: false,
            init: None,
            early_stopping: None,
            class_weights: ClassWeights::None,
            keep_checkpoints: 1,
        }
    }
}

impl TrainConfig {
    /// These settings for a human-designed network, which has no paths to drop and no auxiliary head.
    #[must_use]
    pub fn for_model(self) -> Self {
        Self { drop_path: 0.0, auxiliary: 0.0, ..self }
    }

    /// The same where what is trained is a human-designed network or a chain; as they are for a cell.
    #[must_use]
    pub fn for_design(self, design: &Design) -> Self {
        if design.model().is_some() { self.for_model() } else { self }
    }

    /// The network before it is fitted to anything, for images like those of `info`.
    pub fn unlimited(&self, info: &DatasetInfo) -> Skeleton {
        self.network.skeleton(self.form, info)
    }

    /// The network of a cell for images like those of `info`.
    ///
    /// # Errors
    /// A network that cannot be, not with so many multiply-adds, or not within the limits.
    pub fn skeleton(&self, genotype: &Genotype, space: &SearchSpace, info: &DatasetInfo) -> Result<Skeleton> {
        let skeleton = self.unlimited(info);
        skeleton.validate(space)?;
        if !self.limits.are_none() {
            return Ok(self.limits.fit(genotype, &skeleton, space)?);
        }
        Ok(match self.multiply_adds {
            Some(cost) => Skeleton { channels: count::channels_for(genotype, &skeleton, space, cost)?, ..skeleton },
            None => skeleton,
        })
    }

    /// The network before it is fitted to anything, for the images that the settings name.
    ///
    /// # Errors
    /// Images that cannot be opened.
    pub fn unlimited_for(&self, options: &mut Options) -> Result<Skeleton> {
        Ok(self.unlimited(open_parts(self, options)?.0.info()))
    }

    pub(crate) fn epoch(&self, epoch: usize) -> EpochValues {
        let (at, of) = (epoch as f64, self.epochs as f64);
        let drop_path = Linear { start: 0.0, end: self.drop_path, inclusive: false };
        EpochValues { learning_rate: self.weights.learning_rate.value(at, of), drop_path: drop_path.value(at, of) }
    }
}
