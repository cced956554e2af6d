//! ShuffleNet: Zhang, Zhou, Lin, Sun, "ShuffleNet: an extremely efficient convolutional neural network for mobile devices",
//! CVPR 2018, table 1.

use super::builder::Builder;
use super::config::ModelConfig;
use super::graph::{ConvSpec, Layer, LayerGraph, LayerId, PoolKind, PoolSpec};
use super::kind::ModelForm;
use crate::error::CoreError;

/// Groups of pointwise convolutions.
const GROUPS: usize = 3;

/// ShuffleNet 2x: three stages of 4, 8 and 4 units with 480, 960 and 1920 channels; half the width is the published 1x. Channels
/// of the first stage are a multiple of 12, so that groups divide a quarter of them, and double from stage to stage. For CIFAR
/// the stem has stride 1 and no pooling.
pub(super) fn network(
    config: &ModelConfig,
    form: ModelForm,
    images: [usize; 3],
    classes: usize,
) -> Result<LayerGraph, CoreError> {
    config.refuse_depth()?;
    let (mut network, images) = Builder::new(images);
    let stage_channels = config.multiple(480, 4 * GROUPS)?;
    // A tenth; what the first unit adds to it must divide into groups, too.
    let stem = (stage_channels as f64 / (10 * GROUPS) as f64).round().max(1.0) as usize * GROUPS;
    let mut x = match form {
        ModelForm::Cifar => network.conv_bn_relu("stem", images, stem, 3, 1)?,
        ModelForm::ImageNet => {
            let conv = network.conv_bn_relu("stem", images, stem, 3, 2)?;
            network.max_pool("stem.pool", conv)?
        }
    };
    for (stage, units) in [4, 8, 4].into_iter().enumerate() {
        let channels = stage_channels << stage;
        for index in 0..units {
            // The first pointwise convolution of all reads too few channels to be grouped (section 3.2).
            let groups = if stage == 0 && index == 0 { 1 } else { GROUPS };
            let name = format!("stage{}.{index}", stage + 2);
            x = unit(&mut network, &name, x, channels, index == 0, groups)?;
        }
    }
    network.classifier("fc", x, classes)
}

/// Grouped 1x1 to a quarter, shuffle, depthwise 3x3, grouped 1x1; its sum with what it read or, where it `halves` height and
/// width, both side by side, with the mean of 3x3 windows for the latter (Fig. 2 b, c).
fn unit(
    network: &mut Builder,
    name: &str,
    x: LayerId,
    channels: usize,
    halves: bool,
    groups: usize,
) -> Result<LayerId, CoreError> {
    let hidden = channels / 4;
    let (stride, made) = if halves { (2, channels - network.channels(x)) } else { (1, channels) };
    let reduce = network.normed(&format!("{name}.reduce"), x, ConvSpec::new(hidden, 1, 1).with_groups(groups))?;
    let reduce = network.relu(&format!("{name}.reduce.relu"), reduce)?;
    let shuffled = network.push(&format!("{name}.shuffle"), Layer::Shuffle { groups: GROUPS }, &[reduce])?;
    let depthwise = ConvSpec::new(hidden, 3, stride).with_groups(hidden);
    let depthwise = network.normed(&format!("{name}.depthwise"), shuffled, depthwise)?;
    let expand = ConvSpec::new(made, 1, 1).with_groups(GROUPS);
    let expand = network.normed(&format!("{name}.expand"), depthwise, expand)?;
    let joined = if halves {
        let pool = PoolSpec { kind: PoolKind::Average, kernel: 3, stride: 2, padding: 1, ceil: false };
        let shortcut = network.push(&format!("{name}.pool"), Layer::Pool(pool), &[x])?;
        network.push(&format!("{name}.concat"), Layer::Concat, &[shortcut, expand])?
    } else {
        network.push(&format!("{name}.add"), Layer::Add, &[x, expand])?
    };
    network.relu(&format!("{name}.relu"), joined)
}
