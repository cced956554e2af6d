//! Factorised reduce on a GPU.

use candle_core::Tensor;

use super::Gpu;
use super::arguments::Argument;
use super::conv::{Channels, ROWS, Taps, launch_forward, weight_gradient};
use super::input::input_gradient;
use super::launch::{Grid, tile};
use super::norm::Moments;
use super::operands::Operands;
use crate::error::Result;
use crate::factorized::FactorizedReduceGradients;
use crate::norm::BatchStats;
use crate::view::{Gradient, Input, InputGradient};

/// A pointwise convolution of every other pixel, from pixel (`first`, `first`) on.
fn taps(first: i32) -> Taps {
    Taps { columns: 1, count: 1, stride: 2, first: (first, first) }
}

fn branches([c1, c2]: [usize; 2]) -> [(Taps, Channels); 2] {
    let stride = c1 + c2;
    [(taps(0), Channels { first: 0, channels: c1, stride }), (taps(1), Channels { first: c1, channels: c2, stride })]
}

/// The raw output and its statistics.
pub(crate) fn forward(
    gpu: &Gpu,
    kernel: &'static str,
    x: (Input<'_>, [usize; 4]),
    weights: [&Tensor; 2],
) -> Result<(Tensor, BatchStats)> {
    let [n, oh, ow, co] = output(x.1, weights)?;
    let (mean, variance) = (gpu.unwritten(co)?, gpu.unwritten(co)?);
    let z = run(gpu, kernel, x, weights, Some([&mean, &variance]))?;
    Ok((z, BatchStats { mean, variance, count: n * oh * ow }))
}

/// The raw output.
pub(crate) fn apply(
    gpu: &Gpu,
    kernel: &'static str,
    x: (Input<'_>, [usize; 4]),
    weights: [&Tensor; 2],
) -> Result<Tensor> {
    run(gpu, kernel, x, weights, None)
}

fn output([n, h, w, _]: [usize; 4], [first, second]: [&Tensor; 2]) -> Result<[usize; 4]> {
    Ok([n, h.div_ceil(2), w.div_ceil(2), first.dim(1)? + second.dim(1)?])
}

/// `stats`: mean and variance to write.
fn run(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    weights: [&Tensor; 2],
    stats: Option<[&Tensor; 2]>,
) -> Result<Tensor> {
    let out = output(shape, weights)?;
    let pixels = out[..3].iter().product();
    let z = gpu.unwritten(out.to_vec())?;
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let addresses = [operands.read("weight_1", weights[0])?, operands.read("weight_2", weights[1])?];
    let address = operands.output(&z)?;
    let stats = match stats {
        Some([mean, variance]) => Some([operands.write("mean", mean)?, operands.write("variance", variance)?]),
        None => None,
    };
    let widths = [weights[0].dim(1)?, weights[1].dim(1)?];
    // Both are alive until all is launched, or their memory could be each other's.
    let room = |channels| Moments::of_tiles(gpu, pixels, ROWS, channels);
    let moments = if stats.is_some() { vec![room(widths[0])?, room(widths[1])?] } else { Vec::new() };
    for (branch, ((taps, to), weight)) in branches(widths).into_iter().zip(addresses).enumerate() {
        let moments = moments.get(branch);
        let parts = moments.map_or(Ok(0), |moments| operands.write("moments", &moments.parts))?;
        launch_forward(gpu, &operands, (&x, shape), weight, taps, address, to, parts)?;
        if let (Some(moments), Some(stats)) = (moments, stats) {
            let [mean, variance] = stats.map(|address| address + (to.first * size_of::<f32>()) as u64);
            moments.merge(gpu, kernel, mean, variance)?;
        }
    }
    Ok(z)
}

/// Gradients of [`forward`]; `out` is the shape of its output.
pub(crate) fn backward(
    gpu: &Gpu,
    kernel: &'static str,
    (x, shape): (Input<'_>, [usize; 4]),
    weights: [&Tensor; 2],
    (grad, out): (Gradient<'_>, [usize; 4]),
    request: InputGradient<'_>,
    want_weights: bool,
) -> Result<FactorizedReduceGradients> {
    let [n, h, w, ci] = shape;
    let widths = [weights[0].dim(1)?, weights[1].dim(1)?];
    let mut operands = Operands::new(gpu, kernel);
    let x = operands.input(x, shape)?;
    let grad = operands.gradient(grad, out)?;
    let addresses = [operands.read("weight_1", weights[0])?, operands.read("weight_2", weights[1])?];
    let split = operands.int(widths[0])?;
    let input = input_gradient(gpu, kernel, &mut operands, (&x, shape), request, |target| {
        let (columns, suffix) = tile(ci);
        let arguments = [
            Argument::Input(&x),
            Argument::Gradient(&grad),
            Argument::Address(addresses[0]),
            Argument::Address(addresses[1]),
            Argument::Int(split),
            Argument::Target(target),
        ];
        let blocks = [(n * h * w).div_ceil(ROWS), ci.div_ceil(columns), 1];
        // SAFETY: the arguments of the kernel; the target has the input's shape.
        unsafe { gpu.launch(&format!("reduce_backward_input{suffix}"), Grid::tiles(blocks), &arguments) }
    })?;
    let mut gradients = [None, None];
    if want_weights {
        for (((taps, of), weight), gradient) in branches(widths).into_iter().zip(weights).zip(&mut gradients) {
            let dw = weight_gradient(gpu, kernel, (&x, shape), (&grad, out), taps, of)?;
            *gradient = Some(dw.reshape(weight.shape())?);
        }
    }
    let [weight_1, weight_2] = gradients;
    Ok(FactorizedReduceGradients { input, weight_1, weight_2 })
}
