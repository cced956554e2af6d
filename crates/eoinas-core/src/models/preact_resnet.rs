//! ResNet for CIFAR with pre-activation: He, Zhang, Ren, Sun, "Identity mappings in deep residual networks", ECCV 2016.

use super::builder::Builder;
use super::config::ModelConfig;
use super::graph::{ConvSpec, Layer, LayerGraph, LayerId};
use super::resnet_cifar::{blocks, shortcut};
use crate::error::CoreError;

/// The blocks of ResNet for CIFAR with BatchNorm and ReLU before each convolution, and both once more after the last block.
/// Shortcuts without parameters (option A). Its count is that of the ResNet of this depth.
pub(super) fn network(
    config: &ModelConfig,
    published: usize,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    let (mut network, images) = Builder::new(images);
    let blocks = blocks(config, published)?;
    let mut x = network.conv("conv1", images, ConvSpec::new(config.channels(16)?, 3, 1))?;
    for (index, (name, channels, stride)) in blocks.into_iter().enumerate() {
        x = block(&mut network, &name, x, (channels, stride), index == 0)?;
    }
    let x = network.batch_norm("bn", x)?;
    let x = network.relu("relu", x)?;
    network.classifier("fc", x, classes)
}

/// Two convolutions, each after its activation. The shortcut of the first block, and of those that change the shape, reads
/// what the first activation makes (appendix; the authors' code), that of others the block's input.
fn block(
    network: &mut Builder,
    name: &str,
    x: LayerId,
    (channels, stride): (usize, usize),
    is_first: bool,
) -> Result<LayerId, CoreError> {
    let norm = network.batch_norm(&format!("{name}.conv1.bn"), x)?;
    let active = network.relu(&format!("{name}.conv1.relu"), norm)?;
    let first = network.conv(&format!("{name}.conv1"), active, ConvSpec::new(channels, 3, stride))?;
    let second = network.bn_relu_conv(&format!("{name}.conv2"), first, ConvSpec::new(channels, 3, 1))?;
    let from = if is_first || stride != 1 { active } else { x };
    let shortcut = shortcut(network, name, from, channels, stride)?;
    network.push(&format!("{name}.add"), Layer::Add, &[second, shortcut])
}
