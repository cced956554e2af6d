//! What a GPU's kernels leave for later, and what they take, run on the CPU.
#![cfg(feature = "emulation")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::Values;
use eoinas_kernels::elementwise::set_zero;
use eoinas_kernels::optim::settle;
use eoinas_kernels::{
    ConvGeometry, Convolution, Gradient, Input, InputGradient, WeightGradient, Workspace, conv_backward, emulation,
    profile,
};

fn tensor(seed: u64, shape: &[usize]) -> candle_core::Tensor {
    Values::new(seed).tensor(shape)
}

fn weight_gradients() -> Vec<WeightGradient> {
    let gradients = [(1, 12), (2, 7), (3, 16)].map(|(seed, channels)| {
        let (x, dy) = (tensor(seed, &[2, 6, 5, channels]), tensor(seed + 9, &[2, 6, 5, 8]));
        let weight = tensor(seed + 99, &[1, 1, channels, 8]);
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
    let known = tensor(0, &[3]);
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
