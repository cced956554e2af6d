//! A network as a list of layers, each with what it reads and the shape of what it makes.

use crate::count::Counts;
use crate::error::CoreError;

/// Running number of a layer, and of the value that it makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LayerId(pub(super) usize);

impl LayerId {
    /// The index into [`LayerGraph::nodes`].
    pub fn index(self) -> usize {
        self.0
    }
}

/// A function of each value for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `min(max(x + 3, 0), 6) / 6` (MobileNetV3, section 5.2).
    HardSigmoid,
    /// `x` times the hard sigmoid of `x`.
    HardSwish,
}

/// A convolution's filter. Weights: `[kernel, kernel, input / groups, channels]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvSpec {
    /// Channels of the output.
    pub channels: usize,
    /// Rows and columns of the filter.
    pub kernel: (usize, usize),
    /// Step between outputs.
    pub stride: usize,
    /// Zeros around the image: rows above and below, columns left and right.
    pub padding: (usize, usize),
    /// Groups of channels that do not see each other: 1, up to as many as there are channels (depthwise).
    pub groups: usize,
    /// Whether each output channel has a number that is added.
    pub bias: bool,
}

impl ConvSpec {
    /// A square filter without a bias, padded so that stride 1 keeps the size.
    pub fn new(channels: usize, kernel: usize, stride: usize) -> Self {
        let padding = kernel / 2;
        Self { channels, kernel: (kernel, kernel), stride, padding: (padding, padding), groups: 1, bias: false }
    }

    /// The same in groups.
    pub fn with_groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// The same with a bias.
    pub fn with_bias(self) -> Self {
        Self { bias: true, ..self }
    }
}

/// Largest value or mean of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// Largest value.
    Max,
    /// Mean; the padding counts as zeros where `padding` is not 0, as PyTorch's `count_include_pad` has it.
    Average,
}

/// A pooling's square window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolSpec {
    /// Largest value or mean.
    pub kind: PoolKind,
    /// Rows and columns.
    pub kernel: usize,
    /// Step between outputs.
    pub stride: usize,
    /// Pixels around the image.
    pub padding: usize,
    /// Whether a last window that reaches beyond the image counts (PyTorch's `ceil_mode`).
    pub ceil: bool,
}

/// What a layer does.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Layer {
    /// The images, normalised.
    Images,
    /// A convolution.
    Conv(ConvSpec),
    /// BatchNorm with scale, shift and running statistics.
    BatchNorm {
        /// Added to the variance.
        epsilon: f64,
        /// Share of a new batch in the running statistics, as PyTorch has it: 0.1 unless a paper says otherwise.
        momentum: f64,
    },
    /// A function of each value.
    Activation(Activation),
    /// Pooling by windows.
    Pool(PoolSpec),
    /// Mean over height and width: `[1, 1, channels]`.
    GlobalAverage,
    /// Values to 0 in training, the others scaled so that the mean stays.
    Dropout {
        /// Share of the values.
        rate: f64,
    },
    /// `x W + b` of a `[1, 1, channels]`.
    Linear {
        /// Length of the output.
        features: usize,
    },
    /// Every second (`stride`-th) pixel in both directions, and channels of zeros behind those that there are (ResNet's
    /// shortcut without parameters, option A).
    Shortcut {
        /// Channels of the output.
        channels: usize,
        /// Step between pixels.
        stride: usize,
    },
    /// Channels in the order that interleaves groups (ShuffleNet): `[groups, n]` transposed.
    Shuffle {
        /// Groups that are mixed.
        groups: usize,
    },
    /// Sum of all inputs.
    Add,
    /// The inputs joined along the channels.
    Concat,
    /// The first input times the second, `[1, 1, channels]`: squeeze-and-excitation.
    Scale,
}

/// A layer, what it reads, and the shape of what it makes.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNode {
    /// What its parameters' names begin with; no two layers share one.
    pub name: String,
    /// What it does.
    pub layer: Layer,
    /// The layers whose outputs it reads, all before it.
    pub inputs: Vec<LayerId>,
    /// Height, width and channels of its output.
    pub shape: [usize; 3],
}

/// A network as a list of layers in the order in which they run: the first is [`Layer::Images`], the last makes the logits,
/// `[1, 1, classes]`.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerGraph {
    nodes: Vec<LayerNode>,
}

impl LayerGraph {
    /// A network with nothing but its images, of this height, width and number of channels.
    pub fn new(images: [usize; 3]) -> (Self, LayerId) {
        let node = LayerNode { name: "images".to_owned(), layer: Layer::Images, inputs: Vec::new(), shape: images };
        (Self { nodes: vec![node] }, LayerId(0))
    }

    /// The layers.
    pub fn nodes(&self) -> &[LayerNode] {
        &self.nodes
    }

    /// Height, width and channels of the images.
    pub fn images(&self) -> [usize; 3] {
        self.nodes.first().map_or([0; 3], |node| node.shape)
    }

    /// Length of the logits.
    pub fn classes(&self) -> usize {
        self.nodes.last().map_or(0, |node| node.shape[2])
    }

    /// Height, width and channels of what a layer makes.
    pub fn shape(&self, id: LayerId) -> [usize; 3] {
        self.nodes.get(id.0).map_or([0; 3], |node| node.shape)
    }

    /// Adds a layer.
    ///
    /// # Errors
    /// A layer that cannot read these inputs: shapes that do not go together, channels that do not divide into groups, an image
    /// that is smaller than a window.
    pub fn push(&mut self, name: impl Into<String>, layer: Layer, inputs: &[LayerId]) -> Result<LayerId, CoreError> {
        let name = name.into();
        let shapes: Vec<[usize; 3]> = inputs.iter().map(|&input| self.shape(input)).collect();
        let shape = output_shape(&layer, &shapes)
            .map_err(|problem| CoreError::Space { problem: format!("layer `{name}`: {problem}") })?;
        self.nodes.push(LayerNode { name, layer, inputs: inputs.to_vec(), shape });
        Ok(LayerId(self.nodes.len() - 1))
    }

    /// Trained parameters, and multiply-adds of convolutions and linear layers for one image: the convention of
    /// [`count`](crate::count).
    pub fn counts(&self) -> Counts {
        let mut total = Counts { parameters: 0, multiply_adds: 0 };
        for node in &self.nodes {
            let read = node.inputs.first().map_or([0; 3], |&input| self.shape(input));
            let Counts { parameters, multiply_adds } = layer_counts(&node.layer, read, node.shape);
            total.parameters = total.parameters.saturating_add(parameters);
            total.multiply_adds = total.multiply_adds.saturating_add(multiply_adds);
        }
        total
    }
}

fn layer_counts(layer: &Layer, [.., input]: [usize; 3], [height, width, channels]: [usize; 3]) -> Counts {
    let product =
        |factors: &[usize]| factors.iter().fold(1u64, |product, &factor| product.saturating_mul(factor as u64));
    match *layer {
        Layer::Conv(conv) => {
            let weights = product(&[conv.kernel.0, conv.kernel.1, input / conv.groups.max(1), channels]);
            let bias = if conv.bias { channels as u64 } else { 0 };
            Counts {
                parameters: weights.saturating_add(bias),
                multiply_adds: weights.saturating_mul(product(&[height, width])),
            }
        }
        Layer::Linear { .. } => {
            let weights = product(&[input, channels]);
            Counts { parameters: weights.saturating_add(channels as u64), multiply_adds: weights }
        }
        Layer::BatchNorm { .. } => Counts { parameters: product(&[2, channels]), multiply_adds: 0 },
        _ => Counts { parameters: 0, multiply_adds: 0 },
    }
}

/// The shape of a layer's output, or why there is none.
fn output_shape(layer: &Layer, inputs: &[[usize; 3]]) -> Result<[usize; 3], String> {
    let Some(&first) = inputs.first() else { return Err("it reads nothing".to_owned()) };
    let [height, width, channels] = first;
    let window = |size: usize, kernel: usize, padding: usize, stride: usize, ceil: bool| {
        let padded = size + 2 * padding;
        if kernel == 0 || stride == 0 || padded < kernel {
            return Err(format!("a window of {kernel} does not fit into images of {height} x {width} pixels"));
        }
        let steps = padded - kernel;
        let mut outputs = steps / stride + 1;
        // PyTorch: a window that begins in the padding behind the image is none.
        if ceil && !steps.is_multiple_of(stride) && outputs * stride < size + padding {
            outputs += 1;
        }
        Ok(outputs)
    };
    match *layer {
        Layer::Images => Err("images read nothing".to_owned()),
        Layer::Conv(ConvSpec { channels: output, kernel, stride, padding, groups, .. }) => {
            let divides = groups > 0 && channels.is_multiple_of(groups) && output.is_multiple_of(groups);
            if output == 0 || !divides {
                return Err(format!(
                    "{channels} channels to {output} in {groups} groups: both must be multiples of that"
                ));
            }
            let height = window(height, kernel.0, padding.0, stride, false)?;
            Ok([height, window(width, kernel.1, padding.1, stride, false)?, output])
        }
        Layer::Pool(PoolSpec { kernel, stride, padding, ceil, .. }) => {
            let height = window(height, kernel, padding, stride, ceil)?;
            Ok([height, window(width, kernel, padding, stride, ceil)?, channels])
        }
        Layer::GlobalAverage => Ok([1, 1, channels]),
        Layer::Linear { features } => match (height, width) {
            (1, 1) => Ok([1, 1, features]),
            _ => Err(format!("a linear layer reads 1 x 1 pixels, not {height} x {width}")),
        },
        Layer::Shortcut { channels: output, stride } => {
            if output < channels || stride == 0 {
                return Err(format!("{channels} channels do not become {output} by zeros"));
            }
            Ok([height.div_ceil(stride), width.div_ceil(stride), output])
        }
        Layer::Shuffle { groups } => match groups > 0 && channels.is_multiple_of(groups) {
            true => Ok(first),
            false => Err(format!("{channels} channels are not {groups} groups")),
        },
        Layer::Add => match inputs.iter().all(|input| *input == first) {
            true => Ok(first),
            false => Err(format!("a sum of different shapes: {inputs:?}")),
        },
        Layer::Concat => match inputs.iter().all(|input| input[..2] == first[..2]) {
            true => Ok([height, width, inputs.iter().map(|input| input[2]).sum()]),
            false => Err(format!("images of different sizes are joined: {inputs:?}")),
        },
        Layer::Scale => match inputs {
            [_, [1, 1, factors]] if *factors == channels => Ok(first),
            _ => Err(format!("{channels} channels are scaled by {inputs:?}")),
        },
        Layer::BatchNorm { .. } | Layer::Activation(_) | Layer::Dropout { .. } => Ok(first),
    }
}
