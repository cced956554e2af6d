//! ResNet for ImageNet: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, table 1.

use super::builder::Builder;
use super::config::ModelConfig;
use super::graph::{Activation, Layer, LayerGraph, LayerId};
use super::kind::ModelForm;
use crate::error::CoreError;

/// Blocks of each stage by the number of layers.
pub(super) const BASIC: [(usize, [usize; 4]); 2] = [(18, [2, 2, 2, 2]), (34, [3, 4, 6, 3])];
const BOTTLENECK: [(usize, [usize; 4]); 3] = [(50, [3, 4, 6, 3]), (101, [3, 4, 23, 3]), (152, [3, 8, 36, 3])];

/// Which blocks a network has.
#[derive(Clone, Copy)]
pub(super) struct Blocks {
    /// 1x1, 3x3 and 1x1 to four times as many channels; else two 3x3.
    pub bottleneck: bool,
    /// The channels' number over that between the linear layers of squeeze-and-excitation, where there is one.
    pub reduction: Option<usize>,
}

/// Blocks of two 3x3 convolutions.
pub(super) fn basic(
    config: &ModelConfig,
    form: ModelForm,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    let blocks = Blocks { bottleneck: false, reduction: None };
    network(config, form, config.blocks(&BASIC)?, blocks, images, classes)
}

/// Bottlenecks. The 3x3 convolution has the stride, as in torchvision; in the paper the first 1x1 has it, which takes fewer
/// multiply-adds.
pub(super) fn bottleneck(
    config: &ModelConfig,
    form: ModelForm,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    let blocks = Blocks { bottleneck: true, reduction: None };
    network(config, form, config.blocks(&BOTTLENECK)?, blocks, images, classes)
}

/// Four stages with 64 to 512 channels; 1x1 convolutions as shortcuts where the shape changes (option B). For CIFAR the stem is
/// one 3x3 convolution of stride 1 without pooling.
pub(super) fn network(
    config: &ModelConfig,
    form: ModelForm,
    stages: [usize; 4],
    blocks: Blocks,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    let (mut network, images) = Builder::new(images);
    let channels = config.channels(64)?;
    let mut x = match form {
        ModelForm::Cifar => network.conv_bn_relu("conv1", images, channels, 3, 1)?,
        ModelForm::ImageNet => {
            let stem = network.conv_bn_relu("conv1", images, channels, 7, 2)?;
            network.max_pool("maxpool", stem)?
        }
    };
    for (stage, count) in stages.into_iter().enumerate() {
        let channels = config.channels(64 << stage)?;
        for index in 0..count {
            let stride = if stage > 0 && index == 0 { 2 } else { 1 };
            let name = format!("layer{}.{index}", stage + 1);
            x = block(&mut network, &name, x, (channels, stride), blocks)?;
        }
    }
    network.classifier("fc", x, classes)
}

fn block(
    network: &mut Builder,
    name: &str,
    x: LayerId,
    (channels, stride): (usize, usize),
    Blocks { bottleneck, reduction }: Blocks,
) -> Result<LayerId, CoreError> {
    let conv = |number: usize| format!("{name}.conv{number}");
    let (mut y, channels) = if bottleneck {
        let narrow = network.conv_bn_relu(&conv(1), x, channels, 1, 1)?;
        let narrow = network.conv_bn_relu(&conv(2), narrow, channels, 3, stride)?;
        (network.conv_bn(&conv(3), narrow, 4 * channels, 1, 1)?, 4 * channels)
    } else {
        let first = network.conv_bn_relu(&conv(1), x, channels, 3, stride)?;
        (network.conv_bn(&conv(2), first, channels, 3, 1)?, channels)
    };
    if let Some(reduction) = reduction {
        y = network.excited(&format!("{name}.se"), y, (channels / reduction).max(1), Activation::Sigmoid)?;
    }
    let shortcut = match network.channels(x) == channels && stride == 1 {
        true => x,
        false => network.conv_bn(&format!("{name}.shortcut"), x, channels, 1, stride)?,
    };
    let sum = network.push(&format!("{name}.add"), Layer::Add, &[y, shortcut])?;
    network.relu(&format!("{name}.relu"), sum)
}
