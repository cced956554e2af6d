//! Everything that is not a convolution: passes over memory, and the head.
//!
//! Some rows of a comparison have no pass here. Joining channels is how the next convolution reads its sources
//! (`pw1x1_4C_C`), a shift by one pixel is how the factorised reduce reads (`factorized_reduce_core`), and the gradient
//! of a sum is the sum's gradient itself.

use candle_core::{DType, Device, Tensor};
use eoinas_kernels::elementwise::{relu_backward, relu_forward};
use eoinas_kernels::head::{cross_entropy, global_average_pool, global_average_pool_backward};
use eoinas_kernels::node::{node_sum, node_sum_backward};
use eoinas_kernels::norm::{batch_norm_backward, batch_norm_forward, normalise, output_gradient};
use eoinas_kernels::pool::{pool_backward, pool_forward};
use eoinas_kernels::*;

use crate::{Failure, Timer};

fn random(shape: &[usize]) -> Result<Tensor, Failure> {
    Ok(Tensor::randn(0f32, 1f32, shape, &Device::Cpu)?)
}

/// A row whose passes each make one tensor.
fn row(
    timer: &Timer,
    name: &str,
    shape: [usize; 4],
    ws: &Workspace,
    forward: impl Fn() -> Result<Tensor>,
    backward: impl Fn() -> Result<Option<Tensor>>,
) -> Result<(), Failure> {
    timer.row(
        name,
        shape,
        || {
            ws.recycle(forward()?);
            Ok(())
        },
        || {
            backward()?.into_iter().for_each(|dx| ws.recycle(dx));
            Ok(())
        },
    )
}

pub fn time(timer: &Timer) -> Result<(), Failure> {
    for shape in [[64, 32, 32, 16], [64, 16, 16, 32], [64, 8, 8, 64]] {
        for stride in [1, 2] {
            pool(timer, &format!("maxpool3_s{stride}_p1"), shape, PoolKind::Max, stride)?;
            pool(timer, &format!("avgpool3_s{stride}_p1_nopad"), shape, PoolKind::Average, stride)?;
        }
        batch_norms(timer, shape)?;
        sums(timer, shape)?;
        let (ws, x, dy) = (Workspace::new(), random(&shape)?, random(&shape)?);
        row(timer, "relu", shape, &ws, || relu_forward(&ws, &x), || relu_backward(&ws, &x, &dy).map(Some))?;
        let d = global_average_pool(&ws, &[&x])?;
        let back = || global_average_pool_backward(&d, &[&dy]).map(|()| None);
        row(timer, "adaptive_avg_pool", shape, &ws, || global_average_pool(&ws, &[&x]), back)?;
    }
    let (ws, logits) = (Workspace::new(), random(&[64, 10])?);
    let labels: Vec<u32> = (0..64).map(|i| i % 10).collect();
    // The loss's gradient is made with the loss.
    let loss = || Ok(cross_entropy(&ws, &logits, &labels, 0.1)?.dlogits);
    row(timer, "ce_ls0.1_64x10", [64, 1, 1, 10], &ws, loss, || Ok(None))
}

fn pool(timer: &Timer, name: &str, shape: [usize; 4], kind: PoolKind, stride: usize) -> Result<(), Failure> {
    let (ws, x) = (Workspace::new(), random(&shape)?);
    let dy = pool_forward(&ws, &x, kind, stride, true)?.0;
    let dx = Tensor::zeros(&shape, DType::F32, &Device::Cpu)?;
    let grad = Gradient { dy: &dy, norm: None, gate: 1.0, sample: None };
    let forward = || Ok(pool_forward(&ws, &x, kind, stride, true)?.0);
    row(timer, name, shape, &ws, forward, || pool_backward(&x, kind, stride, grad, &dx, true).map(|()| None))
}

fn batch_norms(timer: &Timer, shape: [usize; 4]) -> Result<(), Failure> {
    let (ws, x, dy, c) = (Workspace::new(), random(&shape)?, random(&shape)?, shape[3]);
    let (gamma, beta) = (random(&[c])?, random(&[c])?);
    for (name, affine) in [("bn_train_affine", Some((&gamma, &beta))), ("bn_train_noaff", None)] {
        let (_, norm, _) = batch_norm_forward(&ws, &x, affine, 1e-5)?;
        let forward = || Ok(batch_norm_forward(&ws, &x, affine, 1e-5)?.0);
        let backward = || Ok(Some(batch_norm_backward(&ws, &x, &norm, &dy, true)?.0));
        row(timer, name, shape, &ws, forward, backward)?;
    }
    let norm = Norm::running(&beta, &gamma.sqr()?, Some((&gamma, &beta)), 1e-5)?;
    let backward = || Ok(Some(batch_norm_backward(&ws, &x, &norm, &dy, false)?.0));
    row(timer, "bn_eval_affine", shape, &ws, || normalise(&ws, &x, &norm), backward)
}

/// What a node does with its terms.
fn sums(timer: &Timer, shape: [usize; 4]) -> Result<(), Failure> {
    let (ws, x, y) = (Workspace::new(), random(&shape)?, random(&shape)?);
    let term = |z, gate, sample| Term { z, norm: None, gate, sample };
    let size = x.dims4()?;
    let add = || node_sum(&ws, size, &[term(&x, 1.0, None), term(&y, 1.0, None)]);
    row(timer, "add", shape, &ws, add, || Ok(None))?;
    let scale = || node_sum(&ws, size, &[term(&x, 0.7, None)]);
    let scale_backward = || {
        node_sum_backward(&y, &[term(&x, 0.7, None)], true)?;
        output_gradient(&ws, Gradient { dy: &y, norm: None, gate: 0.7, sample: None }).map(Some)
    };
    row(timer, "scale_by_scalar_tensor", shape, &ws, scale, scale_backward)?;
    let sample = (random(&[shape[0]])?.ge(0f32)?.to_dtype(DType::F32)? * 1.25)?;
    let drop = || node_sum(&ws, size, &[term(&x, 1.0, Some(&sample))]);
    let grad = Gradient { dy: &y, norm: None, gate: 1.0, sample: Some(&sample) };
    row(timer, "drop_path", shape, &ws, drop, || output_gradient(&ws, grad).map(Some))
}
