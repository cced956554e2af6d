//! What the forms of networks stand for. Nothing else in the workspace asks for the form.

use serde::{Deserialize, Serialize};

use super::Skeleton;
use crate::network::NormOptions;

/// Shape of the stem and of the whole network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// 3x3 convolution to `stem_multiplier * channels`, BatchNorm; reduction cells at L/3 and 2L/3.
    Cifar,
    /// Three stride-2 3x3 convolutions (C/2, C, C); cells see 1/4 and 1/8 resolution; reductions at L/3 and 2L/3.
    ImageNet,
    /// NAS-Bench-201: stem to C channels, three stages of `cells / 3` cells with residual blocks of stride 2 between.
    NasBench201,
}

impl Form {
    /// The number of equally long stages, of which the number of cells is a multiple: 3 for NAS-Bench-201, else 1.
    pub fn stages(self) -> usize {
        match self {
            Self::Cifar | Self::ImageNet => 1,
            Self::NasBench201 => 3,
        }
    }
}

/// What a form says of a network with this skeleton's numbers.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Channels out and stride of the stem's 3x3 convolutions.
    pub stem: Vec<(usize, usize)>,
    /// Of how many of them, counted from the last, the cells read the outputs.
    pub stem_features: usize,
    /// Whether each input of a cell goes through ReLU, 1x1 convolution and BatchNorm to the cell's channels.
    pub preprocessing: bool,
    /// Whether residual blocks halve the resolution, whatever cells there are.
    pub residual_blocks: bool,
    /// The most inputs that a cell can have.
    pub most_inputs: usize,
    /// BatchNorm layers of the supernet.
    pub search_norm: NormOptions,
    /// Whether BatchNorm and ReLU stand before the classifier.
    pub head_norm: bool,
    /// Step of the auxiliary head's average pool.
    pub auxiliary_stride: usize,
    /// Whether a BatchNorm follows the auxiliary head's second convolution.
    pub auxiliary_norm: bool,
}

impl Skeleton {
    pub(crate) fn rules(&self) -> Rules {
        let c = self.channels;
        let cifar = Rules {
            // Asked for before the numbers are checked, too.
            stem: vec![(self.stem_multiplier.saturating_mul(c), 1)],
            stem_features: 1,
            preprocessing: true,
            residual_blocks: false,
            most_inputs: 2,
            search_norm: NormOptions::SEARCH,
            head_norm: false,
            auxiliary_stride: 3,
            auxiliary_norm: true,
        };
        match self.form {
            Form::Cifar => cifar,
            Form::ImageNet => Rules {
                stem: vec![(c / 2, 2), (c, 2), (c, 2)],
                stem_features: 2,
                auxiliary_stride: 2,
                auxiliary_norm: false,
                ..cifar
            },
            Form::NasBench201 => Rules {
                stem: vec![(c, 1)],
                preprocessing: false,
                residual_blocks: true,
                most_inputs: 1,
                search_norm: NormOptions::NAS_BENCH_201,
                head_norm: true,
                ..cifar
            },
        }
    }
}
