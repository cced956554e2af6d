//! Which network, how wide and how deep.

use serde::{Deserialize, Serialize};

use super::chain::Chain;
use super::densenet::DenseNet;
use super::graph::LayerGraph;
use super::kind::{ModelForm, ModelKind};
use super::motifs::Motifs;
use super::stages::Stages;
use super::text::example;
use super::{
    densenet_graph, inception, mobilenet_v2, mobilenet_v3, preact_resnet, resnet, resnet_cifar, senet, shufflenet,
};
use crate::error::CoreError;
use crate::setting::Setting;

/// A human-designed network.
///
/// ```
/// use eoinas_core::models::{ModelConfig, ModelKind};
/// let network = ModelConfig::new(ModelKind::ResNet20).graph([32, 32, 3], 10)?;
/// assert_eq!(network.counts().parameters, 269_722);
/// # Ok::<(), eoinas_core::CoreError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Which.
    pub name: ModelKind,
    /// For which images. `None` (default): the one that fits images of this size, ImageNet's from 128 pixels on, where the
    /// network has both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<ModelForm>,
    /// Channels as a multiple of the published ones, rounded: to multiples of 8 in MobileNets, to such that groups divide in
    /// ShuffleNet, and in DenseNet by the growth rate. Default: 1.
    #[serde(default = "one")]
    pub width: f64,
    /// Layers, as the network's name counts them: 6n + 2 in ResNets for CIFAR, 18 or 34 in ResNet-18 and SENet, 50, 101 or 152
    /// in ResNet-50; 6n + 4 in DenseNet-BC for CIFAR, 121, 169 or 201 for ImageNet; others have one depth. `None` (default):
    /// the published number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<usize>,
    /// The layers of a chain, which no other network has. Default: `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Chain>,
    /// What stages are made of, which no other network has. Default: `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stages: Option<Stages>,
    /// What motifs are made of, which no other network has. Default: `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub motifs: Option<Motifs>,
    /// Dense blocks, which no other network has: not [`ModelKind::DenseNetBc`], whose blocks follow from its depth. Default:
    /// `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub densenet: Option<DenseNet>,
}

fn one() -> f64 {
    1.0
}

impl ModelConfig {
    /// The network as published.
    pub fn new(name: ModelKind) -> Self {
        Self { name, form: None, width: 1.0, depth: None, chain: None, stages: None, motifs: None, densenet: None }
    }

    /// The form for images of this height and width.
    pub fn form_for(&self, [height, width]: [usize; 2]) -> ModelForm {
        let forms = self.name.forms();
        let fitting = if height.min(width) >= 128 { ModelForm::ImageNet } else { ModelForm::Cifar };
        self.form.or(forms.iter().copied().find(|form| *form == fitting)).or(forms.first().copied()).unwrap_or(fitting)
    }

    /// The network layer by layer, for images of this height, width and number of channels.
    ///
    /// # Errors
    /// A form, width or depth that this network does not have; images that are too small for it.
    pub fn graph(&self, images: [usize; 3], classes: usize) -> Result<LayerGraph, CoreError> {
        let form = self.form_for([images[0], images[1]]);
        if !self.name.forms().contains(&form) {
            let expected = format!("a form in which {} is defined", self.name);
            return Err(Setting::new("network.form", format!("{form:?}"), expected).into());
        }
        for (kind, text) in self.texts() {
            if let Some(text) = text.filter(|_| kind != self.name) {
                let expected = format!("none: {} has layers of its own", self.name);
                return Err(Setting::new(format!("network.{kind}"), text, expected).into());
            }
        }
        Setting::check(classes > 0, "network.classes", classes, "at least 1")?;
        Setting::check(
            !images.contains(&0),
            "images",
            format!("{images:?}"),
            "height, width and channels of at least 1",
        )?;
        match self.name {
            ModelKind::ResNet20 => resnet_cifar::network(self, 20, images, classes),
            ModelKind::ResNet56 => resnet_cifar::network(self, 56, images, classes),
            ModelKind::ResNet110 => resnet_cifar::network(self, 110, images, classes),
            ModelKind::PreactResNet20 => preact_resnet::network(self, 20, images, classes),
            ModelKind::PreactResNet56 => preact_resnet::network(self, 56, images, classes),
            ModelKind::PreactResNet110 => preact_resnet::network(self, 110, images, classes),
            ModelKind::ResNet18 => resnet::basic(self, form, images, classes),
            ModelKind::ResNet50 => resnet::bottleneck(self, form, images, classes),
            ModelKind::DenseNetBc => densenet_graph::network(self, form, images, classes),
            ModelKind::SeNet => senet::network(self, form, images, classes),
            ModelKind::InceptionV1 => inception::network(self, form, 3, images, classes),
            ModelKind::InceptionV1With5x5 => inception::network(self, form, 5, images, classes),
            ModelKind::MobileNetV2 => mobilenet_v2::network(self, form, images, classes),
            ModelKind::MobileNetV3 => mobilenet_v3::network(self, form, images, classes),
            ModelKind::ShuffleNet => shufflenet::network(self, form, images, classes),
            ModelKind::Chain => self.by_text(self.chain.as_ref())?.scaled(self.width)?.graph(images, classes),
            ModelKind::Stages => self.by_text(self.stages.as_ref())?.scaled(self.width)?.graph(images, classes),
            ModelKind::Motifs => self.by_text(self.motifs.as_ref())?.scaled(self.width)?.graph(images, classes),
            ModelKind::DenseNet => {
                self.by_text(self.densenet.as_ref())?.scaled(self.width)?.graph(form, images, classes)
            }
        }
    }

    /// What a network of [`ModelKind::BY_TEXT`] is made of.
    fn by_text<'a, T>(&self, made_of: Option<&'a T>) -> Result<&'a T, Setting> {
        self.refuse_depth()?;
        made_of.ok_or_else(|| Setting::new(format!("network.{}", self.name), "none", example(self.name)))
    }

    /// `channels` of the published network times the width, rounded, at least 1.
    pub(super) fn channels(&self, channels: usize) -> Result<usize, Setting> {
        self.multiple(channels, 1)
    }

    /// The same, rounded to a multiple of `of`, at least that.
    pub(super) fn multiple(&self, channels: usize, of: usize) -> Result<usize, Setting> {
        let scaled = (self.scaled(channels)? / of as f64).round();
        Ok((scaled as usize).max(1) * of)
    }

    /// `channels` times the width in multiples of 8, at least 8 and not less than nine tenths of the product: MobileNets' way.
    pub(super) fn divisible(&self, channels: usize) -> Result<usize, Setting> {
        Ok(divisible(self.scaled(channels)?))
    }

    fn scaled(&self, channels: usize) -> Result<f64, Setting> {
        let scaled = channels as f64 * self.width;
        let expected = "a positive number that leaves at most 65536 channels";
        Setting::check(self.width > 0.0 && scaled <= 65_536.0, "network.width", self.width, expected)?;
        Ok(scaled)
    }

    /// Of a network that is published in one depth only.
    ///
    /// # Errors
    /// A depth.
    pub(super) fn refuse_depth(&self) -> Result<(), Setting> {
        let expected = format!("none: {} has one depth; its width can be set", self.name);
        self.depth.map_or(Ok(()), |depth| Err(Setting::new("network.depth", depth, expected)))
    }

    /// The depth, or the published one; blocks of each stage by the depth.
    ///
    /// # Errors
    /// A depth that is none of these.
    pub(super) fn blocks(&self, depths: &[(usize, [usize; 4])]) -> Result<[usize; 4], Setting> {
        let published = depths.first().map_or(0, |(depth, _)| *depth);
        let depth = self.depth.unwrap_or(published);
        depths.iter().find(|(known, _)| *known == depth).map(|(_, blocks)| *blocks).ok_or_else(|| {
            let known: Vec<String> = depths.iter().map(|(known, _)| known.to_string()).collect();
            Setting::new("network.depth", depth, format!("the layers of {}: {}", self.name, known.join(", ")))
        })
    }
}

/// A number of channels as a multiple of 8: the nearest, at least 8, and the next where that is less than nine tenths.
pub(super) fn divisible(channels: f64) -> usize {
    let nearest = ((channels / 8.0 + 0.5).floor() * 8.0).max(8.0);
    (if nearest < 0.9 * channels { nearest + 8.0 } else { nearest }) as usize
}
