//! An image times a factor for each channel: the last step of squeeze-and-excitation. On a GPU candle's own ops run it.

use candle_core::Tensor;

use crate::cpu;
use crate::device::Place;
use crate::error::Result;
use crate::tensors::{expect_dims, image_dims};
use crate::workspace::Workspace;

/// `x` (`[n, h, w, c]`) times `factors` (`[n, c]`).
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of these shapes.
pub fn scale_forward(ws: &Workspace, x: &Tensor, factors: &Tensor) -> Result<Tensor> {
    const KERNEL: &str = "scale_forward";
    let (n, h, w, c) = image_dims(KERNEL, "x", x)?;
    expect_dims(KERNEL, "factors", factors, &[n, c])?;
    match Place::of(x) {
        Place::Cpu => cpu::scale::forward(KERNEL, ws, x, factors, [n, h * w, c]),
        Place::Gpu(_) => Ok(x.broadcast_mul(&factors.reshape((n, 1, 1, c))?)?),
    }
}

/// Gradients of [`scale_forward`]'s `x` and `factors`, of its result's `dy`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of fitting shapes.
pub fn scale_backward(ws: &Workspace, x: &Tensor, factors: &Tensor, dy: &Tensor) -> Result<(Tensor, Tensor)> {
    const KERNEL: &str = "scale_backward";
    let (n, h, w, c) = image_dims(KERNEL, "x", x)?;
    expect_dims(KERNEL, "factors", factors, &[n, c])?;
    expect_dims(KERNEL, "dy", dy, x.dims())?;
    match Place::of(x) {
        Place::Cpu => Ok((
            cpu::scale::forward(KERNEL, ws, dy, factors, [n, h * w, c])?,
            cpu::scale::products(KERNEL, ws, x, dy, [n, h * w, c])?,
        )),
        Place::Gpu(_) => {
            let dx = dy.broadcast_mul(&factors.reshape((n, 1, 1, c))?)?;
            Ok((dx, (dy * x)?.sum((1, 2))?))
        }
    }
}
