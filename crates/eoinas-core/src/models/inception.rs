//! GoogLeNet: Szegedy et al., "Going deeper with convolutions", CVPR 2015, table 1.

use super::builder::Builder;
use super::config::ModelConfig;
use super::graph::{Layer, LayerGraph, LayerId, PoolKind, PoolSpec};
use super::kind::ModelForm;
use crate::error::CoreError;

/// Name and channels of a module: 1x1; 1x1 before 3x3, 3x3; 1x1 before 5x5, 5x5; 1x1 behind the pooling.
type Module = (&'static str, [usize; 6]);

const MODULES_3: [Module; 2] = [("3a", [64, 96, 128, 16, 32, 32]), ("3b", [128, 128, 192, 32, 96, 64])];
const MODULES_4: [Module; 5] = [
    ("4a", [192, 96, 208, 16, 48, 64]),
    ("4b", [160, 112, 224, 24, 64, 64]),
    ("4c", [128, 128, 256, 24, 64, 64]),
    ("4d", [112, 144, 288, 32, 64, 64]),
    ("4e", [256, 160, 320, 32, 128, 128]),
];
const MODULES_5: [Module; 2] = [("5a", [256, 160, 320, 32, 128, 128]), ("5b", [384, 192, 384, 48, 128, 128])];

/// Nine modules without the auxiliary heads. `large` is the size of the third branch's filters: 5 as in the paper, or 3 as in
/// torchvision and TensorFlow's published models. Both have BatchNorm, in place of the paper's biases and local response
/// normalisation. For CIFAR the stem has stride 1 and no pooling, and its first convolution is 3x3.
pub(super) fn network(
    config: &ModelConfig,
    form: ModelForm,
    large: usize,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    config.refuse_depth()?;
    let (mut network, images) = Builder::with_norm(images, 1e-3, 0.1);
    let is_imagenet = form == ModelForm::ImageNet;
    let (kernel, stride) = if is_imagenet { (7, 2) } else { (3, 1) };
    let mut x = network.conv_bn_relu("conv1", images, config.channels(64)?, kernel, stride)?;
    if is_imagenet {
        x = pool(&mut network, "pool1", x, 3)?;
    }
    x = network.conv_bn_relu("conv2", x, config.channels(64)?, 1, 1)?;
    x = network.conv_bn_relu("conv3", x, config.channels(192)?, 3, 1)?;
    if is_imagenet {
        x = pool(&mut network, "pool2", x, 3)?;
    }
    for part in &MODULES_3 {
        x = module(&mut network, config, x, part, large)?;
    }
    x = pool(&mut network, "pool3", x, 3)?;
    for part in &MODULES_4 {
        x = module(&mut network, config, x, part, large)?;
    }
    // The published models with 3x3 filters have a smaller last pooling, too.
    x = pool(&mut network, "pool4", x, if large == 5 { 3 } else { 2 })?;
    for part in &MODULES_5 {
        x = module(&mut network, config, x, part, large)?;
    }
    network.dropped_classifier("fc", x, 0.4, classes)
}

/// Largest values at half the height and width.
fn pool(network: &mut Builder, name: &str, x: LayerId, kernel: usize) -> Result<LayerId, CoreError> {
    let pool = PoolSpec { kind: PoolKind::Max, kernel, stride: 2, padding: 0, ceil: true };
    network.push(name, Layer::Pool(pool), &[x])
}

/// Four branches joined.
fn module(
    network: &mut Builder,
    config: &ModelConfig,
    x: LayerId,
    (name, channels): &Module,
    large: usize,
) -> Result<LayerId, CoreError> {
    let mut scaled = [0; 6];
    for (scaled, channels) in scaled.iter_mut().zip(channels) {
        *scaled = config.channels(*channels)?;
    }
    let [one, before_three, three, before_five, five, pooled] = scaled;
    let branch = |number: usize, conv: usize| format!("inception{name}.branch{number}.{conv}");
    let first = network.conv_bn_relu(&branch(1, 0), x, one, 1, 1)?;
    let second = network.conv_bn_relu(&branch(2, 0), x, before_three, 1, 1)?;
    let second = network.conv_bn_relu(&branch(2, 1), second, three, 3, 1)?;
    let third = network.conv_bn_relu(&branch(3, 0), x, before_five, 1, 1)?;
    let third = network.conv_bn_relu(&branch(3, 1), third, five, large, 1)?;
    let pool = PoolSpec { kind: PoolKind::Max, kernel: 3, stride: 1, padding: 1, ceil: false };
    let fourth = network.push(&branch(4, 0), Layer::Pool(pool), &[x])?;
    let fourth = network.conv_bn_relu(&branch(4, 1), fourth, pooled, 1, 1)?;
    network.push(&format!("inception{name}.concat"), Layer::Concat, &[first, second, third, fourth])
}
