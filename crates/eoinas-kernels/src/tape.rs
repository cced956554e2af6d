//! The kernels as ops under candle's own tape, for models and ops that are built with candle's autograd.
//!
//! All tensors are channels-last, `[n, h, w, c]`; [`to_channels_last`] and [`to_channels_first`] go between that and
//! candle's usual `[n, c, h, w]`. Inputs need not be contiguous. The gradient of every input is computed, also of one
//! that nobody wants: candle does not tell an op which are wanted.
//!
//! ```
//! use candle_core::{Device, Tensor, Var};
//! use eoinas_kernels::tape;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let x = Var::randn(0f32, 1f32, (2, 8, 8, 4), &Device::Cpu)?;
//! let y = tape::max_pool2d(&tape::relu(&x)?, 2)?;
//! assert_eq!(y.dims(), [2, 4, 4, 4]);
//! let gradients = y.sum_all()?.backward()?;
//! assert_eq!(gradients.get(&x).map(Tensor::dims), Some(x.dims()));
//! # Ok(())
//! # }
//! ```

mod record;

use candle_core::{DType, Tensor};

use crate::conv::{conv_backward, conv_forward};
use crate::elementwise::{relu_backward, relu_forward};
use crate::error::{KernelError, Result};
use crate::geometry::{ConvGeometry, Convolution, Geometry, PoolKind};
use crate::norm::{batch_norm_backward, batch_norm_forward};
use crate::optim::settle;
use crate::pool::{pool_backward, pool_forward};
use crate::view::{Gradient, Input, InputGradient};
use crate::workspace::Workspace;

/// `[n, c, h, w]` to `[n, h, w, c]`.
///
/// # Errors
/// candle's, for a tensor of other than four dimensions.
pub fn to_channels_last(x: &Tensor) -> Result<Tensor> {
    Ok(x.permute((0, 2, 3, 1))?.contiguous()?)
}

/// `[n, h, w, c]` to `[n, c, h, w]`.
///
/// # Errors
/// candle's, for a tensor of other than four dimensions.
pub fn to_channels_first(x: &Tensor) -> Result<Tensor> {
    Ok(x.permute((0, 3, 1, 2))?.contiguous()?)
}

/// ReLU, with gradient 0 at 0.
///
/// # Errors
/// A tensor that is not an f32 tensor.
pub fn relu(x: &Tensor) -> Result<Tensor> {
    let x = x.contiguous()?;
    let y = relu_forward(&Workspace::new(), &x)?;
    record::unary(&x, y, "relu", |_, y, dy| relu_backward(&Workspace::new(), y, dy))
}

/// 3x3 max pooling with padding 1. The first of equal maxima gets the gradient.
///
/// # Errors
/// A tensor that is not an f32 tensor `[n, h, w, c]`, or a stride other than 1 and 2.
pub fn max_pool2d(x: &Tensor, stride: usize) -> Result<Tensor> {
    pool(x, PoolKind::Max, stride)
}

/// 3x3 average pooling with padding 1, which is not counted.
///
/// # Errors
/// As [`max_pool2d`].
pub fn avg_pool2d(x: &Tensor, stride: usize) -> Result<Tensor> {
    pool(x, PoolKind::Average, stride)
}

fn pool(x: &Tensor, kind: PoolKind, stride: usize) -> Result<Tensor> {
    let x = x.contiguous()?;
    let (y, _) = pool_forward(&Workspace::new(), &x, kind, stride, false)?;
    record::unary(&x, y, "pool", move |x, _, dy| {
        let dx = Tensor::zeros(x.shape(), DType::F32, x.device())?;
        pool_backward(x, kind, stride, plain(dy), &dx, true)?;
        Ok(dx)
    })
}

/// BatchNorm in training mode: normalises by the batch's own statistics. `affine`: gamma and beta, `[c]` each.
///
/// # Errors
/// Tensors that are not f32 tensors of these shapes.
pub fn batch_norm(x: &Tensor, affine: Option<(&Tensor, &Tensor)>, eps: f64) -> Result<Tensor> {
    let x = x.contiguous()?;
    let Some((gamma, beta)) = affine else {
        let (y, norm, _) = batch_norm_forward(&Workspace::new(), &x, None, eps)?;
        return record::unary(&x, y, "batch_norm", move |x, _, dy| {
            Ok(batch_norm_backward(&Workspace::new(), x, &norm, dy, true)?.0)
        });
    };
    let (gamma, beta) = (gamma.contiguous()?, beta.contiguous()?);
    let (y, norm, _) = batch_norm_forward(&Workspace::new(), &x, Some((&gamma, &beta)), eps)?;
    record::ternary([&x, &gamma, &beta], y, "batch_norm", move |[x, _, _], dy| {
        let (dx, sums) = batch_norm_backward(&Workspace::new(), x, &norm, dy, true)?;
        Ok([dx, sums.dy_xhat, sums.dy])
    })
}

/// Depthwise convolution with `weight` `[k, k, c]`.
///
/// # Errors
/// Tensors that are not f32 tensors of these shapes.
pub fn depthwise_conv2d(x: &Tensor, weight: &Tensor, geometry: Geometry) -> Result<Tensor> {
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    let y = forward(&x, false, Convolution::Depthwise { weight: &weight, geometry })?;
    record::binary([&x, &weight], y, "depthwise_conv2d", move |[x, weight], dy| {
        backward(x, false, Convolution::Depthwise { weight, geometry }, dy)
    })
}

/// Dense convolution with `weight` `[kh, kw, ci, co]`.
///
/// # Errors
/// Tensors that are not f32 tensors of these shapes.
pub fn conv2d(x: &Tensor, weight: &Tensor, geometry: ConvGeometry) -> Result<Tensor> {
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    let y = forward(&x, false, Convolution::Dense { weight: &weight, geometry })?;
    record::binary([&x, &weight], y, "conv2d", move |[x, weight], dy| {
        backward(x, false, Convolution::Dense { weight, geometry }, dy)
    })
}

/// ReLU, depthwise convolution with `depthwise` `[k, k, ci]`, pointwise convolution with `pointwise` `[ci, co]`.
///
/// # Errors
/// Tensors that are not f32 tensors of these shapes.
pub fn relu_separable_conv2d(x: &Tensor, depthwise: &Tensor, pointwise: &Tensor, geometry: Geometry) -> Result<Tensor> {
    let (x, depthwise, pointwise) = (x.contiguous()?, depthwise.contiguous()?, pointwise.contiguous()?);
    let y = forward(&x, true, Convolution::Separable { depthwise: &depthwise, pointwise: &pointwise, geometry })?;
    record::ternary([&x, &depthwise, &pointwise], y, "relu_separable_conv2d", move |[x, depthwise, pointwise], dy| {
        backward(x, true, Convolution::Separable { depthwise, pointwise, geometry }, dy)
    })
}

fn forward(x: &Tensor, relu: bool, conv: Convolution<&Tensor>) -> Result<Tensor> {
    Ok(conv_forward(&Workspace::new(), Input { sources: &[x], norm: None, relu }, conv, false)?.0)
}

/// Gradients of the input and of the weights.
fn backward<const N: usize>(x: &Tensor, relu: bool, conv: Convolution<&Tensor>, dy: &Tensor) -> Result<[Tensor; N]> {
    let x = Input { sources: &[x], norm: None, relu };
    let found = conv_backward(&Workspace::new(), x, conv, plain(dy), InputGradient::Return, true)?;
    let weights = settle(found.weights)?;
    let all: Vec<Tensor> = found.input.map(|(dx, _)| dx).into_iter().chain(weights).collect();
    let left_out = |_| KernelError::Candle(candle_core::Error::Msg("a kernel left out a gradient".to_owned()));
    all.try_into().map_err(left_out)
}

fn plain(dy: &Tensor) -> Gradient<'_> {
    Gradient { dy, norm: None, gate: 1.0, sample: None }
}
