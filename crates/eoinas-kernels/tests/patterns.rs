//! Patterns of ReLUs against the definition.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use candle_core::{Device, Tensor};
use common::{Values, array};
use eoinas_kernels::reference::Array;
use eoinas_kernels::reference::activation::{NormValues, activate, join};
use eoinas_kernels::{Input, KernelError, Norm, pattern::ReluPatterns};

/// `x x^T + (1 - x)(1 - x)^T`, entry by entry.
fn kernel(x: &Array<f64>, norm: Option<&NormValues<f64>>) -> Vec<u64> {
    let y = activate(x, norm, true);
    let images: Vec<&[f64]> = y.data.chunks(y.data.len() / y.shape[0]).collect();
    let agree = |a: &[f64], b: &[f64]| a.iter().zip(b).filter(|(a, b)| (**a > 0.0) == (**b > 0.0)).count() as u64;
    images.iter().flat_map(|a| images.iter().map(|b| agree(a, b))).collect()
}

fn norm(values: &mut Values, c: usize) -> (Norm, NormValues<f64>) {
    let mut draw = || values.vec(c);
    let (mean, rstd, scale, shift) = (draw(), draw(), draw(), draw());
    let wide = |values: &[f32]| values.iter().map(|&value| f64::from(value)).collect();
    let of = NormValues { mean: wide(&mean), rstd: wide(&rstd), scale: wide(&scale), shift: wide(&shift) };
    let tensor = |values: Vec<f32>| Tensor::from_vec(values, c, &Device::Cpu).unwrap();
    (Norm { mean: tensor(mean), rstd: tensor(rstd), scale: tensor(scale), shift: tensor(shift) }, of)
}

#[test]
fn pairs_of_images_by_the_definition() {
    for (n, h, w, channels) in [(1, 1, 1, vec![1]), (3, 2, 3, vec![5]), (4, 8, 8, vec![16]), (5, 3, 7, vec![9, 20, 3])]
    {
        let mut values = Values::new((n * h * w) as u64);
        let sources: Vec<Tensor> = channels.iter().map(|&c| values.tensor(&[n, h, w, c])).collect();
        let refs: Vec<&Tensor> = sources.iter().collect();
        let joined = join(&sources.iter().map(array).collect::<Vec<_>>());
        let (norm, norm_values) = norm(&mut values, channels.iter().sum());
        let mut patterns = ReluPatterns::new(n);
        patterns.add(Input { sources: &refs, norm: None, relu: true }).unwrap();
        let expected = kernel(&joined, None);
        assert_eq!(patterns.agreements(), expected);
        patterns.add(Input { sources: &refs, norm: Some(&norm), relu: true }).unwrap();
        let both: Vec<u64> = expected.iter().zip(kernel(&joined, Some(&norm_values))).map(|(a, b)| a + b).collect();
        assert_eq!(patterns.agreements(), both);
        let total = 2 * h * w * channels.iter().sum::<usize>();
        assert_eq!(patterns.values(), total as u64);
        assert!((0..n).all(|i| patterns.agreements()[i * n + i] == total as u64));
    }
}

#[test]
fn what_several_ops_read_counts_for_each() {
    let x = Values::new(3).tensor(&[3, 4, 4, 8]);
    let input = Input { sources: &[&x], norm: None, relu: true };
    let (mut once, mut twice) = (ReluPatterns::new(3), ReluPatterns::new(3));
    once.add(input).unwrap();
    twice.add(input).unwrap();
    twice.add(input).unwrap();
    assert!(once.agreements().iter().zip(twice.agreements()).all(|(once, twice)| 2 * once == *twice));
    assert!(once.log_det().is_finite() && (once.log_det() - twice.log_det()).abs() < 1e-9);
}

#[test]
fn another_batch_is_refused() {
    let x = Values::new(3).tensor(&[3, 4, 4, 8]);
    let error = ReluPatterns::new(2).add(Input { sources: &[&x], norm: None, relu: true });
    assert!(matches!(error, Err(KernelError::Argument { got, .. }) if got == "3 images"));
}
