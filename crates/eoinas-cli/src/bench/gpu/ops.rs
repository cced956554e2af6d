//! Every op of the kernels, forward and backward, on numbers that are the same on every device.

use std::cell::RefCell;
use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use eoinas_kernels::{
    ConvGeometry, Convolution, Curve, GateGradient, Geometry, GradCoefficients, Gradient, Input, InputGradient, Norm,
    PoolKind, SgdStep, Term, Update, Workspace, conv_backward, conv_forward,
    curve::{curve_backward, curve_forward},
    elementwise::dropout_forward,
    head::{cross_entropy, global_average_pool, global_average_pool_backward, linear_backward, linear_forward},
    node::{add_scaled, node_sum, node_sum_backward},
    norm::{EPSILON, batch_stats},
    optim::{settle, sgd_update, sum_of_squares},
    pool::{pool_backward, pool_forward},
    scale::{scale_backward, scale_forward},
};

use crate::Error;

/// Sizes of the inputs on one device, and those that were made: each is made once, so that the times are those of the ops.
pub struct Inputs {
    n: usize,
    size: usize,
    c: usize,
    made: RefCell<BTreeMap<(u64, Vec<usize>), Tensor>>,
}

type Case = fn(&Inputs, &Device) -> Result<Vec<Tensor>, Error>;

/// All ops by name.
pub const CASES: [(&str, Case); 16] = [
    ("max_pool_3x3", |inputs, device| pool(inputs, device, PoolKind::Max)),
    ("avg_pool_3x3", |inputs, device| pool(inputs, device, PoolKind::Average)),
    ("sep_conv_3x3, one half", |inputs, device| separable(inputs, device, (3, 1))),
    ("sep_conv_5x5, one half", |inputs, device| separable(inputs, device, (5, 1))),
    ("dil_conv_3x3", |inputs, device| separable(inputs, device, (3, 2))),
    ("dil_conv_5x5", |inputs, device| separable(inputs, device, (5, 2))),
    ("depthwise 3x3", depthwise),
    ("conv 1x1", |inputs, device| conv(inputs, device, 1)),
    ("conv 3x3", |inputs, device| conv(inputs, device, 3)),
    ("factorized reduce", reduce),
    ("node of 5 ops", node),
    ("dropout", dropout),
    ("4 activations", activations),
    ("scale of channels", scale),
    ("head and loss", head),
    ("SGD of 100 tensors", sgd),
];

impl Inputs {
    /// Of batches of `n` images of `size` x `size` pixels and `c` channels.
    pub fn new(n: usize, size: usize, c: usize) -> Self {
        Self { n, size, c, made: RefCell::default() }
    }

    /// Numbers between -1 and 1 that do not repeat.
    fn tensor(&self, seed: u64, shape: &[usize], device: &Device) -> Result<Tensor, Error> {
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / (1u64 << 23) as f32 - 1.0
        };
        if let Some(tensor) = self.made.borrow().get(&(seed, shape.to_vec())) {
            return Ok(tensor.clone());
        }
        let values: Vec<f32> = (0..shape.iter().product()).map(|_| next()).collect();
        let tensor = Tensor::from_vec(values, shape, device)?;
        self.made.borrow_mut().insert((seed, shape.to_vec()), tensor.clone());
        Ok(tensor)
    }

    fn image(&self, seed: u64, device: &Device) -> Result<Tensor, Error> {
        self.tensor(seed, &[self.n, self.size, self.size, self.c], device)
    }

    /// The BatchNorm of an image by its own statistics, and a gradient's map through it.
    fn norm(&self, z: &Tensor, dy: &Tensor) -> Result<(Norm, GradCoefficients), Error> {
        let norm = Norm::from_stats(&batch_stats(z)?, None, EPSILON)?;
        let term = Term { z, norm: Some(&norm), gate: 0.5, sample: None };
        let sums = node_sum_backward(dy, &[term], false)?.into_iter().find_map(|gradient| gradient.sums);
        Ok((norm, sums.ok_or("a BatchNorm without sums")?.map))
    }
}

fn input<'a>(sources: &'a [&'a Tensor], norm: Option<&'a Norm>) -> Input<'a> {
    Input { sources, norm, relu: true }
}

fn flat(tensors: impl IntoIterator<Item = Option<Tensor>>) -> Vec<Tensor> {
    tensors.into_iter().flatten().collect()
}

fn pool(inputs: &Inputs, device: &Device, kind: PoolKind) -> Result<Vec<Tensor>, Error> {
    let (ws, x, dx) = (Workspace::new(), inputs.image(1, device)?, inputs.image(2, device)?);
    let (z, stats) = pool_forward(&ws, &x, kind, 1, true)?;
    let dy = inputs.image(3, device)?;
    let (_, map) = inputs.norm(&z, &dy)?;
    let gradient = Gradient { dy: &dy, norm: Some((&z, &map)), gate: 1.0, sample: None };
    pool_backward(&x, kind, 1, gradient, &dx, true)?;
    let stats = stats.ok_or("no statistics")?;
    Ok(vec![z, stats.mean, stats.variance, dx])
}

/// A convolution of `x`, forward and backward from `dy` behind a BatchNorm, or from the output itself: all that it gives.
fn convolution(
    inputs: &Inputs,
    x: Input<'_>,
    conv: Convolution<&Tensor>,
    dy: Option<&Tensor>,
) -> Result<Vec<Tensor>, Error> {
    let ws = Workspace::new();
    let (z, stats) = conv_forward(&ws, x, conv, true)?;
    let stats = stats.ok_or("no statistics")?;
    let map = dy.map(|dy| inputs.norm(&z, dy)).transpose()?.map(|(_, map)| map);
    let gradient = match (dy, &map) {
        (Some(dy), Some(map)) => Gradient { dy, norm: Some((&z, map)), gate: 1.0, sample: None },
        _ => Gradient { dy: &z, norm: None, gate: 0.5, sample: None },
    };
    let found = conv_backward(&ws, x, conv, gradient, InputGradient::Return, true)?;
    let (dx, sums) = found.input.ok_or("no gradient of the input")?;
    let (dy, dy_xhat) = sums.map(|sums| (sums.dy, sums.dy_xhat)).unzip();
    let first = [Some(z), Some(stats.mean), Some(stats.variance), Some(dx), dy, dy_xhat];
    Ok(flat(first).into_iter().chain(settle(found.weights)?).collect())
}

fn separable(inputs: &Inputs, device: &Device, (kernel, dilation): (usize, usize)) -> Result<Vec<Tensor>, Error> {
    let (x, dy) = (inputs.image(1, device)?, inputs.image(2, device)?);
    let depthwise = &inputs.tensor(3, &[kernel, kernel, inputs.c], device)?;
    let pointwise = &inputs.tensor(4, &[inputs.c, inputs.c], device)?;
    let geometry = Geometry::new(kernel, 1, dilation)?;
    let (before, _) = inputs.norm(&x, &dy)?;
    let conv = Convolution::Separable { depthwise, pointwise, geometry };
    convolution(inputs, input(&[&x], Some(&before)), conv, Some(&dy))
}

fn depthwise(inputs: &Inputs, device: &Device) -> Result<Vec<Tensor>, Error> {
    let ws = Workspace::new();
    let (x, dx) = (inputs.image(1, device)?, inputs.image(2, device)?);
    let weight = &inputs.tensor(3, &[3, 3, inputs.c], device)?;
    let conv = Convolution::Depthwise { weight, geometry: Geometry::new(3, 2, 1)? };
    let sources = [&x];
    let (z, _) = conv_forward(&ws, input(&sources, None), conv, false)?;
    let sample = inputs.tensor(4, &[inputs.n], device)?;
    let gradient = Gradient { dy: &z, norm: None, gate: 0.5, sample: Some(&sample) };
    let back = InputGradient::AddTo(&[&dx]);
    let found = conv_backward(&ws, input(&sources, None), conv, gradient, back, true)?;
    Ok([z.clone(), dx.clone()].into_iter().chain(settle(found.weights)?).collect())
}

fn conv(inputs: &Inputs, device: &Device, kernel: usize) -> Result<Vec<Tensor>, Error> {
    // As a cell's output: four nodes joined.
    let nodes = [1, 2, 3, 4].map(|seed| inputs.image(seed, device));
    let nodes = nodes.into_iter().collect::<Result<Vec<_>, _>>()?;
    let sources: Vec<&Tensor> = nodes.iter().collect();
    let weight = &inputs.tensor(5, &[kernel, kernel, 4 * inputs.c, inputs.c], device)?;
    let conv = Convolution::Dense { weight, geometry: ConvGeometry::new((kernel, kernel), 1)? };
    convolution(inputs, input(&sources, None), conv, Some(&inputs.image(6, device)?))
}

fn reduce(inputs: &Inputs, device: &Device) -> Result<Vec<Tensor>, Error> {
    let x = inputs.image(1, device)?;
    let weight = |seed| inputs.tensor(seed, &[inputs.c, inputs.c], device);
    let weights = [&weight(2)?, &weight(3)?];
    convolution(inputs, input(&[&x], None), Convolution::FactorizedReduce { weights }, None)
}

fn node(inputs: &Inputs, device: &Device) -> Result<Vec<Tensor>, Error> {
    let (ws, dy, dx) = (Workspace::new(), inputs.image(9, device)?, inputs.image(8, device)?);
    let outputs = (1..=5).map(|seed| inputs.image(seed, device)).collect::<Result<Vec<_>, _>>()?;
    let norms = outputs.iter().map(|z| Ok(inputs.norm(z, &dy)?.0)).collect::<Result<Vec<_>, Error>>()?;
    let terms: Vec<Term<'_>> = outputs
        .iter()
        .zip(&norms)
        .enumerate()
        .map(|(i, (z, norm))| Term { z, norm: (i > 0).then_some(norm), gate: 0.3, sample: None })
        .collect();
    let shape = dy.dims4()?;
    let sum = node_sum(&ws, shape, &terms)?;
    let mut all = vec![sum];
    let mut gates = Vec::new();
    for gradient in node_sum_backward(&dy, &terms, true)? {
        gates.push(gradient.gate);
        all.extend(gradient.sums.into_iter().flat_map(|sums| [sums.dy, sums.dy_xhat]));
    }
    add_scaled(&dx, &dy, 0.7, None)?;
    let gates: Vec<f32> = GateGradient::values(&gates)?.into_iter().map(|gate| gate as f32).collect();
    all.extend([dx, Tensor::new(gates, &Device::Cpu)?]);
    Ok(all)
}

fn dropout(inputs: &Inputs, device: &Device) -> Result<Vec<Tensor>, Error> {
    let x = inputs.image(1, device)?;
    let keep: Vec<u8> = (0..x.elem_count()).map(|i| u8::from(i % 3 != 0)).collect();
    Ok(vec![dropout_forward(&Workspace::new(), &x, &keep, 0.25)?])
}

fn activations(inputs: &Inputs, device: &Device) -> Result<Vec<Tensor>, Error> {
    let (ws, x, dy) = (Workspace::new(), (inputs.image(1, device)? * 8.0)?, inputs.image(2, device)?);
    let mut all = Vec::new();
    for curve in [Curve::Relu6, Curve::Sigmoid, Curve::HardSigmoid, Curve::HardSwish] {
        let y = curve_forward(&ws, &x, curve)?;
        all.push(curve_backward(&ws, if curve.goes_back_by_value() { &y } else { &x }, &dy, curve)?);
        all.push(y);
    }
    Ok(all)
}

fn scale(inputs: &Inputs, device: &Device) -> Result<Vec<Tensor>, Error> {
    let (ws, x, dy) = (Workspace::new(), inputs.image(1, device)?, inputs.image(2, device)?);
    let factors = inputs.tensor(3, &[inputs.n, inputs.c], device)?;
    let y = scale_forward(&ws, &x, &factors)?;
    let (dx, dfactors) = scale_backward(&ws, &x, &factors, &dy)?;
    Ok(vec![y, dx, dfactors])
}

fn head(inputs: &Inputs, device: &Device) -> Result<Vec<Tensor>, Error> {
    let ws = Workspace::new();
    let (x, dx) = (inputs.image(1, device)?, inputs.image(2, device)?);
    let (weight, bias) = (inputs.tensor(3, &[inputs.c, 10], device)?, inputs.tensor(4, &[10], device)?);
    let pooled = global_average_pool(&ws, &[&x])?;
    let logits = linear_forward(&ws, &pooled, &weight, &bias)?;
    let labels: Vec<u32> = (0..inputs.n as u32).map(|i| i % 10).collect();
    let loss = cross_entropy(&ws, &logits, &labels, 0.1)?;
    let found = linear_backward(&ws, &pooled, &weight, &loss.dlogits, true, true)?;
    let dpooled = found.input.ok_or("no gradient of the input")?;
    global_average_pool_backward(&dpooled, &[&dx])?;
    let numbers = Tensor::new(&[loss.loss as f32, loss.correct as f32], &Device::Cpu)?;
    Ok(flat([Some(logits), Some(numbers), Some(loss.dlogits), found.weight, found.bias, Some(dx)]))
}

fn sgd(inputs: &Inputs, device: &Device) -> Result<Vec<Tensor>, Error> {
    let mut tensors = Vec::new();
    for seed in 0..100 {
        let tensor = |seed| inputs.tensor(seed, &[3, 3, inputs.c], device);
        tensors.push([tensor(seed)?, tensor(seed + 100)?, tensor(seed + 200)?]);
    }
    let updates: Vec<Update<'_>> =
        tensors.iter().map(|[value, gradient, momentum]| Update { value, gradient, momentum }).collect();
    let gradients: Vec<&Tensor> = tensors.iter().map(|[_, gradient, _]| gradient).collect();
    let norm = Tensor::new(&[sum_of_squares(&gradients)? as f32], &Device::Cpu)?.to_dtype(DType::F32)?;
    sgd_update(&updates, &SgdStep { lr: 0.1, momentum: 0.9, weight_decay: 3e-4, gradient_scale: 0.5 })?;
    Ok(tensors.into_iter().flatten().chain([norm]).collect())
}
