//! MobileNetV3-Large: Howard et al., "Searching for MobileNetV3", ICCV 2019, table 1.

use super::builder::Builder;
use super::config::{ModelConfig, divisible};
use super::graph::{Activation, ConvSpec, Layer, LayerGraph, LayerId};
use super::kind::ModelForm;
use crate::error::CoreError;

/// A row of table 1.
struct Block {
    kernel: usize,
    expanded: usize,
    channels: usize,
    excited: bool,
    activation: Activation,
    stride: usize,
}

const RE: Activation = Activation::Relu;
const HS: Activation = Activation::HardSwish;

const fn block(
    kernel: usize,
    expanded: usize,
    channels: usize,
    excited: bool,
    activation: Activation,
    stride: usize,
) -> Block {
    Block { kernel, expanded, channels, excited, activation, stride }
}

const BLOCKS: [Block; 15] = [
    block(3, 16, 16, false, RE, 1),
    block(3, 64, 24, false, RE, 2),
    block(3, 72, 24, false, RE, 1),
    block(5, 72, 40, true, RE, 2),
    block(5, 120, 40, true, RE, 1),
    block(5, 120, 40, true, RE, 1),
    block(3, 240, 80, false, HS, 2),
    block(3, 200, 80, false, HS, 1),
    block(3, 184, 80, false, HS, 1),
    block(3, 184, 80, false, HS, 1),
    block(3, 480, 112, true, HS, 1),
    block(3, 672, 112, true, HS, 1),
    block(5, 672, 160, true, HS, 2),
    block(5, 960, 160, true, HS, 1),
    block(5, 960, 160, true, HS, 1),
];

/// Fifteen inverted residuals, some with squeeze-and-excitation to a quarter, and a head with a linear layer before the
/// classifier. Channels are multiples of 8. For CIFAR the stem and the second block have stride 1.
pub(super) fn network(
    config: &ModelConfig,
    form: ModelForm,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    config.refuse_depth()?;
    // The constants of its authors' code, which torchvision has, too.
    let (mut network, images) = Builder::with_norm(images, 1e-3, 0.01);
    let is_cifar = form == ModelForm::Cifar;
    let stem = ConvSpec::new(config.divisible(16)?, 3, if is_cifar { 1 } else { 2 });
    let mut x = conv(&mut network, "stem", images, stem, HS)?;
    for (index, block) in BLOCKS.iter().enumerate() {
        let stride = if is_cifar && index == 1 { 1 } else { block.stride };
        x = inverted_residual(&mut network, config, &format!("block{}", index + 1), x, block, stride)?;
    }
    let last = 6 * network.channels(x);
    x = conv(&mut network, "last", x, ConvSpec::new(last, 1, 1), HS)?;
    x = network.push("head.pool", Layer::GlobalAverage, &[x])?;
    x = network.push("head.fc", Layer::Linear { features: config.divisible(1280)? }, &[x])?;
    x = network.activation("head.act", x, HS)?;
    network.dropped_classifier("fc", x, 0.2, classes)
}

/// A convolution, BatchNorm and an activation.
fn conv(
    network: &mut Builder,
    name: &str,
    x: LayerId,
    conv: ConvSpec,
    activation: Activation,
) -> Result<LayerId, CoreError> {
    let norm = network.normed(name, x, conv)?;
    network.activation(&format!("{name}.act"), norm, activation)
}

/// 1x1 to more channels, where there are more, depthwise, squeeze-and-excitation, and 1x1 without an activation (Fig. 4).
fn inverted_residual(
    network: &mut Builder,
    config: &ModelConfig,
    name: &str,
    x: LayerId,
    block: &Block,
    stride: usize,
) -> Result<LayerId, CoreError> {
    let (hidden, channels) = (config.divisible(block.expanded)?, config.divisible(block.channels)?);
    let mut y = x;
    if hidden != network.channels(x) {
        y = conv(network, &format!("{name}.expand"), y, ConvSpec::new(hidden, 1, 1), block.activation)?;
    }
    let depthwise = ConvSpec::new(hidden, block.kernel, stride).with_groups(hidden);
    y = conv(network, &format!("{name}.depthwise"), y, depthwise, block.activation)?;
    if block.excited {
        let squeezed = divisible((hidden / 4) as f64);
        y = network.excited(&format!("{name}.se"), y, squeezed, Activation::HardSigmoid)?;
    }
    y = network.conv_bn(&format!("{name}.project"), y, channels, 1, 1)?;
    match stride == 1 && network.channels(x) == channels {
        true => network.push(&format!("{name}.add"), Layer::Add, &[x, y]),
        false => Ok(y),
    }
}
