//! Which networks there are.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::setting::Setting;
use crate::spelling::{nearest_name, plain};

/// A human-designed network by its published name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "&'static str")]
#[non_exhaustive]
pub enum ModelKind {
    /// ResNet for CIFAR with 20 layers (He et al. 2016, section 4.2).
    ResNet20,
    /// The same with 56 layers.
    ResNet56,
    /// The same with 110 layers.
    ResNet110,
    /// ResNet for CIFAR with 20 layers, BatchNorm and ReLU before each convolution (He et al. 2016, "Identity mappings").
    PreactResNet20,
    /// The same with 56 layers.
    PreactResNet56,
    /// The same with 110 layers.
    PreactResNet110,
    /// ResNet of two convolutions a block, with 18 layers (He et al. 2016, table 1).
    ResNet18,
    /// ResNet of bottlenecks, with 50 layers (He et al. 2016, table 1).
    ResNet50,
    /// DenseNet-BC: for CIFAR with 190 layers and growth rate 40, for ImageNet DenseNet-121 (Huang et al. 2017).
    DenseNetBc,
    /// ResNet-18 with squeeze-and-excitation (Hu et al. 2018).
    SeNet,
    /// GoogLeNet as later tables count it: 3x3 in place of 5x5 filters, BatchNorm (Szegedy et al. 2015).
    InceptionV1,
    /// GoogLeNet with the paper's 5x5 filters, and BatchNorm.
    InceptionV1With5x5,
    /// MobileNetV2 (Sandler et al. 2018).
    MobileNetV2,
    /// MobileNetV3-Large (Howard et al. 2019).
    MobileNetV3,
    /// ShuffleNet 2x with three groups (Zhang et al. 2018).
    ShuffleNet,
    /// A chain of plain layers, which the settings name one by one ([`Chain`](super::Chain)): what MetaQNN (Baker et al. 2017) and EAS
    /// (Cai et al. 2018) search for.
    Chain,
    /// Stages of connected convolutions, which the settings name one by one ([`Stages`](super::Stages)): what Genetic CNN (Xie and
    /// Yuille 2017) searches for.
    Stages,
    /// Motifs within motifs, by the ops of their edges ([`Motifs`](super::Motifs)): what Hierarchical NAS (Liu et al. 2018) searches
    /// for.
    Motifs,
    /// Dense blocks whose layers have growth rates of their own ([`DenseNet`](super::DenseNet)): what EAS (Cai et al. 2018) grows beside
    /// chains.
    DenseNet,
}

impl ModelKind {
    /// Those that were designed and published; [`BY_TEXT`](Self::BY_TEXT) are the others.
    pub const ALL: [Self; 15] = [
        Self::ResNet20,
        Self::ResNet56,
        Self::ResNet110,
        Self::PreactResNet20,
        Self::PreactResNet56,
        Self::PreactResNet110,
        Self::ResNet18,
        Self::ResNet50,
        Self::DenseNetBc,
        Self::SeNet,
        Self::InceptionV1,
        Self::InceptionV1With5x5,
        Self::MobileNetV2,
        Self::MobileNetV3,
        Self::ShuffleNet,
    ];

    /// Those that are what a text says, which a strategy may have found.
    pub const BY_TEXT: [Self; 4] = [Self::Chain, Self::Stages, Self::Motifs, Self::DenseNet];

    /// Its name, as in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::ResNet20 => "resnet-20",
            Self::ResNet56 => "resnet-56",
            Self::ResNet110 => "resnet-110",
            Self::PreactResNet20 => "preact-resnet-20",
            Self::PreactResNet56 => "preact-resnet-56",
            Self::PreactResNet110 => "preact-resnet-110",
            Self::ResNet18 => "resnet-18",
            Self::ResNet50 => "resnet-50",
            Self::DenseNetBc => "densenet-bc",
            Self::SeNet => "senet",
            Self::InceptionV1 => "inception-v1",
            Self::InceptionV1With5x5 => "inception-v1-5x5",
            Self::MobileNetV2 => "mobilenet-v2",
            Self::MobileNetV3 => "mobilenet-v3",
            Self::ShuffleNet => "shufflenet",
            Self::Chain => "chain",
            Self::Stages => "stages",
            Self::Motifs => "motifs",
            Self::DenseNet => "densenet",
        }
    }

    /// The forms in which it is defined.
    pub fn forms(self) -> &'static [ModelForm] {
        match self {
            Self::ResNet20 | Self::ResNet56 | Self::ResNet110 => &[ModelForm::Cifar],
            Self::PreactResNet20 | Self::PreactResNet56 | Self::PreactResNet110 => &[ModelForm::Cifar],
            _ => &[ModelForm::Cifar, ModelForm::ImageNet],
        }
    }
}

impl fmt::Display for ModelKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Case, hyphens, underscores and blanks make no difference; the error of another name offers the nearest.
impl FromStr for ModelKind {
    type Err = Setting;

    fn from_str(name: &str) -> Result<Self, Setting> {
        let names = || Self::ALL.map(Self::name);
        let wanted = plain(name);
        let found = Self::ALL.into_iter().chain(Self::BY_TEXT).find(|kind| plain(kind.name()) == wanted);
        found.ok_or_else(|| {
            let meant = nearest_name(name, names()).map_or_else(String::new, |near| format!(" (is {near} meant?)"));
            let shown: String = name.chars().take(64).collect();
            Setting::new("network", shown, format!("one of {}{meant}", names().join(", ")))
        })
    }
}

impl TryFrom<String> for ModelKind {
    type Error = Setting;

    fn try_from(name: String) -> Result<Self, Setting> {
        name.parse()
    }
}

impl From<ModelKind> for &'static str {
    fn from(kind: ModelKind) -> Self {
        kind.name()
    }
}

/// Which images a network's beginning is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ModelForm {
    /// Small images like CIFAR's, 32 x 32.
    Cifar,
    /// Images like ImageNet's, 224 x 224: the resolution is divided by four or more before the first blocks.
    ImageNet,
}

impl ModelForm {
    /// Height, width and channels of the images that tables count with.
    pub fn images(self) -> [usize; 3] {
        match self {
            Self::Cifar => [32, 32, 3],
            Self::ImageNet => [224, 224, 3],
        }
    }

    /// Classes that tables count with.
    pub fn classes(self) -> usize {
        match self {
            Self::Cifar => 10,
            Self::ImageNet => 1000,
        }
    }
}
