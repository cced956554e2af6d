//! Convolutions, and the separable block with its two BatchNorms.

use candle_core::{Device, Tensor};
use eoinas_kernels::node::{Term, node_sum, node_sum_backward};
use eoinas_kernels::*;

use crate::{Failure, Timer};

fn random(shape: &[usize]) -> Result<Tensor, Failure> {
    Ok(Tensor::randn(0f32, 1f32, shape, &Device::Cpu)?)
}

fn gradient(dy: &Tensor) -> Gradient<'_> {
    Gradient { dy, norm: None, gate: 1.0, sample: None }
}

pub fn time(timer: &Timer) -> Result<(), Failure> {
    for [n, h, w, c] in [[64, 32, 32, 16], [64, 16, 16, 32], [64, 8, 8, 64]] {
        let shape = [n, h, w, c];
        for kernel in [3, 5] {
            for dilation in [1, 2] {
                for stride in [1, 2] {
                    depthwise(timer, shape, Geometry { kernel, stride, dilation })?;
                }
            }
        }
        dense(timer, "pw1x1", shape, ConvGeometry::POINTWISE, c)?;
        // As at a cell's input: four nodes' outputs, joined while they are read.
        dense_joined(timer, "pw1x1_4C_C", shape)?;
        dense(timer, "pw1x1_s2_C_C2", shape, ConvGeometry { kernel: (1, 1), stride: 2 }, c / 2)?;
        dense(timer, "dense3x3_C_C", shape, ConvGeometry { kernel: (3, 3), stride: 1 }, c)?;
        factorized(timer, shape)?;
        separable_block(timer, shape, 3)?;
        separable_block(timer, shape, 5)?;
    }
    dense(timer, "stem3x3_3_48", [64, 32, 32, 3], ConvGeometry { kernel: (3, 3), stride: 1 }, 48)
}

fn depthwise(timer: &Timer, shape: [usize; 4], g: Geometry) -> Result<(), Failure> {
    let ws = Workspace::new();
    let (x, weight) = (random(&shape)?, random(&[g.kernel, g.kernel, shape[3]])?);
    let sources = [&x];
    let input = Input { sources: &sources, norm: None, relu: false };
    let dy = depthwise_forward(&ws, input, &weight, g)?;
    timer.row(
        &format!("dw{0}x{0}_d{1}_s{2}", g.kernel, g.dilation, g.stride),
        shape,
        || {
            ws.recycle(depthwise_forward(&ws, input, &weight, g)?);
            Ok(())
        },
        || {
            let back = depthwise_backward(&ws, input, &weight, g, gradient(&dy), InputGradient::Return, true)?;
            back.input.into_iter().for_each(|(dx, _)| ws.recycle(dx));
            Ok(())
        },
    )
}

fn dense(timer: &Timer, name: &str, shape: [usize; 4], g: ConvGeometry, co: usize) -> Result<(), Failure> {
    conv_row(timer, name, shape, &[random(&shape)?], g, co)
}

fn dense_joined(timer: &Timer, name: &str, shape: [usize; 4]) -> Result<(), Failure> {
    let sources = [random(&shape)?, random(&shape)?, random(&shape)?, random(&shape)?];
    conv_row(timer, name, shape, &sources, ConvGeometry::POINTWISE, shape[3])
}

fn conv_row(
    timer: &Timer,
    name: &str,
    shape: [usize; 4],
    sources: &[Tensor],
    g: ConvGeometry,
    co: usize,
) -> Result<(), Failure> {
    let ws = Workspace::new();
    let weight = random(&[g.kernel.0, g.kernel.1, shape[3] * sources.len(), co])?;
    let sources: Vec<&Tensor> = sources.iter().collect();
    let input = Input { sources: &sources, norm: None, relu: false };
    let (dy, _) = conv_forward(&ws, input, &weight, g)?;
    timer.row(
        name,
        shape,
        || {
            ws.recycle(conv_forward(&ws, input, &weight, g)?.0);
            Ok(())
        },
        || {
            let back = conv_backward(&ws, input, &weight, g, gradient(&dy), InputGradient::Return, true)?;
            back.input.into_iter().for_each(|(dx, _)| ws.recycle(dx));
            Ok(())
        },
    )
}

fn factorized(timer: &Timer, shape: [usize; 4]) -> Result<(), Failure> {
    let ws = Workspace::new();
    let (x, c) = (random(&shape)?, shape[3]);
    let (w1, w2) = (random(&[c, c / 2])?, random(&[c, c / 2])?);
    let sources = [&x];
    let input = Input { sources: &sources, norm: None, relu: false };
    let (dy, _) = factorized_reduce_forward(&ws, input, &w1, &w2)?;
    timer.row(
        "factorized_reduce_core",
        shape,
        || {
            ws.recycle(factorized_reduce_forward(&ws, input, &w1, &w2)?.0);
            Ok(())
        },
        || {
            let back = factorized_reduce_backward(&ws, input, &w1, &w2, gradient(&dy), InputGradient::Return, true)?;
            back.input.into_iter().for_each(|(dx, _)| ws.recycle(dx));
            Ok(())
        },
    )
}

/// The weights of a whole separable op, and what its forward pass keeps.
struct Block {
    geometry: Geometry,
    weights: [Tensor; 4],
}

struct Kept {
    z1: Tensor,
    norm1: Norm,
    z2: Tensor,
    norm2: Norm,
    count: usize,
}

impl Block {
    fn forward(&self, ws: &Workspace, x: &Tensor) -> Result<(Kept, Tensor), Failure> {
        let [d1, p1, d2, p2] = &self.weights;
        let first = Input { sources: &[x], norm: None, relu: true };
        let (z1, stats) = separable_forward(ws, first, d1, p1, self.geometry)?;
        let norm1 = Norm::from_stats(&stats, None, 1e-5)?;
        let second = Input { sources: &[&z1], norm: Some(&norm1), relu: true };
        let (z2, stats) = separable_forward(ws, second, d2, p2, self.geometry)?;
        let norm2 = Norm::from_stats(&stats, None, 1e-5)?;
        let y = node_sum(ws, x.dims4()?, &[Term { z: &z2, norm: Some(&norm2), gate: 1.0, sample: None }])?;
        Ok((Kept { z1, norm1, z2, norm2, count: stats.count }, y))
    }

    fn backward(&self, ws: &Workspace, x: &Tensor, kept: &Kept, dy: &Tensor) -> Result<Tensor, Failure> {
        let [d1, p1, d2, p2] = &self.weights;
        let Kept { z1, norm1, z2, norm2, count } = kept;
        let term = Term { z: z2, norm: Some(norm2), gate: 1.0, sample: None };
        let sums = node_sum_backward(ws, dy, &[term], false)?.remove(0).sums.ok_or("no sums")?;
        let map = GradCoefficients::training(norm2, &sums, *count, 1.0)?;
        let grad = Gradient { norm: Some((z2, &map)), ..gradient(dy) };
        let second = Input { sources: &[z1], norm: Some(norm1), relu: true };
        let back = separable_backward(ws, second, d2, p2, self.geometry, grad, InputGradient::Return, true)?;
        let (dy1, sums) = back.input.ok_or("no input gradient")?;
        let map = GradCoefficients::training(norm1, &sums.ok_or("no sums")?, *count, 1.0)?;
        let grad = Gradient { norm: Some((z1, &map)), ..gradient(&dy1) };
        let first = Input { sources: &[x], norm: None, relu: true };
        let back = separable_backward(ws, first, d1, p1, self.geometry, grad, InputGradient::Return, true)?;
        ws.recycle(dy1);
        Ok(back.input.ok_or("no input gradient")?.0)
    }
}

fn separable_block(timer: &Timer, shape: [usize; 4], kernel: usize) -> Result<(), Failure> {
    let ws = Workspace::new();
    let (x, c) = (random(&shape)?, shape[3]);
    let filter = [kernel, kernel, c];
    let block = Block {
        geometry: Geometry { kernel, stride: 1, dilation: 1 },
        weights: [random(&filter)?, random(&[c, c])?, random(&filter)?, random(&[c, c])?],
    };
    let (kept, dy) = block.forward(&ws, &x)?;
    timer.row(
        &format!("SEPCONV{kernel}x{kernel}_block"),
        shape,
        || {
            let (kept, y) = block.forward(&ws, &x)?;
            [kept.z1, kept.z2, y].into_iter().for_each(|t| ws.recycle(t));
            Ok(())
        },
        || {
            ws.recycle(block.backward(&ws, &x, &kept, &dy)?);
            Ok(())
        },
    )
}
