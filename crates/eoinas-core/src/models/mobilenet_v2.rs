//! MobileNetV2: Sandler, Howard, Zhu, Zhmoginov, Chen, "MobileNetV2: inverted residuals and linear bottlenecks", CVPR 2018.

use super::builder::Builder;
use super::config::{ModelConfig, divisible};
use super::graph::{Activation, ConvSpec, Layer, LayerGraph, LayerId};
use super::kind::ModelForm;
use crate::error::CoreError;

/// Expansion, channels, blocks and first stride of each stage (table 2).
const STAGES: [[usize; 4]; 7] =
    [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]];

/// Seventeen inverted residuals. Channels are multiples of 8, and the last convolution has no fewer than the published 1280
/// (section 6.1). For CIFAR the stem and the second stage have stride 1.
pub(super) fn network(
    config: &ModelConfig,
    form: ModelForm,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    config.refuse_depth()?;
    let (mut network, images) = Builder::new(images);
    let is_cifar = form == ModelForm::Cifar;
    let stem = ConvSpec::new(config.divisible(32)?, 3, if is_cifar { 1 } else { 2 });
    let mut x = conv(&mut network, "stem", images, stem)?;
    for (stage, [expansion, channels, blocks, stride]) in STAGES.into_iter().enumerate() {
        let channels = config.divisible(channels)?;
        for index in 0..blocks {
            let stride = if index > 0 || is_cifar && stage == 1 { 1 } else { stride };
            let name = format!("stage{}.{index}", stage + 1);
            x = inverted_residual(&mut network, &name, x, expansion, channels, stride)?;
        }
    }
    let last = config.divisible(1280)?.max(divisible(1280.0));
    x = conv(&mut network, "last", x, ConvSpec::new(last, 1, 1))?;
    network.dropped_classifier("fc", x, 0.2, classes)
}

/// A convolution, BatchNorm and ReLU6.
fn conv(network: &mut Builder, name: &str, x: LayerId, conv: ConvSpec) -> Result<LayerId, CoreError> {
    let norm = network.normed(name, x, conv)?;
    network.activation(&format!("{name}.relu"), norm, Activation::Relu6)
}

/// 1x1 to more channels, depthwise 3x3, and 1x1 without an activation to few (Fig. 4).
fn inverted_residual(
    network: &mut Builder,
    name: &str,
    x: LayerId,
    expansion: usize,
    channels: usize,
    stride: usize,
) -> Result<LayerId, CoreError> {
    let hidden = network.channels(x) * expansion;
    let mut y = x;
    if expansion > 1 {
        y = conv(network, &format!("{name}.expand"), y, ConvSpec::new(hidden, 1, 1))?;
    }
    y = conv(network, &format!("{name}.depthwise"), y, ConvSpec::new(hidden, 3, stride).with_groups(hidden))?;
    y = network.conv_bn(&format!("{name}.project"), y, channels, 1, 1)?;
    match stride == 1 && network.channels(x) == channels {
        true => network.push(&format!("{name}.add"), Layer::Add, &[x, y]),
        false => Ok(y),
    }
}
