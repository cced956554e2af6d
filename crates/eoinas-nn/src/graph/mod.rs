//! A network for evaluation as a list of plain operations with their weights: what an exporter reads.
//!
//! Shapes are channels-last, as in the rest of this crate; the weights are those of [`crate::InferenceNetwork`], whose
//! BatchNorm is folded away.

mod builder;

use candle_core::Tensor;
use eoinas_core::models::Activation;

pub use builder::GraphBuilder;

/// Running number of a value: that of the node that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ValueId(pub(super) usize);

impl ValueId {
    /// The index into [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// A tensor of weights and the parameter that it is.
#[derive(Clone, Debug)]
pub struct Weight {
    /// Name of the parameter; two weights never share one.
    pub name: String,
    /// Its values.
    pub value: Tensor,
}

/// Rows and columns of zeros around an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Padding {
    /// Rows above.
    pub top: usize,
    /// Columns on the left.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns on the right.
    pub right: usize,
}

impl Padding {
    /// The same number of rows and of columns on both sides.
    pub fn around(rows: usize, columns: usize) -> Self {
        Self { top: rows, left: columns, bottom: rows, right: columns }
    }
}

/// Which pooling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pooling {
    /// Largest value.
    Max,
    /// Mean of the real pixels, padding left out.
    Average,
    /// Mean of the whole window, in which padding counts as zeros.
    PaddedAverage,
}

/// One operation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum GraphOp {
    /// The images `[n, h, w, c]`, normalised.
    Images,
    /// `max(x, 0)`.
    Relu,
    /// Another function of each value.
    Activation(Activation),
    /// Dense convolution.
    Conv {
        /// `[kh, kw, input, output]`.
        weight: Weight,
        /// `[output]`.
        bias: Option<Weight>,
        /// Step in both directions.
        stride: usize,
        /// Zeros around the input.
        padding: Padding,
    },
    /// Convolution in groups of channels that do not see each other.
    GroupedConv {
        /// `[kh, kw, input / groups, output]`.
        weight: Weight,
        /// `[output]`.
        bias: Option<Weight>,
        /// Step in both directions.
        stride: usize,
        /// Zeros around the input.
        padding: Padding,
        /// How many, up to one for each channel.
        groups: usize,
    },
    /// One filter for each channel.
    Depthwise {
        /// `[k, k, channels]`.
        weight: Weight,
        /// Step in both directions.
        stride: usize,
        /// Distance between the filter's taps.
        dilation: usize,
        /// Zeros around the input.
        padding: Padding,
    },
    /// Pooling with a square window.
    Pool {
        /// Largest value or mean, and what padding is.
        pooling: Pooling,
        /// Rows and columns of the window.
        kernel: usize,
        /// Step in both directions.
        stride: usize,
        /// Pixels around the input.
        padding: Padding,
    },
    /// Every `stride`-th pixel in both directions from the first on, and channels of zeros behind those that there are.
    Shortcut {
        /// Step between pixels.
        stride: usize,
        /// Channels of the output.
        channels: usize,
    },
    /// Channel `j` of group `i` becomes channel `i` of group `j`.
    Shuffle {
        /// Groups of the input.
        groups: usize,
    },
    /// The image without its first rows and columns.
    DropFirst {
        /// How many rows: 0 or 1.
        rows: usize,
        /// How many columns: 0 or 1.
        columns: usize,
    },
    /// `scale * x + shift` for each channel, both `[channels]`: a BatchNorm that has no convolution before it.
    Affine {
        /// Factor.
        scale: Weight,
        /// What is added.
        shift: Weight,
    },
    /// The first input, an image, times the second, `[n, c]`: a factor for each channel.
    Scale,
    /// Zeros of the input's shape.
    Zeros,
    /// Sum of all inputs.
    Sum,
    /// The inputs joined along the channels.
    Concat,
    /// Mean over height and width: `[n, c]`.
    GlobalAverage,
    /// `x W + b` on `[n, c]`.
    Linear {
        /// `[input, output]`.
        weight: Weight,
        /// `[output]`.
        bias: Weight,
    },
}

/// An operation and what it reads.
#[derive(Clone, Debug)]
pub struct GraphNode {
    /// The operation.
    pub op: GraphOp,
    /// The values it reads, all made by earlier nodes.
    pub inputs: Vec<ValueId>,
    /// Height, width and channels of its output; 1, 1 and the length where it is `[n, length]`.
    pub shape: [usize; 3],
}

/// A network as a list of operations. The last one makes the logits `[n, classes]`.
#[derive(Clone, Debug)]
pub struct Graph {
    nodes: Vec<GraphNode>,
}

impl Graph {
    /// The operations in the order in which they run; the first one is [`GraphOp::Images`].
    pub fn nodes(&self) -> &[GraphNode] {
        &self.nodes
    }
}
