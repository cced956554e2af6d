//! The references' own backward passes against finite differences in f64.

mod common;

use common::Values;
use eoinas_kernels::reference::Array;
use eoinas_kernels::reference::activation::{NormValues, activate, activate_backward, output_gradient, statistics};
use eoinas_kernels::reference::conv::{Window, conv, conv_backward};
use eoinas_kernels::reference::depthwise::{Filter, depthwise, depthwise_backward};

fn random(values: &mut Values, len: usize) -> Vec<f64> {
    values.vec(len).into_iter().map(f64::from).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// Compares `gradient` with central differences of `loss`.
fn check(what: &str, at: &[f64], gradient: &[f64], loss: impl Fn(&[f64]) -> f64) {
    let step = 1e-5;
    for i in 0..at.len() {
        let mut moved = at.to_vec();
        moved[i] += step;
        let above = loss(&moved);
        moved[i] -= 2.0 * step;
        let difference = (above - loss(&moved)) / (2.0 * step);
        assert!((difference - gradient[i]).abs() < 1e-7, "{what} {i}: {} by differences {difference}", gradient[i]);
    }
}

#[test]
fn depthwise_gradients() {
    for (kernel, stride, dilation) in [(3, 1, 1), (3, 2, 2), (5, 2, 1), (5, 1, 2)] {
        let filter = Filter { kernel, stride, dilation };
        let mut values = Values::new(kernel as u64);
        let shape = [1, 5, 4, 2];
        let x = Array { shape, data: random(&mut values, 40) };
        let w = random(&mut values, kernel * kernel * 2);
        let z = depthwise(&x, &w, filter);
        let dz = Array { shape: z.shape, data: random(&mut values, z.data.len()) };
        let (dx, dw) = depthwise_backward(&x, &w, filter, &dz);
        check("dx", &x.data, &dx.data, |x| {
            dot(&depthwise(&Array { shape, data: x.to_vec() }, &w, filter).data, &dz.data)
        });
        check("dw", &w, &dw, |w| dot(&depthwise(&x, w, filter).data, &dz.data));
    }
}

#[test]
fn conv_gradients() {
    for (kernel, stride, start) in [((3, 3), 1, (-1, -1)), ((1, 1), 2, (1, 1)), ((1, 5), 2, (0, -2))] {
        let window = Window { kernel, stride, start };
        let mut values = Values::new(stride as u64);
        let shape = [2, 5, 4, 2];
        let x = Array { shape, data: random(&mut values, 80) };
        let w = random(&mut values, kernel.0 * kernel.1 * 2 * 3);
        let z = conv(&x, &w, 3, window);
        let dz = Array { shape: z.shape, data: random(&mut values, z.data.len()) };
        let (dx, dw) = conv_backward(&x, &w, window, &dz);
        check("dx", &x.data, &dx.data, |x| {
            dot(&conv(&Array { shape, data: x.to_vec() }, &w, 3, window).data, &dz.data)
        });
        check("dw", &w, &dw, |w| dot(&conv(&x, w, 3, window).data, &dz.data));
    }
}

/// BatchNorm on batch statistics and ReLU: the way back through the ReLU, the sums, and the affine map of the gradient
/// together are the derivative.
#[test]
fn activation_gradients() {
    let mut values = Values::new(5);
    let shape = [2, 3, 2, 3];
    let x = Array { shape, data: random(&mut values, 36) };
    let (gamma, beta) = (random(&mut values, 3), random(&mut values, 3));
    let norm_of = |x: &Array<f64>| {
        let (mean, variance) = statistics(x);
        let rstd: Vec<f64> = variance.iter().map(|v| 1.0 / (v + 1e-5).sqrt()).collect();
        let scale: Vec<f64> = gamma.iter().zip(&rstd).map(|(g, r)| g * r).collect();
        let shift = (0..3).map(|c| beta[c] - mean[c] * scale[c]).collect();
        NormValues { mean, rstd, scale, shift }
    };
    let dy = Array { shape, data: random(&mut values, 36) };
    let norm = norm_of(&x);
    let (masked, sum, sum_xhat) = activate_backward(&dy, &x, Some(&norm), true);
    let count = 12.0;
    let b: Vec<f64> = (0..3).map(|c| -norm.scale[c] * norm.rstd[c] * sum_xhat[c] / count).collect();
    let d: Vec<f64> = (0..3).map(|c| -norm.scale[c] * sum[c] / count - b[c] * norm.mean[c]).collect();
    let dx = output_gradient(&masked, Some((&x, [&norm.scale[..], &b, &d])), 1.0, None);
    check("dx", &x.data, &dx.data, |data| {
        let x = Array { shape, data: data.to_vec() };
        dot(&activate(&x, Some(&norm_of(&x)), true).data, &dy.data)
    });
}
