//! Trained networks made wider and deeper that compute the same as before, so that training goes on from there (Chen, Goodfellow,
//! Shlens, "Net2Net: accelerating learning via knowledge transfer", ICLR 2016), as EAS grows its chains (Cai et al., AAAI 2018).
//!
//! Networks that are chains can be grown ([`Chain`]). The result has weights of its own and no momenta.

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor};
use eoinas_core::models::{Chain, ChainLayer};
use eoinas_core::{Setting, Streams};
use rand::{Rng, RngExt as _};

use crate::derived::DerivedNetwork;
use crate::error::{NnError, Result};

/// The network with one layer of the chain wider (Net2Wider): `at` counts layers from 0, and `width` is the new number of channels
/// or units. What is added are copies of channels that `rng` chooses, and whoever reads them shares out its weights among
/// the copies. Copies learn alike but for dropout; the paper adds a little noise where there is none.
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
    let sources: Vec<usize> = (0..width).map(|new| if new < old { new } else { rng.random_range(0..old) }).collect();
    let mut copies = vec![0_usize; old];
    sources.iter().for_each(|&source| copies.iter_mut().skip(source).take(1).for_each(|count| *count += 1));
    let shares: Vec<f32> = sources.iter().map(|&source| 1.0 / copies.get(source).map_or(1.0, |&n| n as f32)).collect();
    let ids: Vec<u32> = sources.into_iter().map(|source| source as u32).collect();

    let mut tensors = net.parameters().tensors();
    let device = device_of(&tensors);
    let ids = Tensor::from_vec(ids, width, &device)?;
    for part in ["weight", "bias"] {
        change(&mut tensors, &format!("layer{}.{part}", at + 1), |tensor| {
            tensor.index_select(&ids, tensor.rank().saturating_sub(1))
        })?;
    }
    let reader = chain.layers.iter().skip(at + 1).position(|layer| !matches!(layer, ChainLayer::Pool { .. }));
    let reader = reader.map_or_else(|| "classifier".to_owned(), |further| format!("layer{}", at + further + 2));
    change(&mut tensors, &format!("{reader}.weight"), |tensor| {
        let shares = Tensor::from_vec(shares, (width, 1), &device)?;
        tensor.index_select(&ids, tensor.rank().saturating_sub(2))?.broadcast_mul(&shares)
    })?;
    built(net, grown, &tensors)
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
    let old = net.parameters().tensors();
    let device = device_of(&old);
    let mut tensors: HashMap<String, Tensor> =
        old.into_iter().map(|(name, tensor)| (name_after(&name, after), tensor)).collect();
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
    tensors.insert(format!("{name}.weight"), weight);
    tensors.insert(format!("{name}.bias"), Tensor::zeros(width, DType::F32, &device)?);
    built(net, grown, &tensors)
}

/// The chain of the network, as wide as it is.
fn chain_of(net: &DerivedNetwork) -> Result<Chain> {
    let model = net.architecture().model();
    let chain = model.and_then(|model| Some(model.chain.as_ref()?.scaled(model.width)));
    let no_chain = || Setting::new("network", net.architecture().name(), "a chain: other networks are not grown");
    Ok(chain.ok_or_else(no_chain)??)
}

fn no_layer(chain: &Chain, at: usize) -> NnError {
    let expected = format!("the place, from 0, of a convolution or fully connected layer of `{chain}`");
    Setting::new("layer", at, expected).into()
}

fn device_of(tensors: &HashMap<String, Tensor>) -> Device {
    tensors.values().next().map_or(Device::Cpu, |tensor| tensor.device().clone())
}

/// A parameter's name where there is one more layer after the layer `after`.
fn name_after(name: &str, after: usize) -> String {
    let layer = name.strip_prefix("layer").and_then(|rest| rest.split_once('.'));
    match layer.and_then(|(number, part)| Some((number.parse::<usize>().ok()?, part))) {
        Some((number, part)) if number > after + 1 => format!("layer{}.{part}", number + 1),
        _ => name.to_owned(),
    }
}

fn change(
    tensors: &mut HashMap<String, Tensor>,
    name: &str,
    change: impl FnOnce(&Tensor) -> candle_core::Result<Tensor>,
) -> Result<()> {
    let tensor = tensors.get_mut(name).ok_or(NnError::Fault("a chain's layer has no weights"))?;
    *tensor = change(tensor)?.contiguous()?;
    Ok(())
}

/// The network of a chain with these weights, and the task of the one that it comes from.
fn built(from: &DerivedNetwork, chain: Chain, tensors: &HashMap<String, Tensor>) -> Result<DerivedNetwork> {
    let (model, device) = (chain.into(), device_of(tensors));
    let mut net = DerivedNetwork::of_model(&model, from.images(), from.classes(), &Streams::new(0), &device)?;
    net.parameters_mut().load(tensors)?;
    Ok(net.with_task(from.task().clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::common::flat;
    use eoinas_core::SeedStream;

    fn network(text: &str) -> DerivedNetwork {
        let chain: Chain = text.parse().unwrap();
        let mut net = DerivedNetwork::of_model(&chain.into(), [9, 8, 3], 4, &Streams::new(7), &Device::Cpu).unwrap();
        // Biases begin as zeros, which would hide what happens to them.
        let tensors = net.parameters().tensors().into_iter().map(|(name, tensor)| {
            let noise = Tensor::arange(0f32, tensor.elem_count() as f32, &Device::Cpu).unwrap();
            let noise = noise.sin().unwrap().reshape(tensor.dims()).unwrap();
            (name, ((noise * 0.05).unwrap() + tensor).unwrap())
        });
        let tensors = tensors.collect();
        net.parameters_mut().load(&tensors).unwrap();
        net
    }

    fn images() -> Tensor {
        let values: Vec<f32> = (0..2 * 9 * 8 * 3).map(|i| (i as f32 * 0.37).sin() * 2.0).collect();
        Tensor::from_vec(values, (2, 9, 8, 3), &Device::Cpu).unwrap()
    }

    fn same_function(before: &DerivedNetwork, after: &DerivedNetwork, chain: &str) {
        assert_eq!(after.architecture().to_string(), chain);
        let (before, after) = (flat(&before.logits(&images()).unwrap()), flat(&after.logits(&images()).unwrap()));
        let largest = before.iter().fold(0f32, |most, logit| most.max(logit.abs()));
        assert!(largest > 0.01);
        for (before, after) in before.iter().zip(&after) {
            assert!((before - after).abs() <= 1e-6 * largest.max(1.0), "{chain}: {before} became {after}");
        }
    }

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
        assert_eq!(error, "network is resnet-20; expected a chain: other networks are not grown");
    }

    fn generator(seed: u64) -> impl Rng {
        Streams::new(seed).rng(SeedStream::Named("net2net"), 0, 0)
    }
}
