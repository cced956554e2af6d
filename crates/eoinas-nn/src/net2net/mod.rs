//! Trained networks made wider and deeper that compute the same as before, so that training goes on from there (Chen, Goodfellow,
//! Shlens, "Net2Net: accelerating learning via knowledge transfer", ICLR 2016), as EAS grows its networks (Cai et al., AAAI 2018).
//!
//! Chains can be grown ([`wider`], [`deeper`]), and DenseNet-BC, published or by its text ([`wider_densenet`],
//! [`deeper_densenet`]). The result has weights of its own and no momenta. Copies would learn alike where all that reads them has
//! the same weights for them, which the papers end by a little noise, and with it the equality. Here readers share out their
//! weights unevenly instead, by factors drawn from 0.5 to 1.5 that are divided by their sum.

mod chain;
mod densenet;
mod weights;

pub use chain::{deeper, wider};
pub use densenet::{deeper_densenet, wider_densenet};

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};
    use eoinas_core::models::ModelConfig;
    use eoinas_core::{SeedStream, Streams};
    use rand::Rng;

    use crate::common::flat;
    use crate::derived::DerivedNetwork;

    const SIZE: [usize; 3] = [9, 8, 3];

    /// A network as after some training: biases and running statistics begin as zeros and ones, which would hide what happens to
    /// them.
    pub fn network(text: &str) -> DerivedNetwork {
        trained(&text.parse().unwrap(), SIZE)
    }

    pub fn trained(model: &ModelConfig, images: [usize; 3]) -> DerivedNetwork {
        let mut net = DerivedNetwork::of_model(model, images, 4, &Streams::new(7), &Device::Cpu).unwrap();
        let mut names: Vec<String> = net.parameters().tensors().into_keys().collect();
        names.sort();
        let tensors = names.into_iter().enumerate().map(|(at, name)| {
            let tensor = net.parameters().by_name(&name).unwrap().value().clone();
            let noise = Tensor::arange(0f32, tensor.elem_count() as f32, &Device::Cpu).unwrap();
            let noise = (noise + at as f64).unwrap().sin().unwrap().reshape(tensor.dims()).unwrap();
            let size = if name.ends_with("running_var") { 0.6 } else { 0.05 };
            (name, ((noise * size).unwrap() + tensor).unwrap())
        });
        let tensors = tensors.collect();
        net.parameters_mut().load(&tensors).unwrap();
        net
    }

    pub fn images([height, width, channels]: [usize; 3]) -> Tensor {
        let values: Vec<f32> = (0..2 * height * width * channels).map(|i| (i as f32 * 0.37).sin() * 2.0).collect();
        Tensor::from_vec(values, (2, height, width, channels), &Device::Cpu).unwrap()
    }

    pub fn same_function(before: &DerivedNetwork, after: &DerivedNetwork, text: &str) {
        assert_eq!(after.architecture().to_string(), text);
        let images = images(before.images());
        let (before, after) = (flat(&before.logits(&images).unwrap()), flat(&after.logits(&images).unwrap()));
        let largest = before.iter().fold(0f32, |most, logit| most.max(logit.abs()));
        assert!(largest > 0.01);
        let apart = before.iter().zip(&after).fold(0f32, |most, (before, after)| most.max((before - after).abs()));
        println!("{text}: {apart:e} of {largest}");
        assert!(apart <= 1e-6 * largest.max(1.0), "{text}: {before:?} became {after:?}");
    }

    pub fn generator(seed: u64) -> impl Rng {
        Streams::new(seed).rng(SeedStream::Named("net2net"), 0, 0)
    }
}
