//! DenseNet-BC: what is copied is carried through all that reads the concatenations.

use candle_core::Tensor;
use eoinas_core::Setting;
use eoinas_core::models::{DenseLayer, DenseNet, ModelConfig, ModelForm};
use rand::Rng;

use super::weights::{Copies, NORM, Weights};
use crate::derived::DerivedNetwork;
use crate::error::Result;

/// A DenseNet with growth rates, bottlenecks, transitions and a first convolution as wide as those of `target` (Net2Wider), which
/// has as many layers: [`DenseNet::widened`] and [`DenseNet::with_wider_inputs`] of what [`ModelConfig::as_densenet`] says that the
/// network is. New channels are copies of ones that `rng` chooses. The BatchNorm of each reader copies its channels, and its
/// weights are shared out among the copies, unevenly: layers behind in the block, bottlenecks, transitions, the classifier.
///
/// # Errors
/// A network that is no DenseNet-BC; a target with other blocks or numbers of layers, or with something narrower than it is.
pub fn wider_densenet(net: &DerivedNetwork, target: &DenseNet, rng: &mut dyn Rng) -> Result<DerivedNetwork> {
    let (model, old) = densenet_of(net)?;
    check_target(&old, target)?;
    let mut weights = Weights::of(net);
    let mut read = Copies::none(0);
    for (at, (old, new)) in old.blocks.iter().zip(&target.blocks).enumerate() {
        let name = if at == 0 { "conv0".to_owned() } else { format!("transition{at}.conv") };
        if at > 0 {
            reads(&mut weights, &name, &read)?;
        }
        read = Copies::drawn(old.input, new.input, rng);
        weights.copied(&format!("{name}.weight"), &read)?;
        if at == 0 && begins_with_norm(&model, net) {
            weights.normed("conv0.bn", &read)?;
        }
        for (layer, (old, new)) in old.layers.iter().zip(&new.layers).enumerate() {
            let [first, second] = [1, 2].map(|conv| format!("block{}.{layer}.conv{conv}", at + 1));
            reads(&mut weights, &first, &read)?;
            let narrow = Copies::drawn(old.bottleneck, new.bottleneck, rng);
            weights.copied(&format!("{first}.weight"), &narrow)?;
            reads(&mut weights, &second, &narrow)?;
            let made = Copies::drawn(old.growth, new.growth, rng);
            weights.copied(&format!("{second}.weight"), &made)?;
            read.join(&made);
        }
    }
    head_reads(&mut weights, &read)?;
    weights.network(net, &grown(model, target))
}

/// A DenseNet with one more layer behind the layer `after` of a block, both from 0 (Net2Deeper): a copy of that layer, whose
/// channels replicate its own; these it reads as well, with weights that begin as zero. Readers share out their weights among
/// both, unevenly, as `rng` draws.
///
/// The paper replicates channels by filters that are the identity. Behind BatchNorm and ReLU, which begin a layer of DenseNet-BC,
/// that cannot be exact: what is negative is lost. The authors' code copies the layer, too.
///
/// # Errors
/// A network that is no DenseNet-BC; a layer that is not there; a network of more layers or channels than there may be.
pub fn deeper_densenet(net: &DerivedNetwork, block: usize, after: usize, rng: &mut dyn Rng) -> Result<DerivedNetwork> {
    let (model, old) = densenet_of(net)?;
    let no_layer = || {
        let expected = format!("the places, from 0, of a block and of a layer in it of `{old}`");
        Setting::new("layer", format!("{block}.{after}"), expected)
    };
    let target = old.deepened(block, after).ok_or_else(no_layer)?;
    let layers = old.blocks.get(block).map_or(&[][..], |block| &block.layers);
    let (input, growth) = old.blocks.get(block).zip(layers.get(after)).map_or((0, 0), |(b, l)| (b.input, l.growth));
    let before = layers.iter().take(after).fold(input, |sum, layer| sum + layer.growth);
    let name = |layer: usize| format!("block{}.{layer}.", block + 1);

    let mut weights = Weights::of(net);
    weights.rename(|old| {
        let moved = |layer: usize| Some(name(layer + 1) + old.strip_prefix(&name(layer))?);
        (after + 1..layers.len()).find_map(moved).unwrap_or_else(|| old.to_owned())
    });
    let (copied, new) = (name(after), name(after + 1));
    let parts = NORM.iter().flat_map(|part| [1, 2].map(|conv| format!("conv{conv}.bn.{part}")));
    for part in parts.chain([1, 2].map(|conv| format!("conv{conv}.weight"))) {
        let tensor = weights.get(&format!("{copied}{part}"))?.clone();
        weights.insert(format!("{new}{part}"), tensor);
    }
    // What the copied layer makes, the new one begins to read as the next reader does, and gives it no weight.
    let next = match (after + 1 < layers.len(), block + 1 < old.blocks.len()) {
        (true, _) => name(after + 2) + "conv1.bn",
        (false, true) => format!("transition{}.conv.bn", block + 1),
        (false, false) => "bn".to_owned(),
    };
    for part in NORM {
        let made = weights.get(&format!("{next}.{part}"))?.narrow(0, before, growth)?;
        let joined = Tensor::cat(&[weights.get(&format!("{new}conv1.bn.{part}"))?, &made], 0)?;
        weights.insert(format!("{new}conv1.bn.{part}"), joined);
    }
    let weight = weights.get(&format!("{new}conv1.weight"))?.pad_with_zeros(2, 0, growth)?;
    weights.insert(format!("{new}conv1.weight"), weight);

    let mut read = Copies::none(before);
    read.join(&Copies::twice(growth, rng));
    for (at, layer) in layers.iter().enumerate().skip(after + 1) {
        reads(&mut weights, &(name(at + 1) + "conv1"), &read)?;
        read.join(&Copies::none(layer.growth));
    }
    match block + 1 < old.blocks.len() {
        true => reads(&mut weights, &format!("transition{}.conv", block + 1), &read)?,
        false => head_reads(&mut weights, &read)?,
    }
    weights.network(net, &grown(model, &target))
}

/// BatchNorm and a convolution that read the channels.
fn reads(weights: &mut Weights, conv: &str, read: &Copies) -> Result<()> {
    weights.normed(&format!("{conv}.bn"), read)?;
    weights.shared_out(&format!("{conv}.weight"), read)
}

fn head_reads(weights: &mut Weights, read: &Copies) -> Result<()> {
    weights.normed("bn", read)?;
    weights.shared_out("fc.weight", read)
}

/// The network's description, and what it is as a DenseNet.
fn densenet_of(net: &DerivedNetwork) -> Result<(ModelConfig, DenseNet)> {
    let [height, width, _] = net.images();
    let model = net.architecture().model();
    let old = model.map(|model| Ok::<_, Setting>((model.clone(), model.as_densenet([height, width])?))).transpose()?;
    let expected = "a DenseNet-BC; wider and deeper grow chains, and other networks are not grown";
    let found = old.and_then(|(model, old)| Some((model, old?)));
    Ok(found.ok_or_else(|| Setting::new("network", net.architecture().name(), expected))?)
}

fn begins_with_norm(model: &ModelConfig, net: &DerivedNetwork) -> bool {
    let [height, width, _] = net.images();
    model.form_for([height, width]) == ModelForm::ImageNet
}

fn grown(model: ModelConfig, target: &DenseNet) -> ModelConfig {
    ModelConfig { form: model.form, ..target.clone().into() }
}

fn check_target(old: &DenseNet, target: &DenseNet) -> Result<()> {
    let grows = old.blocks.len() == target.blocks.len()
        && old.blocks.iter().zip(&target.blocks).all(|(old, new)| {
            let wider =
                |(old, new): (&DenseLayer, &DenseLayer)| old.growth <= new.growth && old.bottleneck <= new.bottleneck;
            let alike = old.layers.len() == new.layers.len() && old.input <= new.input;
            alike && old.layers.iter().zip(&new.layers).all(wider)
        });
    let expected = format!("as many layers in each block as `{old}`, and nothing narrower");
    Ok(Setting::check(grows, "target", target, expected)?)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{generator, images, network, same_function, trained};
    use super::*;
    use crate::batch::{Batch, PassOptions};
    use crate::common::flat;
    use crate::error::NnError;
    use eoinas_core::models::ModelKind;

    const START: &str = "densenet6 block3x2 transition5 block4-3:7 transition6 block2";

    #[test]
    fn grown_networks_compute_the_same() {
        let mut rng = generator(3);
        let net = network(START);
        for target in [
            "densenet9 block3x2 transition5 block4-3:7 transition6 block2",
            "densenet6 block5-3 transition5 block4-3:7 transition6 block2",
            "densenet6 block3:20-3 transition5 block4-3:7 transition6 block2",
            "densenet6 block3x2 transition17 block4-3:7 transition6 block2",
            "densenet6 block3x2 transition5 block4-3:7 transition6 block7",
            "densenet8 block4-9 transition12 block5x2 transition13 block3:11",
        ] {
            same_function(&net, &wider_densenet(&net, &target.parse().unwrap(), &mut rng).unwrap(), target);
        }
        for (block, after, text) in [
            (0, 0, "densenet6 block3x3 transition5 block4-3:7 transition6 block2"),
            (0, 1, "densenet6 block3x3 transition5 block4-3:7 transition6 block2"),
            (1, 0, "densenet6 block3x2 transition5 block4x2-3:7 transition6 block2"),
            (1, 1, "densenet6 block3x2 transition5 block4-3:7x2 transition6 block2"),
            (2, 0, "densenet6 block3x2 transition5 block4-3:7 transition6 block2x2"),
        ] {
            same_function(&net, &deeper_densenet(&net, block, after, &mut rng).unwrap(), text);
        }
        // One after the other.
        let mut all = deeper_densenet(&net, 1, 0, &mut rng).unwrap();
        let wide = "densenet8 block4-9 transition12 block5x2-4 transition13 block3:11";
        all = wider_densenet(&all, &wide.parse().unwrap(), &mut rng).unwrap();
        all = deeper_densenet(&deeper_densenet(&all, 0, 0, &mut rng).unwrap(), 1, 2, &mut rng).unwrap();
        same_function(&net, &all, "densenet8 block4x2-9 transition12 block5x2-4x2 transition13 block3:11");
    }

    #[test]
    fn published_networks_grow_in_both_forms() {
        let mut rng = generator(4);
        for (form, size, text) in [
            (ModelForm::Cifar, [9, 8, 3], "densenet6 block3x2-4 transition8 block3x2 transition7 block3x2"),
            (ModelForm::ImageNet, [33, 32, 3], "densenet4 block2x2-4-2x4 transition10"),
        ] {
            let depth = (form == ModelForm::Cifar).then_some(16);
            let bc = ModelConfig::new(ModelKind::DenseNetBc);
            let net = trained(&ModelConfig { form: Some(form), depth, width: 0.07, ..bc }, size);
            let deep = deeper_densenet(&net, 0, 1, &mut rng).unwrap();
            let (_, target) = densenet_of(&deep).unwrap();
            let growth = target.blocks[0].layers[2].growth + if form == ModelForm::Cifar { 1 } else { 2 };
            let target = target.widened(0, 2, growth).unwrap().with_wider_inputs();
            assert!(target.to_string().starts_with(text), "{target}");
            same_function(&net, &wider_densenet(&deep, &target, &mut rng).unwrap(), &target.to_string());
        }
    }

    /// With a batch's own statistics as well, the loss is the same, and one step makes copies differ.
    #[test]
    fn all_that_is_new_learns_and_copies_part() {
        let mut rng = generator(5);
        let net = network(START);
        let deep = deeper_densenet(&net, 0, 1, &mut rng).unwrap();
        let wide = "densenet7 block3x2-5 transition8 block4-3:7 transition6 block2".parse().unwrap();
        let grown = wider_densenet(&deep, &wide, &mut rng).unwrap();
        let batch = Batch::new(images(net.images()), vec![0, 3]).unwrap();
        let losses = [&net, &grown].map(|net| net.train_pass(&batch, &PassOptions::default()).unwrap().loss);
        assert!((losses[0] - losses[1]).abs() < 1e-4 * losses[0], "{losses:?}");
        let gradients = grown.train_pass(&batch, &PassOptions::default()).unwrap().weight_gradients.unwrap();
        let gradient = |name: &str| gradients.by_name(grown.parameters(), name).unwrap().clone();
        let size = |tensor: &Tensor| flat(tensor).iter().map(|value| value.abs()).sum::<f32>();
        // The new layer: its rows of zeros, too.
        let new = gradient("block1.2.conv1.weight");
        assert!(size(&new) > 1e-6 && size(&new.narrow(2, 10, 3).unwrap()) > 1e-6, "{new}");
        assert!(size(&gradient("block1.2.conv2.weight")) > 1e-6);
        // The last of the first convolution's channels is a copy of one of the others, with another gradient.
        let (weight, gradient) =
            (grown.parameters().by_name("conv0.weight").unwrap().value(), gradient("conv0.weight"));
        let channel = |tensor: &Tensor, at| flat(&tensor.narrow(3, at, 1).unwrap());
        let source = (0..6).find(|at| channel(weight, *at) == channel(weight, 6)).unwrap();
        assert_ne!(channel(&gradient, source), channel(&gradient, 6));
    }

    #[test]
    fn what_cannot_grow_is_refused() {
        let mut rng = generator(1);
        let net = network(START);
        for target in ["densenet6 block3x2", "densenet5 block3x2 transition5 block4-3:7 transition6 block2"] {
            let error = wider_densenet(&net, &target.parse().unwrap(), &mut rng).unwrap_err();
            assert!(error.to_string().starts_with(&format!("target is {target}; expected as many layers")), "{error}");
        }
        for (block, after) in [(0, 2), (3, 0)] {
            let error = deeper_densenet(&net, block, after, &mut rng).unwrap_err();
            assert!(matches!(error, NnError::Setting(_)), "{error}");
        }
        let error = deeper_densenet(&network("conv3-5"), 0, 0, &mut rng).unwrap_err().to_string();
        assert!(error.starts_with("network is chain; expected a DenseNet-BC; wider and deeper grow chains"), "{error}");
    }
}
