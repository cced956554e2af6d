//! Convolutions, and the separable block with its two BatchNorms.

use candle_core::{Device, Tensor};
use eoinas_kernels::node::{node_sum, node_sum_backward};
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
                    let geometry = Geometry::new(kernel, stride, dilation)?;
                    let weight = &random(&[kernel, kernel, c])?;
                    let name = format!("dw{kernel}x{kernel}_d{dilation}_s{stride}");
                    row(timer, &name, shape, 1, Convolution::Depthwise { weight, geometry })?;
                }
            }
        }
        dense(timer, "pw1x1", shape, 1, ConvGeometry::POINTWISE, c)?;
        // As at a cell's input: four nodes' outputs, joined while they are read.
        dense(timer, "pw1x1_4C_C", shape, 4, ConvGeometry::POINTWISE, c)?;
        dense(timer, "pw1x1_s2_C_C2", shape, 1, ConvGeometry::new((1, 1), 2)?, c / 2)?;
        dense(timer, "dense3x3_C_C", shape, 1, ConvGeometry::new((3, 3), 1)?, c)?;
        let weights = [&random(&[c, c / 2])?, &random(&[c, c / 2])?];
        row(timer, "factorized_reduce_core", shape, 1, Convolution::FactorizedReduce { weights })?;
        separable_block(timer, shape, 3)?;
        separable_block(timer, shape, 5)?;
    }
    dense(timer, "stem3x3_3_48", [64, 32, 32, 3], 1, ConvGeometry::new((3, 3), 1)?, 48)
}

fn dense(
    timer: &Timer,
    name: &str,
    shape: [usize; 4],
    sources: usize,
    geometry: ConvGeometry,
    co: usize,
) -> Result<(), Failure> {
    let (kh, kw) = geometry.kernel();
    let weight = &random(&[kh, kw, shape[3] * sources, co])?;
    row(timer, name, shape, sources, Convolution::Dense { weight, geometry })
}

/// A convolution of several inputs of the shape, joined. Depthwise runs without BatchNorm's sums, as in a network.
fn row(
    timer: &Timer,
    name: &str,
    shape: [usize; 4],
    sources: usize,
    conv: Convolution<&Tensor>,
) -> Result<(), Failure> {
    let ws = Workspace::new();
    let sources = (0..sources).map(|_| random(&shape)).collect::<Result<Vec<_>, _>>()?;
    let sources: Vec<&Tensor> = sources.iter().collect();
    let input = Input { sources: &sources, norm: None, relu: false };
    let want_stats = !matches!(conv, Convolution::Depthwise { .. });
    let (dy, _) = conv_forward(&ws, input, conv, want_stats)?;
    timer.row(
        name,
        shape,
        || {
            ws.recycle(conv_forward(&ws, input, conv, want_stats)?.0);
            Ok(())
        },
        || {
            let back = conv_backward(&ws, input, conv, gradient(&dy), InputGradient::Return, true)?;
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
}

impl Block {
    fn halves(&self) -> [Convolution<&Tensor>; 2] {
        let [d1, p1, d2, p2] = &self.weights;
        let geometry = self.geometry;
        [(d1, p1), (d2, p2)].map(|(depthwise, pointwise)| Convolution::Separable { depthwise, pointwise, geometry })
    }

    fn forward(&self, ws: &Workspace, x: &Tensor) -> Result<(Kept, Tensor), Failure> {
        let [first, second] = self.halves();
        let (z1, stats) = conv_forward(ws, Input { sources: &[x], norm: None, relu: true }, first, true)?;
        let norm1 = Norm::from_stats(&stats.ok_or("no statistics")?, None, 1e-5)?;
        let between = Input { sources: &[&z1], norm: Some(&norm1), relu: true };
        let (z2, stats) = conv_forward(ws, between, second, true)?;
        let stats = stats.ok_or("no statistics")?;
        let norm2 = Norm::from_stats(&stats, None, 1e-5)?;
        let y = node_sum(ws, x.dims4()?, &[Term { z: &z2, norm: Some(&norm2), gate: 1.0, sample: None }])?;
        Ok((Kept { z1, norm1, z2, norm2 }, y))
    }

    fn backward(&self, ws: &Workspace, x: &Tensor, kept: &Kept, dy: &Tensor) -> Result<Tensor, Failure> {
        let [first, second] = self.halves();
        let Kept { z1, norm1, z2, norm2 } = kept;
        let term = Term { z: z2, norm: Some(norm2), gate: 1.0, sample: None };
        let map = node_sum_backward(dy, &[term], false)?.remove(0).sums.ok_or("no sums")?.map;
        let grad = Gradient { norm: Some((z2, &map)), ..gradient(dy) };
        let between = Input { sources: &[z1], norm: Some(norm1), relu: true };
        let back = conv_backward(ws, between, second, grad, InputGradient::Return, true)?;
        let (dy1, sums) = back.input.ok_or("no input gradient")?;
        let map = sums.ok_or("no sums")?.map;
        let grad = Gradient { norm: Some((z1, &map)), ..gradient(&dy1) };
        let x = Input { sources: &[x], norm: None, relu: true };
        let back = conv_backward(ws, x, first, grad, InputGradient::Return, true)?;
        ws.recycle(dy1);
        Ok(back.input.ok_or("no input gradient")?.0)
    }
}

fn separable_block(timer: &Timer, shape: [usize; 4], kernel: usize) -> Result<(), Failure> {
    let ws = Workspace::new();
    let (x, c) = (random(&shape)?, shape[3]);
    let filter = [kernel, kernel, c];
    let block = Block {
        geometry: Geometry::new(kernel, 1, 1)?,
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
