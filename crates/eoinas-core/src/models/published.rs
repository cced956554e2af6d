//! Where the networks come from, and what their papers say they cost.

use super::kind::{ModelForm, ModelKind};

/// The paper of a network, and costs that were published for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedModel {
    /// Title of the paper.
    pub title: &'static str,
    /// Who wrote it.
    pub authors: &'static str,
    /// Year of the conference.
    pub year: u16,
    /// What it costs in the forms for which that was published, as rounded there.
    pub figures: &'static [PublishedFigures],
}

/// Published costs of a network in one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublishedFigures {
    /// The form.
    pub form: ModelForm,
    /// Trained parameters.
    pub parameters: Option<u64>,
    /// Multiply-adds for one image.
    pub multiply_adds: Option<u64>,
    /// Where that stands.
    pub source: &'static str,
}

const fn cifar(parameters: u64, source: &'static str) -> PublishedFigures {
    PublishedFigures { form: ModelForm::Cifar, parameters: Some(parameters), multiply_adds: None, source }
}

const fn imagenet(parameters: Option<u64>, multiply_adds: u64, source: &'static str) -> PublishedFigures {
    PublishedFigures { form: ModelForm::ImageNet, parameters, multiply_adds: Some(multiply_adds), source }
}

const RESNET: PublishedModel = PublishedModel {
    title: "Deep residual learning for image recognition",
    authors: "He, Zhang, Ren, Sun",
    year: 2016,
    figures: &[],
};
const PREACT: PublishedModel = PublishedModel { title: "Identity mappings in deep residual networks", ..RESNET };
const INCEPTION: PublishedModel = PublishedModel {
    title: "Going deeper with convolutions",
    authors: "Szegedy et al.",
    year: 2015,
    figures: &[imagenet(None, 1_500_000_000, "section 1")],
};

impl ModelKind {
    /// Its paper, and what was published of its costs.
    pub fn published(self) -> PublishedModel {
        match self {
            Self::ResNet20 => PublishedModel { figures: const { &[cifar(270_000, "table 6")] }, ..RESNET },
            Self::ResNet56 => PublishedModel { figures: const { &[cifar(850_000, "table 6")] }, ..RESNET },
            Self::ResNet110 => PublishedModel { figures: const { &[cifar(1_700_000, "table 6")] }, ..RESNET },
            Self::PreactResNet20 | Self::PreactResNet56 | Self::PreactResNet110 => PREACT,
            Self::ResNet18 => {
                PublishedModel { figures: const { &[imagenet(None, 1_800_000_000, "table 1")] }, ..RESNET }
            }
            Self::ResNet50 => {
                PublishedModel { figures: const { &[imagenet(None, 3_800_000_000, "table 1")] }, ..RESNET }
            }
            Self::DenseNetBc => PublishedModel {
                title: "Densely connected convolutional networks",
                authors: "Huang, Liu, van der Maaten, Weinberger",
                year: 2017,
                figures: const { &[cifar(25_600_000, "table 2")] },
            },
            Self::SeNet => PublishedModel {
                title: "Squeeze-and-excitation networks",
                authors: "Hu, Shen, Sun",
                year: 2018,
                figures: const { &[cifar(11_200_000, "EoiNAS, table 1")] },
            },
            Self::InceptionV1 => PublishedModel {
                figures: const { &[imagenet(Some(6_600_000), 1_448_000_000, "EoiNAS, table 2")] },
                ..INCEPTION
            },
            Self::InceptionV1With5x5 => INCEPTION,
            Self::MobileNetV2 => PublishedModel {
                title: "MobileNetV2: inverted residuals and linear bottlenecks",
                authors: "Sandler, Howard, Zhu, Zhmoginov, Chen",
                year: 2018,
                figures: const { &[imagenet(Some(3_400_000), 300_000_000, "table 4")] },
            },
            Self::MobileNetV3 => PublishedModel {
                title: "Searching for MobileNetV3",
                authors: "Howard et al.",
                year: 2019,
                figures: const { &[imagenet(Some(5_400_000), 219_000_000, "table 3")] },
            },
            Self::Chain => PublishedModel {
                title: "Designing neural network architectures using reinforcement learning",
                authors: "Baker, Gupta, Naik, Raskar",
                year: 2017,
                figures: &[],
            },
            Self::Stages => PublishedModel { title: "Genetic CNN", authors: "Xie, Yuille", year: 2017, figures: &[] },
            Self::Motifs => PublishedModel {
                title: "Hierarchical representations for efficient architecture search",
                authors: "Liu, Simonyan, Vinyals, Fernando, Kavukcuoglu",
                year: 2018,
                figures: &[],
            },
            Self::DenseNet => PublishedModel {
                title: "Efficient architecture search by network transformation",
                authors: "Cai, Chen, Zhang, Yu, Wang",
                year: 2018,
                figures: &[],
            },
            Self::ShuffleNet => PublishedModel {
                title: "ShuffleNet: an extremely efficient convolutional neural network for mobile devices",
                authors: "Zhang, Zhou, Lin, Sun",
                year: 2018,
                figures: const {
                    &[
                        imagenet(
                            Some(5_400_000),
                            524_000_000,
                            "the authors' models, github.com/megvii-model/ShuffleNet-Series",
                        ),
                        imagenet(Some(5_000_000), 524_000_000, "EoiNAS, table 2"),
                    ]
                },
            },
        }
    }
}
