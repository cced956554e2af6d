//! Pooling against its definition, and its gradient against finite differences and PyTorch's rule for ties.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use candle_core::{DType, Device, Tensor};
use common::numeric::{dot, gradient};
use common::{Values, array, assert_close, flat, wide};
use eoinas_kernels::elementwise::{relu_forward, set_zero};
use eoinas_kernels::head::global_average_pool;
use eoinas_kernels::node::{node_sum, write_scaled};
use eoinas_kernels::norm::batch_stats;
use eoinas_kernels::optim::sum_of_squares;
use eoinas_kernels::pool::{pool_backward, pool_forward};
use eoinas_kernels::reference::Array;
use eoinas_kernels::reference::pool::pool;
use eoinas_kernels::simd::Level;
use eoinas_kernels::tape::max_pool2d;
use eoinas_kernels::{GradCoefficients, Gradient, KernelError, PoolKind, Workspace};

const KINDS: [PoolKind; 2] = [PoolKind::Max, PoolKind::Average];

fn plain(dy: &Tensor) -> Gradient<'_> {
    Gradient { dy, norm: None, gate: 1.0, sample: None }
}

#[test]
fn forward_against_definition() {
    for c in [1, 3, 4, 6, 8, 16, 20, 36, 64] {
        for (h, w) in [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3), (5, 4), (7, 9), (8, 8), (1, 24), (9, 1)] {
            let x = Values::new((c * h + w) as u64).tensor(&[2, h, w, c]);
            for (kind, stride) in KINDS.into_iter().flat_map(|kind| [(kind, 1), (kind, 2)]) {
                let expected = pool(&array(&x), kind == PoolKind::Max, stride);
                for level in Level::available() {
                    let ws = Workspace::new();
                    let (z, stats) = level.scope(|| pool_forward(&ws, &x, kind, stride, true).unwrap());
                    let (alone, none) = level.scope(|| pool_forward(&ws, &x, kind, stride, false).unwrap());
                    assert!(none.is_none() && flat(&alone) == flat(&z));
                    let stats = stats.unwrap();
                    assert_eq!(z.dims(), expected.shape);
                    assert_close(&format!("{kind:?} {stride} {h}x{w}x{c}"), &flat(&z), &expected.data, 1e-5);
                    let own = batch_stats(&z).unwrap();
                    assert_close("mean", &flat(&stats.mean), &wide(&own.mean), 1e-5);
                    assert_close("variance", &flat(&stats.variance), &wide(&own.variance), 1e-5);
                }
            }
        }
    }
}

#[test]
fn backward_against_finite_differences() {
    for shape in [
        [2, 1, 1, 3],
        [1, 1, 11, 4],
        [1, 2, 3, 4],
        [2, 5, 4, 3],
        [1, 4, 5, 8],
        [1, 3, 3, 20],
        [1, 3, 4, 16],
        [1, 7, 2, 1],
    ] {
        let mut values = Values::new(shape.iter().product::<usize>() as u64);
        let x = values.tensor(&shape);
        for (kind, stride) in KINDS.into_iter().flat_map(|kind| [(kind, 1), (kind, 2)]) {
            let ws = Workspace::new();
            let (z, _) = pool_forward(&ws, &x, kind, stride, true).unwrap();
            let (dy, sample) = (values.tensor(z.dims()), values.tensor(&[shape[0]]));
            let mut channel = || values.tensor(&[shape[3]]);
            let k = GradCoefficients { a: channel(), b: channel(), d: channel() };
            let existing = values.tensor(&shape);
            for norm in [None, Some((&z, &k))] {
                for level in Level::available() {
                    let dx = existing.copy().unwrap();
                    let grad = Gradient { dy: &dy, norm, gate: 0.6, sample: Some(&sample) };
                    level.scope(|| pool_backward(&x, kind, stride, grad, &dx, true).unwrap());
                    let dz = output_gradient(&grad);
                    let expected = gradient(&wide(&x), |x| {
                        dot(&pool(&Array { shape, data: x.to_vec() }, kind == PoolKind::Max, stride).data, &dz)
                    });
                    let written = existing.copy().unwrap();
                    level.scope(|| pool_backward(&x, kind, stride, grad, &written, false).unwrap());
                    assert_close(&format!("{kind:?} {stride}: written"), &flat(&written), &expected, 1e-4);
                    let expected: Vec<f64> = expected.iter().zip(wide(&existing)).map(|(g, e)| g + e).collect();
                    assert_close(&format!("{kind:?} {stride} {shape:?} {level:?}"), &flat(&dx), &expected, 1e-4);
                }
            }
        }
    }
}

/// The gradient at the raw output, by definition.
fn output_gradient(grad: &Gradient<'_>) -> Vec<f64> {
    let (dy, sample) = (wide(grad.dy), wide(grad.sample.unwrap()));
    let (image, c) = (dy.len() / sample.len(), grad.dy.dims()[3]);
    let value = |i: usize| match grad.norm {
        None => f64::from(grad.gate) * sample[i / image] * dy[i],
        Some((z, k)) => {
            wide(&k.a)[i % c] * sample[i / image] * dy[i] + wide(&k.b)[i % c] * wide(z)[i] + wide(&k.d)[i % c]
        }
    };
    (0..dy.len()).map(value).collect()
}

#[test]
fn the_first_of_equal_maxima_gets_the_gradient() {
    let zeros = Tensor::zeros((1, 4, 4, 5), DType::F32, &Device::Cpu).unwrap();
    let (z, _) = pool_forward(&Workspace::new(), &zeros, PoolKind::Max, 1, true).unwrap();
    let ones = z.ones_like().unwrap();
    let dx = zeros.copy().unwrap();
    pool_backward(&zeros, PoolKind::Max, 1, plain(&ones), &dx, true).unwrap();
    // Windows that start at row 0 (two of them: padding comes before it) by the same of columns.
    let counts = [4.0, 2.0, 2.0, 0.0, 2.0, 1.0, 1.0, 0.0, 2.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0];
    let expected: Vec<f32> = counts.iter().flat_map(|&count| [count; 5]).collect();
    assert_eq!(flat(&dx), expected);
}

#[test]
fn nan_and_infinity() {
    for nan_at in 0..9 {
        let mut values: Vec<f32> = (0..9).map(|i| -(i as f32)).collect();
        values[nan_at] = f32::NAN;
        let x = Tensor::from_vec(values, (1, 3, 3, 1), &Device::Cpu).unwrap();
        for level in Level::available() {
            let (z, _) = level.scope(|| pool_forward(&Workspace::new(), &x, PoolKind::Max, 1, true).unwrap());
            assert!(flat(&z)[4].is_nan(), "{level:?} {nan_at}");
        }
    }
    let low = Tensor::full(f32::NEG_INFINITY, (1, 2, 2, 3), &Device::Cpu).unwrap();
    let (z, _) = pool_forward(&Workspace::new(), &low, PoolKind::Max, 2, true).unwrap();
    assert_eq!(flat(&z), vec![f32::NEG_INFINITY; 3]);
}

#[test]
fn bits_do_not_depend_on_threads() {
    let mut values = Values::new(9);
    let x = values.tensor(&[35, 9, 7, 20]);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut all = Vec::new();
            for (kind, stride) in KINDS.into_iter().flat_map(|kind| [(kind, 1), (kind, 2)]) {
                let (z, stats) = pool_forward(&Workspace::new(), &x, kind, stride, true).unwrap();
                let (stats, dx) = (stats.unwrap(), x.copy().unwrap());
                pool_backward(&x, kind, stride, plain(&z), &dx, true).unwrap();
                for tensor in [&z, &stats.mean, &stats.variance, &dx] {
                    all.extend(flat(tensor).into_iter().map(f32::to_bits));
                }
            }
            all
        })
    };
    assert_eq!(run(1), run(2));
}

#[test]
fn wrong_arguments_are_refused() {
    let x = Values::new(1).tensor(&[1, 4, 4, 2]);
    let ws = Workspace::new();
    assert!(matches!(pool_forward(&ws, &x, PoolKind::Max, 3, true), Err(KernelError::Argument { .. })));
    assert!(matches!(pool_forward(&ws, &x, PoolKind::Max, 0, true), Err(KernelError::Argument { .. })));
    assert!(
        matches!(pool_backward(&x, PoolKind::Max, 2, plain(&x), &x, true), Err(KernelError::Tensor { got, .. }) if got.starts_with("shape"))
    );
    assert!(
        matches!(pool_backward(&x, PoolKind::Max, 1, plain(&x), &x, true), Err(KernelError::Tensor { got, .. }) if got.contains("another tensor"))
    );
}

/// candle counts the values of such a tensor as 16: 17 * 1085102592571150096 = 2^64 + 16.
#[test]
fn a_tensor_that_claims_more_than_memory_holds_is_refused() {
    let ws = Workspace::new();
    let zeros = || Tensor::zeros((1, 1, 17, 1_085_102_592_571_150_096), DType::F32, &Device::Cpu);
    let Ok(x) = std::panic::catch_unwind(zeros) else {
        eprintln!("skipped: this build's candle checks its products");
        return;
    };
    let x = x.unwrap();
    assert_eq!(x.elem_count(), 16);
    let errors = [
        pool_forward(&ws, &x, PoolKind::Max, 1, false).err(),
        pool_backward(&x, PoolKind::Max, 1, plain(&x), &x.copy().unwrap(), false).err(),
        batch_stats(&x).err(),
        global_average_pool(&ws, &[&x]).err(),
        node_sum(&ws, x.dims4().unwrap(), &[]).err(),
        write_scaled(&x.copy().unwrap(), &x, 1.0, None).err(),
        relu_forward(&ws, &x).err(),
        set_zero(&x).err(),
        sum_of_squares(&[&x]).err(),
    ];
    for error in errors {
        let error = error.unwrap();
        assert!(matches!(error, KernelError::Tensor { .. } | KernelError::Argument { .. }), "{error}");
        assert!(error.to_string().contains("memory can hold"), "{error}");
    }
    assert!(max_pool2d(&x, 1).unwrap_err().to_string().contains("memory can hold"));
}
