//! Named sets of training settings.

use std::{fmt, str::FromStr};

use eoinas_core::{Setting, schedule::Linear, skeleton::Form};
use eoinas_data::{Augment, ColourJitter, RandomCrop, SourceKind};
use serde::{Deserialize, Serialize};

use super::config::{TrainConfig, TrainDataConfig};
use crate::config::{NetworkConfig, WeightsConfig};

/// A named set of training settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::EnumMessage)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum TrainPreset {
    /// The paper's Section 4.1: 600 epochs, C = 36, 20 cells.
    PaperCifar,
    /// The paper's Section 4.4: 250 epochs, C = 48, 14 cells, images of 224 x 224 pixels from folders.
    PaperImagenet,
    /// Minutes on two cores: a small network, few epochs.
    Quick,
}

impl TrainPreset {
    /// All presets.
    pub const ALL: [Self; 3] = [Self::PaperCifar, Self::PaperImagenet, Self::Quick];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::PaperCifar => "paper-cifar",
            Self::PaperImagenet => "paper-imagenet",
            Self::Quick => "quick",
        }
    }

    /// What it is, in a sentence.
    pub fn about(self) -> &'static str {
        strum::EnumMessage::get_documentation(&self).unwrap_or_default()
    }

    /// Its settings.
    pub fn config(self) -> TrainConfig {
        match self {
            Self::PaperCifar => TrainConfig::paper_cifar(),
            Self::PaperImagenet => TrainConfig::paper_imagenet(),
            Self::Quick => TrainConfig::quick(),
        }
    }
}

impl fmt::Display for TrainPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for TrainPreset {
    type Err = Setting;

    fn from_str(text: &str) -> Result<Self, Setting> {
        let found = Self::ALL.into_iter().find(|preset| preset.name() == text);
        found.ok_or_else(|| Setting::new("preset", text, "paper-cifar, paper-imagenet or quick"))
    }
}

impl TrainConfig {
    /// The paper's settings for CIFAR.
    pub fn paper_cifar() -> Self {
        Self::default()
    }

    /// The paper's settings for ImageNet: learning rate 0.1 on a line to 0 (the authors' code multiplies by 0.97 each
    /// epoch: an [`eoinas_core::schedule::Exponential`]), L2 decay 3e-5, label smoothing 0.1, no drop-path.
    pub fn paper_imagenet() -> Self {
        Self {
            preset: TrainPreset::PaperImagenet,
            epochs: 250,
            data: TrainDataConfig { dataset: SourceKind::Folder, image_size: Some(224), ..TrainDataConfig::default() },
            form: Form::ImageNet,
            network: NetworkConfig { channels: 48, cells: 14, stem_multiplier: 1, layers: None, max_ops: None },
            augment: Augment::imagenet(),
            weights: WeightsConfig {
                learning_rate: Linear { start: 0.1, end: 0.0, inclusive: false }.into(),
                weight_decay: 3e-5,
                ..WeightsConfig::default()
            },
            drop_path: 0.0,
            label_smoothing: 0.1,
            ..Self::paper_cifar()
        }
    }

    /// Minutes on two cores: C = 8, 5 cells, 10 epochs, and none of the means against overfitting that need many
    /// epochs to pay; on the second embedded set where there is no other.
    pub fn quick() -> Self {
        Self {
            preset: TrainPreset::Quick,
            data: TrainDataConfig { dataset: SourceKind::EmbeddedV2, ..TrainDataConfig::default() },
            epochs: 10,
            batch_size: 64,
            network: NetworkConfig { channels: 8, cells: 5, ..NetworkConfig::default() },
            augment: Augment::search(),
            drop_path: 0.0,
            auxiliary: 0.0,
            ..Self::paper_cifar()
        }
    }

    /// The same settings for a folder of pictures that become images of `size` x `size` pixels: random windows of at
    /// least a quarter of the picture, flip, mild changes of colour, and from 128 pixels on the ImageNet form, which
    /// works at an eighth of the resolution.
    pub fn for_pictures(self, size: usize) -> Self {
        let crop = RandomCrop { area: (0.25, 1.0), ..RandomCrop::default() };
        let jitter = ColourJitter { brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05 };
        let form = if size >= 128 { Form::ImageNet } else { self.form };
        let augment = Augment { pad: 0, flip: true, crop: Some(crop), jitter: Some(jitter), ..self.augment };
        let data = TrainDataConfig { dataset: SourceKind::Folder, image_size: Some(size), ..self.data };
        Self { form, augment, data, ..self }
    }
}
