//! The network that a search space, a skeleton and a choice of ops come to: stem, layers, cells, head, with every
//! channel, stride and size.
//!
//! It is worked out here and nowhere else; counting, supernets, derived networks and whatever is exported read it.
//!
//! ```
//! use eoinas_core::network::{LayerSpec, NetworkSpec, Preprocessing};
//! use eoinas_core::{SearchSpace, Skeleton};
//! let network = NetworkSpec::supernet(&SearchSpace::darts(), &Skeleton::search())?;
//! let LayerSpec::Cell(cell) = &network.layers[3] else { panic!("CIFAR's form has no residual blocks") };
//! assert_eq!((cell.channels, cell.input_size), (32, (16, 16)));
//! // Behind a reduction cell, the first of the two inputs has twice the resolution.
//! assert_eq!(cell.inputs[0].preprocessing, Preprocessing::FactorizedReduce);
//! assert_eq!((network.head.channels, network.head.size), (4 * 64, (8, 8)));
//! # Ok::<(), eoinas_core::CoreError>(())
//! ```

mod auxiliary;
mod lower;

use crate::op::{Op, OpShape};
use crate::space::CellKind;

pub use auxiliary::Auxiliary;

/// What the BatchNorm layers in the cells of a network are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormOptions {
    /// A trained scale and shift for each channel. Search: no (the stem apart); retraining: yes.
    pub affine: bool,
    /// Running statistics for evaluation. Search: no, evaluation uses the batch's own; retraining: yes.
    pub running: bool,
    /// A BatchNorm after pooling ops. Search in the DARTS space: yes; retraining and NAS-Bench-201: no.
    pub after_pool: bool,
}

impl NormOptions {
    /// As in a search in the paper's space.
    pub const SEARCH: Self = Self { affine: false, running: false, after_pool: true };
    /// As in a search in NAS-Bench-201's space.
    pub const NAS_BENCH_201: Self = Self { affine: false, running: false, after_pool: false };
    /// As in retraining.
    pub const RETRAINING: Self = Self { affine: true, running: true, after_pool: false };
}

/// A whole network. Features are what layers read: first the stem's, then one for each layer.
#[derive(Clone, Debug)]
pub struct NetworkSpec {
    /// The stem's 3x3 convolutions, one after the other.
    pub stem: Vec<StemConv>,
    /// Of how many of them, counted from the last, the outputs are features: 1, or 2 in the ImageNet form.
    pub stem_features: usize,
    /// What the cells of each kind of the space are made of.
    pub cells: Vec<CellOps>,
    /// The layers in order; layer `i` makes feature `stem_features + i`.
    pub layers: Vec<LayerSpec>,
    /// What follows the last layer.
    pub head: HeadSpec,
    /// BatchNorm layers in cells.
    pub norm: NormOptions,
    auxiliary: Auxiliary,
}

/// A 3x3 convolution of the stem, followed by an affine BatchNorm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StemConv {
    /// Channels in.
    pub input_channels: usize,
    /// Channels out.
    pub channels: usize,
    /// 1 or 2.
    pub stride: usize,
    /// Whether a ReLU comes first: behind another convolution.
    pub relu: bool,
    /// Height and width of the output in pixels.
    pub output_size: (usize, usize),
}

/// What every cell of a kind is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellOps {
    /// Number of nodes, inputs included.
    pub nodes: usize,
    /// The edges, ordered by target node.
    pub edges: Vec<EdgeOps>,
    /// The nodes that are joined into the output.
    pub concat: Vec<usize>,
}

/// An edge of a cell and the ops on it: all candidates in a supernet, one in a derived network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeOps {
    /// Source node.
    pub from: usize,
    /// Target node.
    pub to: usize,
    /// Stride of the ops.
    pub stride: usize,
    /// The ops.
    pub ops: Vec<Op>,
}

/// What stands at one layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LayerSpec {
    /// A cell.
    Cell(CellLayer),
    /// NAS-Bench-201's residual block of stride 2: two ReLU, 3x3 convolution, BatchNorm, the first with stride 2, added
    /// to a 2x2 average pool and 1x1 convolution. It also stands where a space without a reduction cell should reduce.
    Residual(ResidualLayer),
}

/// A cell at its place in the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellLayer {
    /// Which kind.
    pub kind: CellKind,
    /// Channels of every node in it.
    pub channels: usize,
    /// What its input nodes read, first the output of the layer before the last.
    pub inputs: Vec<CellInput>,
    /// Height and width of its input nodes in pixels.
    pub input_size: (usize, usize),
    /// Height and width of the other nodes and of its output in pixels.
    pub output_size: (usize, usize),
    /// Channels of its output: those of all joined nodes.
    pub output_channels: usize,
}

impl CellLayer {
    /// What an op on an edge of this cell works on.
    pub fn shape(&self, edge: &EdgeOps, affine: bool) -> OpShape {
        let (height, width) = if edge.from < self.inputs.len() { self.input_size } else { self.output_size };
        OpShape { channels: self.channels, stride: edge.stride, height, width, affine }
    }
}

/// What an input node of a cell reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellInput {
    /// The feature.
    pub feature: usize,
    /// Its channels.
    pub channels: usize,
    /// What brings it to the cell's channels and size.
    pub preprocessing: Preprocessing,
}

/// What stands between a feature and a cell's input node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preprocessing {
    /// Nothing: NAS-Bench-201's cells read features of their own channels.
    None,
    /// ReLU, 1x1 convolution, BatchNorm.
    Pointwise,
    /// ReLU, two 1x1 convolutions of stride 2 side by side, the second a pixel further along each side that has one, and
    /// BatchNorm: the feature has twice the resolution.
    FactorizedReduce,
}

/// A residual block of stride 2 at its place in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResidualLayer {
    /// The feature it reads.
    pub feature: usize,
    /// Channels in.
    pub input_channels: usize,
    /// Channels out.
    pub channels: usize,
    /// Height and width of its output in pixels.
    pub output_size: (usize, usize),
}

/// What follows the last layer: global average pool and linear layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadSpec {
    /// Channels of the last feature.
    pub channels: usize,
    /// Its height and width in pixels.
    pub size: (usize, usize),
    /// Whether BatchNorm (affine) and ReLU come first: in the NAS-Bench-201 form.
    pub norm: bool,
    /// Length of the output.
    pub classes: usize,
}
