//! ResNet for CIFAR: He, Zhang, Ren, Sun, "Deep residual learning for image recognition", CVPR 2016, section 4.2.

use super::builder::Builder;
use super::config::ModelConfig;
use super::graph::{Layer, LayerGraph, LayerId};
use crate::error::CoreError;
use crate::setting::Setting;

/// 6n + 2 layers: three stages of n blocks of two convolutions with 16, 32 and 64 channels; shortcuts without parameters
/// (option A).
pub(super) fn network(
    config: &ModelConfig,
    published: usize,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    let (mut network, images) = Builder::new(images);
    let blocks = blocks(config, published)?;
    let mut x = network.conv_bn_relu("conv1", images, config.channels(16)?, 3, 1)?;
    for (name, channels, stride) in blocks {
        x = basic_block(&mut network, &name, x, channels, stride)?;
    }
    network.classifier("fc", x, classes)
}

/// Name, channels and stride of every block.
///
/// # Errors
/// A depth that is not 6n + 2, or a width that cannot be.
pub(super) fn blocks(config: &ModelConfig, published: usize) -> Result<Vec<(String, usize, usize)>, CoreError> {
    let depth = config.depth.unwrap_or(published);
    let blocks = depth.saturating_sub(2) / 6;
    let fits = (8..=4_000).contains(&depth) && (depth - 2).is_multiple_of(6);
    Setting::check(fits, "network.depth", depth, "6n + 2 layers, from 8 to 4000: 20, 32, 44, 56, 110")?;
    let mut all = Vec::with_capacity(3 * blocks);
    for (stage, channels) in [16, 32, 64].into_iter().enumerate() {
        let channels = config.channels(channels)?;
        let stride = |block| if stage > 0 && block == 0 { 2 } else { 1 };
        all.extend((0..blocks).map(|block| (format!("layer{}.{block}", stage + 1), channels, stride(block))));
    }
    Ok(all)
}

/// Two 3x3 convolutions and the shortcut around them.
fn basic_block(
    network: &mut Builder,
    name: &str,
    x: LayerId,
    channels: usize,
    stride: usize,
) -> Result<LayerId, CoreError> {
    let first = network.conv_bn_relu(&format!("{name}.conv1"), x, channels, 3, stride)?;
    let second = network.conv_bn(&format!("{name}.conv2"), first, channels, 3, 1)?;
    let shortcut = shortcut(network, name, x, channels, stride)?;
    let sum = network.push(&format!("{name}.add"), Layer::Add, &[second, shortcut])?;
    network.relu(&format!("{name}.relu"), sum)
}

/// The value itself where its shape stays, else option A: no parameters.
pub(super) fn shortcut(
    network: &mut Builder,
    name: &str,
    x: LayerId,
    channels: usize,
    stride: usize,
) -> Result<LayerId, CoreError> {
    match network.channels(x) == channels && stride == 1 {
        true => Ok(x),
        false => network.push(&format!("{name}.shortcut"), Layer::Shortcut { channels, stride }, &[x]),
    }
}
