//! What the networks are written with: a graph, and the few combinations of layers that several of them have.

use super::graph::{Activation, ConvSpec, Layer, LayerGraph, LayerId, PoolKind, PoolSpec};
use crate::error::CoreError;

/// A graph that grows.
pub(super) struct Builder {
    graph: LayerGraph,
    norm: Layer,
}

impl Builder {
    /// Nothing but images of this height, width and number of channels.
    pub fn new(images: [usize; 3]) -> (Self, LayerId) {
        // PyTorch's defaults.
        Self::with_norm(images, 1e-5, 0.1)
    }

    /// The same with other constants of all BatchNorm.
    pub fn with_norm(images: [usize; 3], epsilon: f64, momentum: f64) -> (Self, LayerId) {
        let (graph, images) = LayerGraph::new(images);
        (Self { graph, norm: Layer::BatchNorm { epsilon, momentum } }, images)
    }

    /// Channels of a value.
    pub fn channels(&self, id: LayerId) -> usize {
        self.graph.shape(id)[2]
    }

    /// Any layer.
    pub fn push(&mut self, name: &str, layer: Layer, inputs: &[LayerId]) -> Result<LayerId, CoreError> {
        self.graph.push(name, layer, inputs)
    }

    /// A function of each value.
    pub fn activation(&mut self, name: &str, x: LayerId, activation: Activation) -> Result<LayerId, CoreError> {
        self.push(name, Layer::Activation(activation), &[x])
    }

    /// ReLU.
    pub fn relu(&mut self, name: &str, x: LayerId) -> Result<LayerId, CoreError> {
        self.activation(name, x, Activation::Relu)
    }

    /// BatchNorm.
    pub fn batch_norm(&mut self, name: &str, x: LayerId) -> Result<LayerId, CoreError> {
        self.push(name, self.norm, &[x])
    }

    /// A convolution alone.
    pub fn conv(&mut self, name: &str, x: LayerId, conv: ConvSpec) -> Result<LayerId, CoreError> {
        self.push(name, Layer::Conv(conv), &[x])
    }

    /// Any convolution, and BatchNorm.
    pub fn normed(&mut self, name: &str, x: LayerId, conv: ConvSpec) -> Result<LayerId, CoreError> {
        let conv = self.conv(name, x, conv)?;
        self.batch_norm(&format!("{name}.bn"), conv)
    }

    /// A convolution padded to keep its size, and BatchNorm.
    pub fn conv_bn(
        &mut self,
        name: &str,
        x: LayerId,
        channels: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<LayerId, CoreError> {
        self.normed(name, x, ConvSpec::new(channels, kernel, stride))
    }

    /// The same and ReLU.
    pub fn conv_bn_relu(
        &mut self,
        name: &str,
        x: LayerId,
        channels: usize,
        kernel: usize,
        stride: usize,
    ) -> Result<LayerId, CoreError> {
        let norm = self.conv_bn(name, x, channels, kernel, stride)?;
        self.relu(&format!("{name}.relu"), norm)
    }

    /// BatchNorm, ReLU, and a convolution: the order of pre-activation.
    pub fn bn_relu_conv(&mut self, name: &str, x: LayerId, conv: ConvSpec) -> Result<LayerId, CoreError> {
        let x = self.batch_norm(&format!("{name}.bn"), x)?;
        let x = self.relu(&format!("{name}.relu"), x)?;
        self.conv(name, x, conv)
    }

    /// Largest values of 3x3 windows of stride 2, around each second pixel.
    pub fn max_pool(&mut self, name: &str, x: LayerId) -> Result<LayerId, CoreError> {
        let pool = PoolSpec { kind: PoolKind::Max, kernel: 3, stride: 2, padding: 1, ceil: false };
        self.push(name, Layer::Pool(pool), &[x])
    }

    /// Squeeze-and-excitation (Hu et al. 2018, section 3): `x` times what two linear layers make of its channels' means.
    pub fn excited(&mut self, name: &str, x: LayerId, squeezed: usize, gate: Activation) -> Result<LayerId, CoreError> {
        let channels = self.channels(x);
        let mean = self.push(&format!("{name}.pool"), Layer::GlobalAverage, &[x])?;
        let squeezed = self.push(&format!("{name}.fc1"), Layer::Linear { features: squeezed }, &[mean])?;
        let squeezed = self.relu(&format!("{name}.relu"), squeezed)?;
        let factors = self.push(&format!("{name}.fc2"), Layer::Linear { features: channels }, &[squeezed])?;
        let factors = self.activation(&format!("{name}.gate"), factors, gate)?;
        self.push(&format!("{name}.scale"), Layer::Scale, &[x, factors])
    }

    /// Mean over the image and a linear layer; the graph.
    pub fn classifier(self, name: &str, x: LayerId, classes: usize) -> Result<LayerGraph, CoreError> {
        self.dropped_classifier(name, x, 0.0, classes)
    }

    /// The same with dropout before the linear layer, unless its rate is 0.
    pub fn dropped_classifier(
        mut self,
        name: &str,
        x: LayerId,
        rate: f64,
        classes: usize,
    ) -> Result<LayerGraph, CoreError> {
        let mean = self.push("pool", Layer::GlobalAverage, &[x])?;
        let mean = match rate > 0.0 {
            true => self.push("dropout", Layer::Dropout { rate }, &[mean])?,
            false => mean,
        };
        self.push(name, Layer::Linear { features: classes }, &[mean])?;
        Ok(self.graph)
    }
}
