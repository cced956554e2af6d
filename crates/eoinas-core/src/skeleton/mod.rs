//! The network that cells are stacked into: stem, layers, channels, where the resolution halves.

mod auxiliary;
mod layers;
mod validate;

use serde::{Deserialize, Serialize};

use crate::space::CellKind;

pub use auxiliary::Auxiliary;
pub use validate::SkeletonError;

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

/// The network as a plain description. `classes`, `channels` and `cells` are the usual knobs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skeleton {
    /// Stem and stacking.
    pub form: Form,
    /// Initial number of channels C. Paper: 16 in the search, 36 in CIFAR retraining, 48 on ImageNet.
    pub channels: usize,
    /// Number of cells L. Paper: 8, 20, 14. For NAS-Bench-201 three times its N.
    pub cells: usize,
    /// Stem channels as a multiple of C: 3 (DARTS form); NAS-Bench-201 and ImageNet ignore it.
    pub stem_multiplier: usize,
    /// Number of classes.
    pub classes: usize,
    /// Channels of an image.
    pub image_channels: usize,
    /// Height of an image in pixels.
    pub height: usize,
    /// Width of an image in pixels.
    pub width: usize,
}

/// What stands at one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layer {
    /// A searched cell.
    Cell {
        /// Which kind.
        kind: CellKind,
        /// Channels of every node in it.
        channels: usize,
        /// Channels of each of its inputs, first the output of the layer before the last (as the space's `inputs`). In
        /// the DARTS forms each input goes through ReLU, 1x1 convolution and BatchNorm to `channels` first; in
        /// NAS-Bench-201's nothing stands between, the channels are equal already.
        input_channels: Vec<usize>,
        /// Whether the first input has twice the resolution of the last one: a factorised reduce takes the place of its
        /// 1x1 convolution.
        reduce_first: bool,
        /// Height and width of its last input.
        input_size: (usize, usize),
        /// Height and width of its output.
        output_size: (usize, usize),
    },
    /// NAS-Bench-201's residual block of stride 2: two ReLU, 3x3 convolution, BatchNorm, the first with stride 2, added to
    /// a 2x2 average pool and 1x1 convolution. It also stands before a layer that should reduce in a space without a
    /// reduction cell.
    Residual {
        /// Channels in.
        input_channels: usize,
        /// Channels out.
        channels: usize,
        /// Height and width of its input.
        input_size: (usize, usize),
    },
}

impl Skeleton {
    /// The paper's search network: 8 cells, 16 channels, 32x32 colour images, 10 classes.
    pub fn search() -> Self {
        Self {
            form: Form::Cifar,
            channels: 16,
            cells: 8,
            stem_multiplier: 3,
            classes: 10,
            image_channels: 3,
            height: 32,
            width: 32,
        }
    }

    /// The paper's CIFAR-10 network: 20 cells, 36 channels.
    pub fn cifar() -> Self {
        Self { channels: 36, cells: 20, ..Self::search() }
    }

    /// The paper's ImageNet network: 14 cells, 48 channels, 224x224 images, 1000 classes.
    pub fn imagenet() -> Self {
        Self {
            form: Form::ImageNet,
            channels: 48,
            cells: 14,
            stem_multiplier: 1,
            classes: 1000,
            height: 224,
            width: 224,
            ..Self::search()
        }
    }

    /// NAS-Bench-201's CIFAR-10 network: three stages of `n` cells with 16, 32 and 64 channels. The benchmark has n = 5.
    pub fn nas_bench_201(n: usize) -> Self {
        Self { form: Form::NasBench201, cells: n.saturating_mul(3), stem_multiplier: 1, ..Self::search() }
    }

    /// The same network with another number of classes.
    pub fn with_classes(self, classes: usize) -> Self {
        Self { classes, ..self }
    }

    /// The same network for images of another shape.
    pub fn with_image(self, channels: usize, height: usize, width: usize) -> Self {
        Self { image_channels: channels, height, width, ..self }
    }

    /// Channels that leave the stem.
    pub fn stem_channels(&self) -> usize {
        match self.form {
            Form::Cifar => self.stem_multiplier * self.channels,
            Form::ImageNet | Form::NasBench201 => self.channels,
        }
    }

    /// Whether the network halves its resolution and doubles its channels at layer `index` (counted in cells): L/3 and
    /// 2L/3 by integer division, which are also the first cells of NAS-Bench-201's second and third stage.
    pub fn reduces_at(&self, index: usize) -> bool {
        index == self.cells / 3 || index == 2 * self.cells / 3
    }
}
