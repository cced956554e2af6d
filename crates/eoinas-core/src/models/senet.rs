//! Squeeze-and-excitation: Hu, Shen, Sun, "Squeeze-and-excitation networks", CVPR 2018.

use super::config::ModelConfig;
use super::graph::LayerGraph;
use super::kind::ModelForm;
use super::resnet::{self, BASIC, Blocks};
use crate::error::CoreError;

/// ResNet-18 or 34 with squeeze-and-excitation of reduction 16, before each sum with the shortcut (Fig. 3); its linear layers
/// have biases, as in the authors' published models.
pub(super) fn network(
    config: &ModelConfig,
    form: ModelForm,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    let blocks = Blocks { bottleneck: false, reduction: Some(16) };
    resnet::network(config, form, config.blocks(&BASIC)?, blocks, images, classes)
}
