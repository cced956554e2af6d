//! The network that cells are stacked into: stem, layers, channels, where the resolution halves.

use serde::{Deserialize, Serialize};

use crate::space::{CellKind, SearchSpace};

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
        /// Channels of each of its inputs, first the output of the cell before the last (as the space's `inputs`).
        input_channels: Vec<usize>,
        /// Whether the first input has twice the resolution of the last one and needs a factorised reduce.
        reduce_first: bool,
        /// Height and width of its last input.
        input_size: (usize, usize),
        /// Height and width of its output.
        output_size: (usize, usize),
    },
    /// NAS-Bench-201's residual block of stride 2.
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
    /// The layers of this skeleton filled with the cells of `space`.
    pub fn layers(&self, space: &SearchSpace) -> Vec<Layer> {
        let _ = space;
        Vec::new()
    }
}
