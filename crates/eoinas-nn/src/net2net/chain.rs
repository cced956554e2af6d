//! Chains.

use candle_core::{DType, Tensor};
use eoinas_core::Setting;
use eoinas_core::models::{Chain, ChainLayer};
use rand::Rng;

use super::weights::{Copies, Weights};
use crate::derived::DerivedNetwork;
use crate::error::{NnError, Result};

/// The network with one layer of the chain wider (Net2Wider): `at` counts layers from 0, and `width` is the new number of channels
/// or units. What is added are copies of channels that `rng` chooses, and whoever reads them shares out its weights among
/// the copies, unevenly, so that they do not learn alike.
///
/// # Errors
/// A network that is no chain; a layer that is not there or has no width; a width that is less than it has, or more than 65,536.
pub fn wider(net: &DerivedNetwork, at: usize, width: usize, rng: &mut dyn Rng) -> Result<DerivedNetwork> {
    let chain = chain_of(net)?;
    let old = match chain.layers.get(at) {
        Some(ChainLayer::Conv { channels: width, .. } | ChainLayer::Dense { units: width }) => *width,
        _ => return Err(no_layer(&chain, at)),
    };
    Setting::check((old..=65_536).contains(&width), "width", width, format!("{old}, as now, to 65536"))?;
    let grown = chain.widened(at, width).ok_or_else(|| no_layer(&chain, at))?;
    let copies = Copies::drawn(old, width, rng);
    let mut weights = Weights::of(net);
    for part in ["weight", "bias"] {
        weights.copied(&format!("layer{}.{part}", at + 1), &copies)?;
    }
    let reader = chain.layers.iter().skip(at + 1).position(|layer| !matches!(layer, ChainLayer::Pool { .. }));
    let reader = reader.map_or_else(|| "classifier".to_owned(), |further| format!("layer{}", at + further + 2));
    weights.shared_out(&format!("{reader}.weight"), &copies)?;
    weights.network(net, &grown.into())
}

/// The network with one more layer of the chain after the layer `after` (from 0), as wide as that (Net2Deeper): it begins as the
/// identity, which ReLU leaves as it is. After a convolution it is one with this `kernel`, which is odd.
///
/// # Errors
/// A network that is no chain; a layer that is not there or is a pooling; an even kernel.
pub fn deeper(net: &DerivedNetwork, after: usize, kernel: usize) -> Result<DerivedNetwork> {
    let chain = chain_of(net)?;
    Setting::check(kernel % 2 == 1 && kernel <= 63, "kernel", kernel, "an odd number up to 63")?;
    let grown = chain.deepened(after, kernel).ok_or_else(|| no_layer(&chain, after))?;
    let mut weights = Weights::of(net);
    weights.rename(|name| name_after(name, after));
    let device = weights.device();
    let identity = |width| Tensor::eye(width, DType::F32, &device);
    let (width, weight) = match chain.layers.get(after) {
        Some(ChainLayer::Conv { channels: width, .. }) => {
            let (centre, around) = (identity(*width)?.reshape((1, 1, *width, *width))?, kernel / 2);
            (*width, centre.pad_with_zeros(0, around, around)?.pad_with_zeros(1, around, around)?)
        }
        Some(ChainLayer::Dense { units }) => (*units, identity(*units)?),
        _ => return Err(no_layer(&chain, after)),
    };
    let name = format!("layer{}", after + 2);
    weights.insert(format!("{name}.weight"), weight);
    weights.insert(format!("{name}.bias"), Tensor::zeros(width, DType::F32, &device)?);
    weights.network(net, &grown.into())
}

/// The chain of the network, as wide as it is.
fn chain_of(net: &DerivedNetwork) -> Result<Chain> {
    let model = net.architecture().model();
    let chain = model.and_then(|model| Some(model.chain.as_ref()?.scaled(model.width)));
    let no_chain = || {
        Setting::new(
            "network",
            net.architecture().name(),
            "a chain; wider_densenet and deeper_densenet grow DenseNets, and other networks are not grown",
        )
    };
    Ok(chain.ok_or_else(no_chain)??)
}

fn no_layer(chain: &Chain, at: usize) -> NnError {
    let expected = format!("the place, from 0, of a convolution or fully connected layer of `{chain}`");
    Setting::new("layer", at, expected).into()
}

/// A parameter's name where there is one more layer after the layer `after`.
fn name_after(name: &str, after: usize) -> String {
    let layer = name.strip_prefix("layer").and_then(|rest| rest.split_once('.'));
    match layer.and_then(|(number, part)| Some((number.parse::<usize>().ok()?, part))) {
        Some((number, part)) if number > after + 1 => format!("layer{}.{part}", number + 1),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{generator, network, same_function};
    use super::*;
    use candle_core::Device;
    use eoinas_core::Streams;

    #[test]
    fn grown_networks_compute_the_same() {
        let mut rng = generator(3);
        for (text, at, grown) in [
            ("conv3-5 pool2/2 conv5-6 dense7", 0, "conv3-8 pool2/2 conv5-6 dense7"),
            ("conv3-5 pool2/2 conv5-6 dense7", 2, "conv3-5 pool2/2 conv5-8 dense7"),
            ("conv3-5 pool2/2 conv5-6 dense7", 3, "conv3-5 pool2/2 conv5-6 dense8"),
            ("conv3-5 pool2/2 average", 0, "conv3-8 pool2/2 average"),
            ("conv3-5 pool2/2", 0, "conv3-8 pool2/2"),
            ("dense7 dense6", 0, "dense8 dense6"),
        ] {
            let net = network(text);
            same_function(&net, &wider(&net, at, 8, &mut rng).unwrap(), grown);
        }
        for (text, after, grown) in [
            ("conv3-5 pool2/2 conv5-6 dense7", 0, "conv3-5 conv3-5 pool2/2 conv5-6 dense7"),
            ("conv3-5 pool2/2 conv5-6 dense7", 2, "conv3-5 pool2/2 conv5-6 conv3-6 dense7"),
            ("conv3-5 pool2/2 conv5-6 dense7", 3, "conv3-5 pool2/2 conv5-6 dense7 dense7"),
            ("conv3-5 average", 0, "conv3-5 conv3-5 average"),
        ] {
            let net = network(text);
            same_function(&net, &deeper(&net, after, 3).unwrap(), grown);
        }
        // One after the other, wider by less than twice and by more.
        let net = network("conv3-5 conv1-6 average");
        let grown = wider(&deeper(&wider(&net, 1, 20, &mut rng).unwrap(), 0, 5).unwrap(), 1, 7, &mut rng).unwrap();
        same_function(&net, &grown, "conv3-5 conv5-7 conv1-20 average");
    }

    #[test]
    fn what_cannot_grow_is_refused() {
        let mut rng = generator(1);
        let net = network("conv3-5 pool2/2");
        for error in [
            wider(&net, 1, 9, &mut rng).unwrap_err(),
            wider(&net, 2, 9, &mut rng).unwrap_err(),
            wider(&net, 0, 4, &mut rng).unwrap_err(),
            deeper(&net, 1, 3).unwrap_err(),
            deeper(&net, 0, 2).unwrap_err(),
        ] {
            assert!(matches!(error, NnError::Setting(_)), "{error}");
        }
        let model = eoinas_core::models::ModelConfig::new("resnet-20".parse().unwrap());
        let net = DerivedNetwork::of_model(&model, [9, 8, 3], 4, &Streams::new(7), &Device::Cpu).unwrap();
        let error = wider(&net, 0, 99, &mut rng).unwrap_err().to_string();
        assert!(error.starts_with("network is resnet-20; expected a chain; wider_densenet"), "{error}");
    }
}
