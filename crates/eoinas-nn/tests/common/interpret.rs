//! A graph run the slow and obvious way.
#![allow(dead_code, unreachable_patterns, clippy::unwrap_used)]

use candle_core::Tensor;
use eoinas_core::models::Activation;
use eoinas_nn::graph::{Graph, GraphOp, Padding, Pooling};

/// Values of `[n, h, w, c]`.
struct Value {
    shape: [usize; 4],
    data: Vec<f64>,
}

impl Value {
    fn of(tensor: &Tensor) -> Vec<f64> {
        crate::common::flat(tensor).into_iter().map(f64::from).collect()
    }

    fn at(&self, n: usize, y: isize, x: isize, c: usize) -> Option<f64> {
        let [_, h, w, channels] = self.shape;
        let inside = (0..h as isize).contains(&y) && (0..w as isize).contains(&x);
        inside.then(|| self.data[((n * h + y as usize) * w + x as usize) * channels + c])
    }

    fn each(shape: [usize; 4], mut value: impl FnMut(usize, isize, isize, usize) -> f64) -> Self {
        let [images, h, w, channels] = shape;
        let mut data = Vec::with_capacity(shape.iter().product());
        for n in 0..images {
            for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y as isize, x as isize))) {
                data.extend((0..channels).map(|c| value(n, y, x, c)));
            }
        }
        Self { shape, data }
    }
}

/// Where a window begins.
fn corner(y: isize, x: isize, stride: usize, padding: &Padding) -> (isize, isize) {
    (y * stride as isize - padding.top as isize, x * stride as isize - padding.left as isize)
}

fn activation(kind: Activation, x: f64) -> f64 {
    match kind {
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::HardSigmoid => (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Activation::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
    }
}

/// The logits of `images`, by rows.
pub fn logits(graph: &Graph, images: &Tensor) -> Vec<f32> {
    let batch = images.dim(0).unwrap();
    let mut values: Vec<Value> = Vec::new();
    for node in graph.nodes() {
        let inputs: Vec<&Value> = node.inputs.iter().map(|input| &values[input.index()]).collect();
        let shape = [batch, node.shape[0], node.shape[1], node.shape[2]];
        let first = inputs.first();
        let get = |n, y, x, c| first.unwrap().at(n, y, x, c).unwrap_or(0.0);
        values.push(match &node.op {
            GraphOp::Images => Value { shape, data: Value::of(images) },
            GraphOp::Relu => Value::each(shape, |n, y, x, c| get(n, y, x, c).max(0.0)),
            GraphOp::Activation(kind) => Value::each(shape, |n, y, x, c| activation(*kind, get(n, y, x, c))),
            GraphOp::Conv { weight, bias, stride, padding } => {
                let (kh, kw, ci, co) = weight.value.dims4().unwrap();
                let (w, bias) = (Value::of(&weight.value), bias.as_ref().map(|bias| Value::of(&bias.value)));
                Value::each(shape, |n, y, x, c| {
                    let (top, left) = corner(y, x, *stride, padding);
                    let taps = (0..kh).flat_map(|i| (0..kw).flat_map(move |j| (0..ci).map(move |k| (i, j, k))));
                    let sum: f64 = taps
                        .map(|(i, j, k)| {
                            get(n, top + i as isize, left + j as isize, k) * w[((i * kw + j) * ci + k) * co + c]
                        })
                        .sum();
                    sum + bias.as_ref().map_or(0.0, |bias| bias[c])
                })
            }
            GraphOp::GroupedConv { weight, bias, stride, padding, groups } => {
                let (kh, kw, ci, co) = weight.value.dims4().unwrap();
                let (w, bias) = (Value::of(&weight.value), bias.as_ref().map(|bias| Value::of(&bias.value)));
                Value::each(shape, |n, y, x, c| {
                    let ((top, left), group) = (corner(y, x, *stride, padding), c / (co / groups));
                    let taps = (0..kh).flat_map(|i| (0..kw).flat_map(move |j| (0..ci).map(move |k| (i, j, k))));
                    let at = |i: usize, j: usize, k| get(n, top + i as isize, left + j as isize, group * ci + k);
                    let sum: f64 = taps.map(|(i, j, k)| at(i, j, k) * w[((i * kw + j) * ci + k) * co + c]).sum();
                    sum + bias.as_ref().map_or(0.0, |bias| bias[c])
                })
            }
            GraphOp::Depthwise { weight, stride, dilation, padding } => {
                let (k, _, channels) = weight.value.dims3().unwrap();
                let w = Value::of(&weight.value);
                Value::each(shape, |n, y, x, c| {
                    let (top, left) = corner(y, x, *stride, padding);
                    let at =
                        |i: usize, j: usize| get(n, top + (i * dilation) as isize, left + (j * dilation) as isize, c);
                    let taps = (0..k).flat_map(|i| (0..k).map(move |j| (i, j)));
                    taps.map(|(i, j)| at(i, j) * w[(i * k + j) * channels + c]).sum()
                })
            }
            GraphOp::Pool { pooling, kernel, stride, padding } => Value::each(shape, |n, y, x, c| {
                let (top, left) = corner(y, x, *stride, padding);
                let window = (0..*kernel).flat_map(|i| (0..*kernel).map(move |j| (i as isize, j as isize)));
                let real: Vec<f64> = window.filter_map(|(i, j)| first.unwrap().at(n, top + i, left + j, c)).collect();
                match pooling {
                    Pooling::Max => real.into_iter().fold(f64::NEG_INFINITY, f64::max),
                    Pooling::Average => real.iter().sum::<f64>() / real.len() as f64,
                    Pooling::PaddedAverage => real.iter().sum::<f64>() / (kernel * kernel) as f64,
                }
            }),
            GraphOp::DropFirst { rows, columns } => {
                Value::each(shape, |n, y, x, c| get(n, y + *rows as isize, x + *columns as isize, c))
            }
            GraphOp::Shortcut { stride, .. } => {
                let channels = first.unwrap().shape[3];
                let step = *stride as isize;
                Value::each(shape, |n, y, x, c| if c < channels { get(n, step * y, step * x, c) } else { 0.0 })
            }
            GraphOp::Shuffle { groups } => {
                let each = shape[3] / groups;
                Value::each(shape, |n, y, x, c| get(n, y, x, (c % groups) * each + c / groups))
            }
            GraphOp::Scale => Value::each(shape, |n, y, x, c| get(n, y, x, c) * inputs[1].at(n, 0, 0, c).unwrap()),
            GraphOp::Affine { scale, shift } => {
                let (scale, shift) = (Value::of(&scale.value), Value::of(&shift.value));
                Value::each(shape, |n, y, x, c| scale[c] * get(n, y, x, c) + shift[c])
            }
            GraphOp::Zeros => Value::each(shape, |_, _, _, _| 0.0),
            GraphOp::Sum => Value::each(shape, |n, y, x, c| inputs.iter().map(|v| v.at(n, y, x, c).unwrap()).sum()),
            GraphOp::Concat => Value::each(shape, |n, y, x, mut c| {
                for input in &inputs {
                    if c < input.shape[3] {
                        return input.at(n, y, x, c).unwrap();
                    }
                    c -= input.shape[3];
                }
                f64::NAN
            }),
            GraphOp::GlobalAverage => {
                let [_, h, w, _] = first.unwrap().shape;
                let all = |n, c| (0..h * w).map(|i| get(n, (i / w) as isize, (i % w) as isize, c)).sum::<f64>();
                Value::each(shape, |n, _, _, c| all(n, c) / (h * w) as f64)
            }
            GraphOp::Linear { weight, bias } => {
                let (k, m) = weight.value.dims2().unwrap();
                let (w, bias) = (Value::of(&weight.value), Value::of(&bias.value));
                Value::each(shape, |n, _, _, c| bias[c] + (0..k).map(|i| get(n, 0, 0, i) * w[i * m + c]).sum::<f64>())
            }
            _ => unreachable!("an operation that the test does not know"),
        });
    }
    values.pop().unwrap().data.into_iter().map(|v| v as f32).collect()
}
