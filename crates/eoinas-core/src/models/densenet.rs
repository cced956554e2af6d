//! DenseNet-BC: Huang, Liu, van der Maaten, Weinberger, "Densely connected convolutional networks", CVPR 2017.

use super::builder::Builder;
use super::config::ModelConfig;
use super::graph::{ConvSpec, Layer, LayerGraph, LayerId, PoolKind, PoolSpec};
use super::kind::ModelForm;
use crate::error::CoreError;
use crate::setting::Setting;

/// Layers of each block by the number of all, for ImageNet (table 1).
const IMAGENET: [(usize, [usize; 4]); 3] = [(121, [6, 12, 24, 16]), (169, [6, 12, 32, 32]), (201, [6, 12, 48, 32])];

/// Three blocks for CIFAR (6n + 4 layers, published with 190 and growth rate 40), four for ImageNet (121, growth rate 32). The
/// width is the growth rate's; the first convolution has twice as many channels, and transitions halve what they read.
pub(super) fn network(
    config: &ModelConfig,
    form: ModelForm,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    let (mut network, images) = Builder::new(images);
    let (growth, blocks) = match form {
        ModelForm::Cifar => (config.channels(40)?, vec![cifar_layers(config)?; 3]),
        ModelForm::ImageNet => (config.channels(32)?, config.blocks(&IMAGENET)?.to_vec()),
    };
    let mut x = match form {
        ModelForm::Cifar => network.conv("conv0", images, ConvSpec::new(2 * growth, 3, 1))?,
        ModelForm::ImageNet => {
            let stem = network.conv_bn_relu("conv0", images, 2 * growth, 7, 2)?;
            network.max_pool("pool0", stem)?
        }
    };
    for (block, layers) in blocks.into_iter().enumerate() {
        if block > 0 {
            x = transition(&mut network, &format!("transition{block}"), x)?;
        }
        for layer in 0..layers {
            x = dense_layer(&mut network, &format!("block{}.{layer}", block + 1), x, growth)?;
        }
    }
    let x = network.batch_norm("bn", x)?;
    let x = network.relu("relu", x)?;
    network.classifier("fc", x, classes)
}

/// Layers of each of CIFAR's blocks.
fn cifar_layers(config: &ModelConfig) -> Result<usize, Setting> {
    let depth = config.depth.unwrap_or(190);
    let fits = (10..=1_000).contains(&depth) && (depth - 4).is_multiple_of(6);
    Setting::check(fits, "network.depth", depth, "6n + 4 layers for CIFAR, from 10 to 1000: 40, 100, 190, 250")?;
    Ok((depth - 4) / 6)
}

/// A bottleneck of four times the growth rate, and 3x3 to the growth rate, which joins what it read.
fn dense_layer(network: &mut Builder, name: &str, x: LayerId, growth: usize) -> Result<LayerId, CoreError> {
    let narrow = network.bn_relu_conv(&format!("{name}.conv1"), x, ConvSpec::new(4 * growth, 1, 1))?;
    let new = network.bn_relu_conv(&format!("{name}.conv2"), narrow, ConvSpec::new(growth, 3, 1))?;
    network.push(&format!("{name}.concat"), Layer::Concat, &[x, new])
}

/// Half the channels, half the height and width.
fn transition(network: &mut Builder, name: &str, x: LayerId) -> Result<LayerId, CoreError> {
    let channels = (network.channels(x) / 2).max(1);
    let x = network.bn_relu_conv(&format!("{name}.conv"), x, ConvSpec::new(channels, 1, 1))?;
    let pool = PoolSpec { kind: PoolKind::Average, kernel: 2, stride: 2, padding: 0, ceil: false };
    network.push(&format!("{name}.pool"), Layer::Pool(pool), &[x])
}
