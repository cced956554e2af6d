//! What convolutions refuse, and values that are hard on BatchNorm's sums.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use candle_core::{DType, Device, Tensor};
use common::{Values, flat};
use eoinas_kernels::*;

fn depthwise(weight: &Tensor) -> Convolution<&Tensor> {
    Convolution::Depthwise { weight, geometry: Geometry::new(3, 1, 1).unwrap() }
}

fn pointwise(weight: &Tensor) -> Convolution<&Tensor> {
    Convolution::Dense { weight, geometry: ConvGeometry::POINTWISE }
}

fn plain<'a>(sources: &'a [&'a Tensor]) -> Input<'a> {
    Input { sources, norm: None, relu: false }
}

fn gradient(dy: &Tensor) -> Gradient<'_> {
    Gradient { dy, norm: None, gate: 1.0, sample: None }
}

#[test]
fn wrong_arguments_are_named() {
    let ws = Workspace::new();
    let mut values = Values::new(1);
    let x = values.tensor(&[2, 4, 4, 8]);
    let weight = values.tensor(&[3, 3, 8]);
    let text = |result: Result<Tensor>| result.unwrap_err().to_string();
    let forward = |x: Input<'_>, conv: Convolution<&Tensor>| Ok(conv_forward(&ws, x, conv, true)?.0);
    let run = |x: &Tensor, weight: &Tensor| forward(plain(&[x]), depthwise(weight));

    assert!(text(run(&x, &values.tensor(&[3, 3, 7]))).contains("`weight` has shape [3, 3, 7], expected [3, 3, 8]"));
    assert!(text(run(&values.tensor(&[4, 4, 8]), &weight)).contains("[n, h, w, c]"));
    assert!(text(run(&x.transpose(1, 2).unwrap(), &weight)).contains("contiguous f32"));
    assert!(text(run(&x.to_dtype(DType::F64).unwrap(), &weight)).contains("contiguous f32"));
    assert!(text(forward(plain(&[]), depthwise(&weight))).contains("at least one"));
    let odd = values.tensor(&[2, 4, 5, 8]);
    assert!(text(forward(plain(&[&x, &odd]), depthwise(&weight))).contains("as the first source"));
    let empty = Tensor::zeros((0, 4, 4, 8), DType::F32, &Device::Cpu).unwrap();
    assert!(run(&empty, &weight).is_err());

    let geometry = |kernel, stride, dilation| Geometry::new(kernel, stride, dilation).unwrap_err().to_string();
    assert!(geometry(4, 1, 1).contains("odd"));
    assert!(geometry(3, 3, 1).contains("1 or 2"));
    assert!(geometry(3, 1, 0).contains("at least 1"));
    // Offsets with it would be beyond any memory.
    assert!(geometry(3, 1, usize::MAX).contains("at most 64") && geometry(usize::MAX, 1, 1).contains("at most 63"));

    let square = ConvGeometry::new((3, 3), 1).unwrap();
    let (narrow, wide) = (values.tensor(&[8, 4]), values.tensor(&[7, 4]));
    let fits = |conv| forward(plain(&[&x]), conv).is_ok();
    assert!(!fits(Convolution::Dense { weight: &narrow, geometry: square }));
    assert!(fits(pointwise(&narrow)));
    let geometry = Geometry::new(3, 1, 1).unwrap();
    assert!(!fits(Convolution::Separable { depthwise: &weight, pointwise: &wide, geometry }));
    assert!(!fits(Convolution::FactorizedReduce { weights: [&narrow, &wide] }));
}

#[test]
fn gradients_are_not_added_to_what_is_read() {
    let ws = Workspace::new();
    let mut values = Values::new(2);
    let (x, dy) = (values.tensor(&[2, 4, 4, 8]), values.tensor(&[2, 4, 4, 8]));
    let weight = values.tensor(&[3, 3, 8]);
    let run = |x: Input<'_>, targets: &[&Tensor]| {
        conv_backward(&ws, x, depthwise(&weight), gradient(&dy), InputGradient::AddTo(targets), false)
    };
    for shared in [&x, &dy] {
        assert!(
            matches!(run(plain(&[&x]), &[shared]), Err(KernelError::Tensor { got, .. }) if got.contains("another tensor"))
        );
    }
    let target = values.tensor(&[2, 4, 4, 8]);
    assert!(run(plain(&[&x]), &[]).is_err());
    assert!(run(plain(&[&x]), &[&values.tensor(&[2, 4, 4, 4])]).is_err());
    let channel = || Tensor::ones(8, DType::F32, &Device::Cpu).unwrap();
    let norm = Norm { mean: channel(), rstd: channel(), scale: channel(), shift: channel() };
    assert!(run(Input { norm: Some(&norm), ..plain(&[&x]) }, &[&target]).is_err());
    assert!(run(plain(&[&x]), &[&target]).is_ok());
}

#[test]
fn recycled_tensors_are_refused() {
    let ws = Workspace::new();
    let mut values = Values::new(3);
    let x = values.tensor(&[2, 4, 4, 8]);
    ws.recycle(x.clone());
    assert!(conv_forward(&ws, plain(&[&x]), depthwise(&values.tensor(&[3, 3, 8])), false).is_err());
}

#[test]
fn variance_survives_a_mean_far_from_zero() {
    let ws = Workspace::new();
    let mut values = Values::new(4);
    let shift = 3000.0;
    let data: Vec<f32> = values.vec(4 * 8 * 8 * 4).into_iter().map(|v| v + shift).collect();
    let x = Tensor::from_vec(data, (4, 8, 8, 4), &Device::Cpu).unwrap();
    let identity = Tensor::eye(4, DType::F32, &Device::Cpu).unwrap();
    let (z, stats) = conv_forward(&ws, plain(&[&x]), pointwise(&identity), true).unwrap();
    let stats = stats.unwrap();
    let z: Vec<f64> = flat(&z).into_iter().map(f64::from).collect();
    for (c, (mean, variance)) in flat(&stats.mean).into_iter().zip(flat(&stats.variance)).enumerate() {
        let channel: Vec<f64> = z.iter().skip(c).step_by(4).copied().collect();
        let expected = channel.iter().sum::<f64>() / 256.0;
        let spread = channel.iter().map(|v| (v - expected) * (v - expected)).sum::<f64>() / 256.0;
        assert!((f64::from(mean) - expected).abs() < 1e-3, "mean {mean} {expected}");
        assert!((f64::from(variance) / spread - 1.0).abs() < 1e-4, "variance {variance} {spread}");
    }
}

#[test]
fn nan_comes_through() {
    let ws = Workspace::new();
    let mut data = vec![1.0f32; 2 * 4 * 4 * 3];
    data[50] = f32::NAN;
    let x = Tensor::from_vec(data, (2, 4, 4, 3), &Device::Cpu).unwrap();
    let weight = Tensor::ones((3, 5), DType::F32, &Device::Cpu).unwrap();
    for level in simd::Level::available() {
        let sources = [&x];
        let input = Input { relu: true, ..plain(&sources) };
        let (_, stats) = level.scope(|| conv_forward(&ws, input, pointwise(&weight), true)).unwrap();
        let stats = stats.unwrap();
        assert!(flat(&stats.mean).iter().chain(&flat(&stats.variance)).all(|v| v.is_nan()), "{level:?} {stats:?}");
    }
}
