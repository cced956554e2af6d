//! Human-designed networks: a [`LayerGraph`] that runs, forward and backward, layer by layer.
//!
//! Each layer kind has its forward and its backward pass on the kernels, as cells have: candle's tape would compute the
//! images' gradient, keep every value of a pass, and go down a network of a thousand layers by recursion. A value is handed
//! back to the workspace when its last reader has run and no backward pass needs it.

mod backward;
mod conv;
mod forward;
mod pass;
mod pixels;
mod pool;
mod prepare;
#[cfg(test)]
mod tests;

use candle_core::Tensor;
use eoinas_core::models::{Activation, Layer, LayerGraph, PoolSpec};
use eoinas_kernels::{BatchStats, Curve};

use crate::batch_norm::{AppliedNorm, BatchNorm};
use crate::error::{NnError, Result};
use crate::parameters::{ParamId, Scope};
use conv::Conv;

pub(crate) use pass::Run;

/// The layers, in the order in which they run; the first is the images, the last makes the logits.
#[derive(Debug)]
pub(crate) struct LayerNetwork {
    layers: Vec<LayerModule>,
    /// The last layer with weights, which alone learns where all below it is frozen.
    head: usize,
}

/// A layer at its place.
#[derive(Debug)]
struct LayerModule {
    name: String,
    kind: Kind,
    /// The layers whose outputs it reads.
    inputs: Vec<usize>,
    /// Height, width and channels of its output.
    shape: [usize; 3],
    /// The last layer that reads its output; the number of layers for the logits.
    last_reader: usize,
}

/// What a layer does, with its parameters.
#[derive(Debug)]
enum Kind {
    Images,
    Conv(Box<Conv>),
    Norm(Box<BatchNorm>),
    Activation(Activation),
    Pool(PoolSpec),
    GlobalAverage,
    Dropout {
        rate: f32,
    },
    Linear {
        weight: ParamId,
        bias: ParamId,
    },
    Shortcut {
        stride: usize,
    },
    Shuffle {
        groups: usize,
    },
    Add,
    Concat,
    Scale,
    /// Its input as it is: a BatchNorm that became part of a convolution, a sum of one summand.
    Identity,
}

/// Which layers' weights a pass learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Learning {
    Nothing,
    Head,
    All,
}

/// What a pass keeps from its forward to its backward half.
#[derive(Debug)]
struct LayerTape {
    /// The output of each layer, as far as it is still needed.
    values: Vec<Option<Tensor>>,
    saved: Vec<Saved>,
    /// Whether weights that learn lead to the output of each layer.
    needs: Vec<bool>,
    /// Images of the batch.
    samples: usize,
}

/// What one layer keeps beside its input and output.
#[derive(Debug)]
enum Saved {
    Nothing,
    /// Sums of a convolution for the BatchNorm behind it.
    Stats(BatchStats),
    Norm(AppliedNorm),
    /// Which values dropout kept.
    Mask(Vec<u8>),
}

impl LayerNetwork {
    /// Creates the parameters of each layer below its name.
    pub fn new(scope: &mut Scope<'_>, graph: &LayerGraph) -> Result<Self> {
        let nodes = graph.nodes();
        let mut last_reader = vec![nodes.len(); nodes.len()];
        for (index, node) in nodes.iter().enumerate() {
            for input in &node.inputs {
                if let Some(last) = last_reader.get_mut(input.index()) {
                    *last = index;
                }
            }
        }
        let (mut layers, mut head) = (Vec::with_capacity(nodes.len()), 0);
        for ((index, node), last_reader) in nodes.iter().enumerate().zip(last_reader) {
            let mut scope = scope.child(&node.name);
            let read = node.inputs.first().map_or([0; 3], |&input| graph.shape(input));
            let readers = nodes.iter().skip(index + 1).filter(|node| node.inputs.iter().any(|id| id.index() == index));
            let kind = match node.layer {
                Layer::Images => Kind::Images,
                Layer::Conv(spec) => {
                    let normed =
                        readers.map(|reader| reader.layer).any(|layer| matches!(layer, Layer::BatchNorm { .. }));
                    Kind::Conv(Box::new(Conv::new(&mut scope, spec, read, node.shape, normed)?))
                }
                Layer::BatchNorm { epsilon, momentum } => {
                    let norm = BatchNorm::new(&mut scope, node.shape[2])?;
                    Kind::Norm(Box::new(norm.with_numbers(epsilon, momentum)))
                }
                Layer::Activation(activation) => Kind::Activation(activation),
                Layer::Pool(spec) => Kind::Pool(spec),
                Layer::GlobalAverage => Kind::GlobalAverage,
                Layer::Dropout { rate } => Kind::Dropout { rate: rate as f32 },
                Layer::Linear { features } => Kind::Linear {
                    weight: scope.weight("weight", (read[2], features), read[2])?,
                    bias: scope.weight("bias", features, read[2])?,
                },
                Layer::Shortcut { channels, stride } if stride == 1 && channels == read[2] => Kind::Identity,
                Layer::Shortcut { stride, .. } => Kind::Shortcut { stride },
                Layer::Shuffle { groups } if groups == 1 || groups == read[2] => Kind::Identity,
                Layer::Shuffle { groups } => Kind::Shuffle { groups },
                Layer::Add | Layer::Concat if node.inputs.len() == 1 => Kind::Identity,
                Layer::Add => Kind::Add,
                Layer::Concat => Kind::Concat,
                Layer::Scale => Kind::Scale,
                _ => return Err(NnError::Fault("a network has a layer of an unknown kind")),
            };
            if kind.learns() {
                head = index;
            }
            let inputs = node.inputs.iter().map(|input| input.index()).collect();
            layers.push(LayerModule { name: node.name.clone(), kind, inputs, shape: node.shape, last_reader });
        }
        Ok(Self { layers, head })
    }

    /// Whether the parameter of this name is one of the last layer that has any.
    pub fn is_of_head(&self, name: &str) -> bool {
        let rest = self.layers.get(self.head).and_then(|layer| name.strip_prefix(&layer.name));
        rest.is_some_and(|rest| rest.starts_with('.'))
    }
}

impl Kind {
    /// Whether it has weights.
    fn learns(&self) -> bool {
        matches!(self, Self::Conv(_) | Self::Norm(_) | Self::Linear { .. })
    }

    /// Whether its backward pass reads its input.
    fn reads_input(&self) -> bool {
        match self {
            Self::Conv(_) | Self::Norm(_) | Self::Linear { .. } | Self::Scale => true,
            Self::Activation(_) => !self.reads_output(),
            Self::Pool(spec) => pool::reads_input(spec),
            _ => false,
        }
    }

    /// Whether its backward pass reads its output.
    fn reads_output(&self) -> bool {
        match self {
            Self::Activation(activation) => curve(*activation).map_or(true, Curve::goes_back_by_value),
            _ => false,
        }
    }
}

/// The kernels' name of an activation other than ReLU.
fn curve(activation: Activation) -> Result<Curve> {
    match activation {
        Activation::Relu6 => Ok(Curve::Relu6),
        Activation::Sigmoid => Ok(Curve::Sigmoid),
        Activation::HardSigmoid => Ok(Curve::HardSigmoid),
        Activation::HardSwish => Ok(Curve::HardSwish),
        Activation::Relu => Err(NnError::Fault("ReLU has a kernel of its own")),
    }
}

/// A value that must be there.
fn present<T>(value: Option<T>) -> Result<T> {
    value.ok_or(NnError::Fault("a layer reads an output that is not there"))
}
