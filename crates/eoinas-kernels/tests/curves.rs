//! Activations other than ReLU, and factors for each channel.

mod common;

use candle_core::{Device, Tensor};
use common::numeric::{dot, gradient};
use common::{Values, assert_close, flat, wide};
use eoinas_kernels::curve::{curve_backward, curve_forward};
use eoinas_kernels::scale::{scale_backward, scale_forward};
use eoinas_kernels::{Curve, KernelError, Workspace};

const CURVES: [Curve; 4] = [Curve::Relu6, Curve::Sigmoid, Curve::HardSigmoid, Curve::HardSwish];

fn definition(curve: Curve, x: f64) -> f64 {
    let hard_sigmoid = (x + 3.0).clamp(0.0, 6.0) / 6.0;
    match curve {
        Curve::Relu6 => x.clamp(0.0, 6.0),
        Curve::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Curve::HardSigmoid => hard_sigmoid,
        Curve::HardSwish => x * hard_sigmoid,
    }
}

#[test]
fn activations_are_their_definitions() {
    // One value, odd numbers of vectors, and more than one thread's share.
    for len in [1, 7, 100, 4096, 9001] {
        let (mut values, ws) = (Values::new(len as u64), Workspace::new());
        let x = values.tensor(&[len]).affine(9.0, 0.5).unwrap();
        let dy = values.tensor(&[len]);
        for curve in CURVES {
            let y = curve_forward(&ws, &x, curve).unwrap();
            let want: Vec<f64> = wide(&x).into_iter().map(|x| definition(curve, x)).collect();
            assert_close(&format!("{curve:?}"), &flat(&y), &want, 1e-6);
            let known = if curve.goes_back_by_value() { &y } else { &x };
            let slope = |x: f64| (definition(curve, x + 1e-6) - definition(curve, x - 1e-6)) / 2e-6;
            let want: Vec<f64> = wide(&x).into_iter().zip(wide(&dy)).map(|(x, dy)| dy * slope(x)).collect();
            assert_close(
                &format!("{curve:?}, back"),
                &flat(&curve_backward(&ws, known, &dy, curve).unwrap()),
                &want,
                1e-5,
            );
        }
    }
}

#[test]
fn nan_stays_and_kinks_have_no_slope() {
    let ws = Workspace::new();
    let x = Tensor::new(&[f32::NAN, 0.0, 6.0, -3.0, 3.0], &Device::Cpu).unwrap();
    let dy = x.ones_like().unwrap();
    for curve in CURVES {
        let y = curve_forward(&ws, &x, curve).unwrap();
        assert!(flat(&y)[0].is_nan() && flat(&y)[1..].iter().all(|y| y.is_finite()), "{curve:?}");
        let known = if curve.goes_back_by_value() { &y } else { &x };
        let slopes = flat(&curve_backward(&ws, known, &dy, curve).unwrap());
        match curve {
            Curve::Relu6 => assert_eq!(slopes[1..3], [0.0, 0.0]),
            Curve::HardSigmoid => assert_eq!(slopes[3..], [0.0, 0.0]),
            Curve::HardSwish => assert_eq!(slopes[3..], [0.0, 1.0]),
            Curve::Sigmoid => assert_eq!(slopes[1], 0.25),
        }
    }
    let error = curve_backward(&ws, &x, &dy.narrow(0, 0, 2).unwrap(), Curve::Relu6);
    assert!(matches!(error, Err(KernelError::Tensor { tensor: "dy", .. })));
    let matrix = Tensor::zeros((2, 3), candle_core::DType::F32, &Device::Cpu).unwrap();
    assert!(curve_forward(&ws, &matrix.t().unwrap(), Curve::Sigmoid).is_err());
}

#[test]
fn factors_of_channels_and_their_gradients() {
    for (n, h, w, c) in [(1, 1, 1, 1), (2, 3, 2, 5), (3, 4, 4, 16), (33, 2, 1, 9)] {
        let (mut values, ws) = (Values::new((n * h * c) as u64), Workspace::new());
        let (x, factors) = (values.tensor(&[n, h, w, c]), values.tensor(&[n, c]));
        let dy = values.tensor(&[n, h, w, c]);
        let scaled = |x: &[f64], factors: &[f64]| -> Vec<f64> {
            x.iter().enumerate().map(|(i, x)| x * factors[i / (h * w * c) * c + i % c]).collect()
        };
        let y = scale_forward(&ws, &x, &factors).unwrap();
        assert_close("scaled", &flat(&y), &scaled(&wide(&x), &wide(&factors)), 1e-6);
        let (dx, dfactors) = scale_backward(&ws, &x, &factors, &dy).unwrap();
        let want = gradient(&wide(&x), |x| dot(&scaled(x, &wide(&factors)), &wide(&dy)));
        assert_close("dx", &flat(&dx), &want, 1e-4);
        let want = gradient(&wide(&factors), |factors| dot(&scaled(&wide(&x), factors), &wide(&dy)));
        assert_close("dfactors", &flat(&dfactors), &want, 1e-4);
        let other = values.tensor(&[n, c + 1]);
        assert!(matches!(scale_forward(&ws, &x, &other), Err(KernelError::Tensor { tensor: "factors", .. })));
    }
}
