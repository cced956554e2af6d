//! Ops under candle's tape: gradients of `sum(weight * op(x))` against finite differences of the definition.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use candle_core::{Device, Tensor, Var};
use common::numeric::{dot, gradient};
use common::{Values, assert_close, flat, wide};
use eoinas_kernels::reference::Array;
use eoinas_kernels::reference::activation::activate;
use eoinas_kernels::reference::conv::{Window, conv};
use eoinas_kernels::reference::depthwise::{Filter, depthwise};
use eoinas_kernels::reference::node::batch_norm;
use eoinas_kernels::reference::pool::pool;
use eoinas_kernels::{ConvGeometry, Geometry, KernelError, tape};

type Op<'a> = &'a dyn Fn(&[&Tensor]) -> eoinas_kernels::Result<Tensor>;
type Definition<'a> = &'a dyn Fn(&[Vec<f64>]) -> Vec<f64>;

/// Checks an op's value and the gradients of all its inputs, contiguous and not.
fn check(what: &str, shapes: &[Vec<usize>], op: Op<'_>, definition: Definition<'_>) {
    let mut values = Values::new(what.len() as u64);
    let inputs: Vec<Var> = shapes.iter().map(|s| Var::from_tensor(&values.tensor(s)).unwrap()).collect();
    let numbers: Vec<Vec<f64>> = inputs.iter().map(|v| wide(v)).collect();
    let expected = definition(&numbers);
    let weight = values.vec(expected.len());
    let wide_weight: Vec<f64> = weight.iter().map(|&w| f64::from(w)).collect();
    for turned in [false, true] {
        // Transposed there and back in memory: the same numbers in a layout that is not contiguous.
        let views: Vec<Tensor> = inputs
            .iter()
            .map(|v| match v.rank() {
                rank if turned && rank > 1 => v.transpose(0, 1).unwrap().contiguous().unwrap().transpose(0, 1).unwrap(),
                _ => v.as_tensor().clone(),
            })
            .collect();
        let y = op(&views.iter().collect::<Vec<_>>()).unwrap();
        assert_close(what, &flat(&y), &expected, 1e-4);
        let weight = Tensor::from_vec(weight.clone(), y.shape(), &Device::Cpu).unwrap();
        let gradients = (&y * &weight).unwrap().sum_all().unwrap().backward().unwrap();
        for (i, input) in inputs.iter().enumerate() {
            let expected = gradient(&numbers[i], |x| {
                let mut numbers = numbers.clone();
                numbers[i] = x.to_vec();
                dot(&definition(&numbers), &wide_weight)
            });
            let got = gradients.get(input).unwrap();
            assert_close(&format!("{what} input {i} turned {turned}"), &flat(got), &expected, 2e-3);
        }
    }
}

fn array(shape: [usize; 4], data: &[f64]) -> Array<f64> {
    Array { shape, data: data.to_vec() }
}

const SHAPE: [usize; 4] = [2, 4, 3, 3];

#[test]
fn relu() {
    let definition = |v: &[Vec<f64>]| activate(&array(SHAPE, &v[0]), None, true).data;
    check("relu", &[SHAPE.to_vec()], &|v| tape::relu(v[0]), &definition);
    let zeros = Var::from_tensor(&Tensor::new(&[0f32, -0.0, 1.0, f32::NAN], &Device::Cpu).unwrap()).unwrap();
    let y = tape::relu(&zeros).unwrap();
    assert!(flat(&y)[3].is_nan());
    let gradients = y.sum_all().unwrap().backward().unwrap();
    assert_eq!(flat(gradients.get(&zeros).unwrap())[..3], [0.0, 0.0, 1.0]);
}

#[test]
fn pooling() {
    for stride in [1, 2] {
        let max = |v: &[Vec<f64>]| pool(&array(SHAPE, &v[0]), true, stride).data;
        check("max", &[SHAPE.to_vec()], &|v| tape::max_pool2d(v[0], stride), &max);
        let average = |v: &[Vec<f64>]| pool(&array(SHAPE, &v[0]), false, stride).data;
        check("average", &[SHAPE.to_vec()], &|v| tape::avg_pool2d(v[0], stride), &average);
    }
}

#[test]
fn batch_norms() {
    let plain = |v: &[Vec<f64>]| batch_norm(&array(SHAPE, &v[0]), None, 1e-5).data;
    check("bn", &[SHAPE.to_vec()], &|v| tape::batch_norm(v[0], None, 1e-5), &plain);
    let affine = |v: &[Vec<f64>]| batch_norm(&array(SHAPE, &v[0]), Some((&v[1], &v[2])), 1e-5).data;
    let op = |v: &[&Tensor]| tape::batch_norm(v[0], Some((v[1], v[2])), 1e-5);
    check("affine bn", &[SHAPE.to_vec(), vec![3], vec![3]], &op, &affine);
}

#[test]
fn convolutions() {
    for (kernel, stride, dilation) in [(3, 1, 1), (3, 2, 1), (5, 1, 2), (5, 2, 2)] {
        let (g, f) = (Geometry::new(kernel, stride, dilation).unwrap(), Filter { kernel, stride, dilation });
        let filter = vec![kernel, kernel, 3];
        let definition = |v: &[Vec<f64>]| depthwise(&array(SHAPE, &v[0]), &v[1], f).data;
        check("depthwise", &[SHAPE.to_vec(), filter.clone()], &|v| tape::depthwise_conv2d(v[0], v[1], g), &definition);
        let definition = |v: &[Vec<f64>]| {
            let t = depthwise(&activate(&array(SHAPE, &v[0]), None, true), &v[1], f);
            conv(&t, &v[2], 5, Window { kernel: (1, 1), stride: 1, start: (0, 0) }).data
        };
        let op = |v: &[&Tensor]| tape::relu_separable_conv2d(v[0], v[1], v[2], g);
        check("separable", &[SHAPE.to_vec(), filter, vec![3, 5]], &op, &definition);
    }
    let g = ConvGeometry::new((3, 3), 1).unwrap();
    let definition = |v: &[Vec<f64>]| {
        conv(&array(SHAPE, &v[0]), &v[1], 4, Window { kernel: (3, 3), stride: 1, start: (-1, -1) }).data
    };
    check("conv", &[SHAPE.to_vec(), vec![3, 3, 3, 4]], &|v| tape::conv2d(v[0], v[1], g), &definition);
}

#[test]
fn channels_first_models_go_through() {
    let x = Var::from_tensor(&Values::new(1).tensor(&[2, 3, 6, 5])).unwrap();
    let last = tape::to_channels_last(&x).unwrap();
    let y = tape::to_channels_first(&tape::avg_pool2d(&last, 2).unwrap()).unwrap();
    assert_eq!(y.dims(), [2, 3, 3, 3]);
    let gradients = y.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    assert_eq!(gradients.get(&x).unwrap().dims(), x.dims());
}

#[test]
fn an_input_used_twice_gets_both_gradients() {
    let x = Var::from_tensor(&Values::new(2).tensor(&[1, 4, 4, 2])).unwrap();
    let y = (tape::max_pool2d(&x, 1).unwrap() + tape::max_pool2d(&x, 1).unwrap()).unwrap();
    let twice = y.sum_all().unwrap().backward().unwrap();
    let once = tape::max_pool2d(&x, 1).unwrap().sum_all().unwrap().backward().unwrap();
    let doubled: Vec<f64> = wide(once.get(&x).unwrap()).iter().map(|g| 2.0 * g).collect();
    assert_close("twice", &flat(twice.get(&x).unwrap()), &doubled, 1e-6);
}

#[test]
fn wrong_inputs_are_refused() {
    let x = Values::new(3).tensor(&[2, 3]);
    assert!(matches!(tape::max_pool2d(&x, 1), Err(KernelError::Tensor { got, .. }) if got.starts_with("shape")));
    let doubles = Tensor::zeros((1, 2, 2, 1), candle_core::DType::F64, &Device::Cpu).unwrap();
    assert!(
        matches!(tape::relu(&doubles), Err(KernelError::Tensor { expected, .. }) if expected.contains("contiguous f32"))
    );
}
