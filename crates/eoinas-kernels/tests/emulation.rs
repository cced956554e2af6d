//! What a GPU's kernels leave for later, and what they take, run on the CPU.
#![cfg(feature = "emulation")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use candle_core::{Device, Tensor};
use eoinas_kernels::elementwise::set_zero;
use eoinas_kernels::optim::settle;
use eoinas_kernels::{
    ConvGeometry, Convolution, Gradient, Input, InputGradient, WeightGradient, Workspace, conv_backward, emulation,
    profile,
};

/// Numbers between -1 and 1.
fn numbers(seed: u64, shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let number =
        |i: usize| ((i as u64 + seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f32 / (1 << 23) as f32 - 1.0;
    Tensor::from_vec((0..count).map(number).collect::<Vec<f32>>(), shape, &Device::Cpu).unwrap()
}

fn weight_gradients() -> Vec<WeightGradient> {
    let gradients = [(1, 12), (2, 7), (3, 16)].map(|(seed, channels)| {
        let (x, dy) = (numbers(seed, &[2, 6, 5, channels]), numbers(seed + 9, &[2, 6, 5, 8]));
        let weight = numbers(seed + 99, &[1, 1, channels, 8]);
        let conv = Convolution::Dense { weight: &weight, geometry: ConvGeometry::POINTWISE };
        let (x, gradient) = (
            Input { sources: &[&x], norm: None, relu: true },
            Gradient { dy: &dy, norm: None, gate: 0.5, sample: None },
        );
        conv_backward(&Workspace::new(), x, conv, gradient, InputGradient::Skip, true).unwrap().weights
    });
    gradients.into_iter().flatten().collect()
}

// One test: emulation and the profile are switched for the whole process.
#[test]
fn weights_gradients_are_added_up_at_once_and_launches_are_counted() {
    emulation::set(false);
    let expected = settle(weight_gradients()).unwrap();
    emulation::set(true);
    let found = weight_gradients();
    assert!(found.iter().all(|gradient| matches!(gradient, WeightGradient::Pending { .. })));
    // What is known already keeps its place among them.
    let known = numbers(0, &[3]);
    let mixed = [vec![WeightGradient::Known(known.clone())], found].concat();
    profile::start();
    let settled = settle(mixed).unwrap();
    let launches = profile::finish().unwrap();
    assert_eq!(launches.iter().map(|kernel| (&*kernel.name, kernel.launches)).collect::<Vec<_>>(), [("sum_parts", 1)]);
    assert_eq!(settled[0].to_vec1::<f32>().unwrap(), known.to_vec1::<f32>().unwrap());
    for (got, expected) in settled[1..].iter().zip(&expected) {
        assert_eq!(got.dims(), expected.dims());
        let difference = (got - expected).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        assert!(difference.to_scalar::<f32>().unwrap() < 1e-5);
    }
    assert!(settle(Vec::new()).unwrap().is_empty());

    // A profile holds what was launched since it was started, and nothing after it ended.
    profile::start();
    profile::start();
    (0..3).for_each(|_| set_zero(&known).unwrap());
    let launches = profile::finish().unwrap();
    assert_eq!((launches.len(), launches[0].launches), (1, 3));
    assert!(launches[0].milliseconds >= 0.0);
    set_zero(&known).unwrap();
    assert!(profile::finish().unwrap().is_empty());
}
