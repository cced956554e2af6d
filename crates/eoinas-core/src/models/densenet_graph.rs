//! Dense blocks as a network, and those that were published.

use super::builder::Builder;
use super::config::ModelConfig;
use super::densenet::{DenseBlock, DenseLayer, DenseNet};
use super::graph::{ConvSpec, Layer, LayerGraph, LayerId, PoolKind, PoolSpec};
use super::kind::{ModelForm, ModelKind};
use crate::error::CoreError;
use crate::setting::Setting;

/// Layers of each block by the number of all, for ImageNet (table 1).
const IMAGENET: [(usize, [usize; 4]); 3] = [(121, [6, 12, 24, 16]), (169, [6, 12, 32, 32]), (201, [6, 12, 48, 32])];

impl DenseNet {
    /// The network for images of this height, width and number of channels; the form says how it begins: with a 3x3 convolution, or
    /// with one of 7x7, BatchNorm, ReLU and pooling, which divide the resolution by four.
    ///
    /// # Errors
    /// Blocks that cannot be; images that are too small for them.
    pub fn graph(&self, form: ModelForm, images: [usize; 3], classes: usize) -> Result<LayerGraph, CoreError> {
        self.check()?;
        self.built(form, images, classes)
    }

    /// The same of any size.
    fn built(&self, form: ModelForm, images: [usize; 3], classes: usize) -> Result<LayerGraph, CoreError> {
        let (mut network, mut x) = Builder::new(images);
        for (at, block) in self.blocks.iter().enumerate() {
            x = match (at, form) {
                (0, ModelForm::Cifar) => network.conv("conv0", x, ConvSpec::new(block.input, 3, 1))?,
                (0, ModelForm::ImageNet) => {
                    let stem = network.conv_bn_relu("conv0", x, block.input, 7, 2)?;
                    network.max_pool("pool0", stem)?
                }
                _ => transition(&mut network, &format!("transition{at}"), x, block.input)?,
            };
            for (layer, dense) in block.layers.iter().enumerate() {
                x = dense_layer(&mut network, &format!("block{}.{layer}", at + 1), x, *dense)?;
            }
        }
        let x = network.batch_norm("bn", x)?;
        let x = network.relu("relu", x)?;
        network.classifier("fc", x, classes)
    }
}

impl ModelConfig {
    /// The DenseNet that it is for images of this height and width, as wide as it is: by its text, or as published. `None` of other
    /// networks.
    ///
    /// # Errors
    /// A width or depth that cannot be.
    pub fn as_densenet(&self, images: [usize; 2]) -> Result<Option<DenseNet>, Setting> {
        let text = self.densenet.as_ref().filter(|_| self.name == ModelKind::DenseNet);
        match self.name == ModelKind::DenseNetBc {
            true => published(self, self.form_for(images)).map(Some),
            false => text.map(|text| text.scaled(self.width)).transpose(),
        }
    }
}

/// DenseNet-BC as published.
pub(super) fn network(
    config: &ModelConfig,
    form: ModelForm,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    published(config, form)?.built(form, images, classes)
}

/// Three blocks for CIFAR (6n + 4 layers, published with 190 and growth rate 40), four for ImageNet (121, growth rate 32). The
/// width is the growth rate's; the first convolution has twice as many channels, and transitions halve what they read.
fn published(config: &ModelConfig, form: ModelForm) -> Result<DenseNet, Setting> {
    let (growth, layers) = match form {
        ModelForm::Cifar => (config.channels(40)?, vec![cifar_layers(config)?; 3]),
        ModelForm::ImageNet => (config.channels(32)?, config.blocks(&IMAGENET)?.to_vec()),
    };
    let mut input = 2 * growth;
    let block = |layers| {
        let block = DenseBlock { input, layers: vec![DenseLayer::new(growth); layers] };
        input = (block.outputs() / 2).max(1);
        block
    };
    Ok(DenseNet { blocks: layers.into_iter().map(block).collect() })
}

/// Layers of each of CIFAR's blocks.
fn cifar_layers(config: &ModelConfig) -> Result<usize, Setting> {
    let depth = config.depth.unwrap_or(190);
    let fits = (10..=1_000).contains(&depth) && (depth - 4).is_multiple_of(6);
    Setting::check(fits, "network.depth", depth, "6n + 4 layers for CIFAR, from 10 to 1000: 40, 100, 190, 250")?;
    Ok((depth - 4) / 6)
}

/// A bottleneck, and 3x3 to the growth rate, which joins what it read.
fn dense_layer(network: &mut Builder, name: &str, x: LayerId, layer: DenseLayer) -> Result<LayerId, CoreError> {
    let narrow = network.bn_relu_conv(&format!("{name}.conv1"), x, ConvSpec::new(layer.bottleneck, 1, 1))?;
    let new = network.bn_relu_conv(&format!("{name}.conv2"), narrow, ConvSpec::new(layer.growth, 3, 1))?;
    network.push(&format!("{name}.concat"), Layer::Concat, &[x, new])
}

/// Other channels, half the height and width.
fn transition(network: &mut Builder, name: &str, x: LayerId, channels: usize) -> Result<LayerId, CoreError> {
    let x = network.bn_relu_conv(&format!("{name}.conv"), x, ConvSpec::new(channels, 1, 1))?;
    let pool = PoolSpec { kind: PoolKind::Average, kernel: 2, stride: 2, padding: 0, ceil: false };
    network.push(&format!("{name}.pool"), Layer::Pool(pool), &[x])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_networks_have_a_text_with_the_same_layers() {
        for (model, text) in [
            (
                ModelConfig { depth: Some(16), width: 0.3, ..bc() },
                "densenet24 block12x2 transition24 block12x2 transition24 block12x2",
            ),
            (
                ModelConfig { form: Some(ModelForm::ImageNet), ..bc() },
                "densenet64 block32x6 transition128 block32x12 transition256 \
                                                                       block32x24 transition512 block32x16",
            ),
        ] {
            let dense = model.as_densenet([32, 32]).unwrap().unwrap();
            assert_eq!(dense.to_string(), text);
            let told = ModelConfig { form: model.form, ..dense.into() };
            assert_eq!(told.graph([32, 32, 3], 10).unwrap(), model.graph([32, 32, 3], 10).unwrap());
        }
        let told: ModelConfig = "densenet24 block12x2 transition30 block8".parse().unwrap();
        let half = ModelConfig { width: 0.5, ..told };
        assert_eq!(half.as_densenet([32, 32]).unwrap().unwrap().to_string(), "densenet12 block6x2 transition15 block4");
        assert_eq!(ModelConfig::new(ModelKind::ResNet20).as_densenet([32, 32]).unwrap(), None);
        let wrong: ModelConfig = DenseNet { blocks: Vec::new() }.into();
        assert!(wrong.graph([32, 32, 3], 10).unwrap_err().to_string().contains("there are 0 blocks"));
    }

    fn bc() -> ModelConfig {
        ModelConfig::new(ModelKind::DenseNetBc)
    }
}
