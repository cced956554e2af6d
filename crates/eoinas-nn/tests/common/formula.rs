//! Networks whose numbers follow from a formula, as `tests/pytorch/cases/models.py` has it.
#![allow(dead_code, clippy::unwrap_used)]

use std::collections::HashMap;

use candle_core::{Device, Tensor};
use eoinas_core::Streams;
use eoinas_core::models::{ModelConfig, ModelForm};
use eoinas_nn::DerivedNetwork;

/// The number of the images among layers.
const IMAGES: u64 = 1 << 20;

/// Numbers that look random, of a tensor of a layer in PyTorch's layout.
fn between(low: f64, high: f64, (layer, tensor): (u64, u64), shape: &[usize]) -> Tensor {
    const MASK: u64 = 0xFFFF_FFFF;
    let value = |index: u64| {
        let mut x = ((index + 1) * 2_654_435_761 + (4 * layer + tensor) * 2_246_822_519) & MASK;
        for (shift, factor) in [(15, 2_246_822_519), (13, 3_266_489_917), (16, 1)] {
            x = ((x ^ (x >> shift)) * factor) & MASK;
        }
        let unit = (x as f64 / (1u64 << 32) as f64) as f32;
        (low + (high - low) * f64::from(unit)) as f32
    };
    let count = shape.iter().product::<usize>() as u64;
    Tensor::from_vec((0..count).map(value).collect::<Vec<f32>>(), shape, &Device::Cpu).unwrap()
}

/// Images `[n, size, size, 3]`.
pub fn images(n: usize, size: usize) -> Tensor {
    let first = between(-2.0, 2.0, (IMAGES, 0), &[n, 3, size, size]);
    first.permute((0, 2, 3, 1)).unwrap().contiguous().unwrap()
}

/// PyTorch's layout of a weight from ours, or back.
pub fn turned(weight: &Tensor, back: bool) -> Tensor {
    let turned = match (weight.rank(), back) {
        (4, false) => weight.permute((2, 3, 1, 0)),
        (4, true) => weight.permute((3, 2, 0, 1)),
        (2, _) => weight.t(),
        _ => Ok(weight.clone()),
    };
    turned.unwrap().contiguous().unwrap()
}

/// Names of the layers with parameters, in the order in which they run.
pub fn layers(net: &DerivedNetwork) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, parameter) in net.parameters().iter() {
        let (layer, _) = parameter.name().rsplit_once('.').unwrap();
        if names.last().is_none_or(|last| last != layer) {
            names.push(layer.to_owned());
        }
    }
    names
}

/// The network of a case, `NAME.FORM.WIDTH.DEPTH.SIZE`, with the formula's numbers; and the size of its images.
pub fn network(case: &str, classes: Option<usize>) -> (DerivedNetwork, usize) {
    let (case, size) = case.rsplit_once('.').unwrap();
    let (case, depth) = case.rsplit_once('.').unwrap();
    let (name, rest) = case.split_once('.').unwrap();
    let (form, width) = rest.split_once('.').unwrap();
    let (form, made) = match form {
        "cifar" => (ModelForm::Cifar, 10),
        _ => (ModelForm::ImageNet, 1000),
    };
    let (width, size): (f64, usize) = (width.parse().unwrap(), size.parse().unwrap());
    let new = ModelConfig::new(name.parse().unwrap());
    let model = ModelConfig { form: Some(form), width, depth: depth.parse().ok(), ..new };
    (filled(&model, size, classes.unwrap_or(made)), size)
}

/// A network with the formula's numbers.
pub fn filled(model: &ModelConfig, size: usize, classes: usize) -> DerivedNetwork {
    let mut net = DerivedNetwork::of_model(model, [size, size, 3], classes, &Streams::new(1), &Device::Cpu).unwrap();
    fill(&mut net);
    net
}

fn fill(net: &mut DerivedNetwork) {
    let numbers: HashMap<String, u64> = (0..).zip(layers(net)).map(|(number, name)| (name, number)).collect();
    let biased = |layer: &str| net.parameters().by_name(&format!("{layer}.bias")).is_some();
    let mut values = HashMap::new();
    for (_, parameter) in net.parameters().iter() {
        let (layer, what) = parameter.name().rsplit_once('.').unwrap();
        let gain = if biased(layer) { 3.0 } else { 6.0 };
        let (layer, shape) = (numbers[layer], parameter.value().dims());
        let value = match what {
            "gamma" => between(0.75, 1.25, (layer, 0), shape),
            "running_mean" => between(-0.25, 0.25, (layer, 2), shape),
            "running_var" => between(0.75, 1.25, (layer, 3), shape),
            "beta" | "bias" => between(-0.25, 0.25, (layer, 1), shape),
            _ => {
                let first = turned(parameter.value(), true);
                let fan_in = first.dims()[1..].iter().product::<usize>();
                let bound = (gain / fan_in as f64).sqrt();
                turned(&between(-bound, bound, (layer, 0), first.dims()), false)
            }
        };
        values.insert(parameter.name().to_owned(), value);
    }
    net.parameters_mut().load(&values).unwrap();
}
