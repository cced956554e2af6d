//! Passes of their own over single values: ReLU for who does not leave it to the next reader, dropout with a mask that the
//! caller draws, and zeros.

use candle_core::Tensor;

use crate::device::Place;
use crate::error::{KernelError, Result};
use crate::tensors::expect_dims;
use crate::workspace::Workspace;
use crate::{cpu, gpu};

/// `max(x, 0)`, of any shape; NaN stays NaN.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor.
pub fn relu_forward(ws: &Workspace, x: &Tensor) -> Result<Tensor> {
    const KERNEL: &str = "relu_forward";
    match Place::of(x) {
        Place::Cpu => cpu::elementwise::relu(KERNEL, ws, x, None),
        Place::Gpu(gpu) => gpu::elementwise::relu(&gpu, KERNEL, x, None),
    }
}

/// `dy` where `x > 0` and 0 elsewhere: the gradient at 0 is 0, as in PyTorch. The result of the forward pass may be
/// given for `x`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of one shape.
pub fn relu_backward(ws: &Workspace, x: &Tensor, dy: &Tensor) -> Result<Tensor> {
    const KERNEL: &str = "relu_backward";
    expect_dims(KERNEL, "dy", dy, x.dims())?;
    match Place::of(x) {
        Place::Cpu => cpu::elementwise::relu(KERNEL, ws, x, Some(dy)),
        Place::Gpu(gpu) => gpu::elementwise::relu(&gpu, KERNEL, x, Some(dy)),
    }
}

/// Writes zeros over a tensor, in place.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor.
pub fn set_zero(x: &Tensor) -> Result<()> {
    const KERNEL: &str = "set_zero";
    match Place::of(x) {
        Place::Cpu => cpu::elementwise::set_zero(KERNEL, x),
        Place::Gpu(gpu) => gpu::elementwise::set_zero(&gpu, KERNEL, x),
    }
}

fn keep_factor(kernel: &'static str, mask: &[u8], len: usize, p: f32) -> Result<f32> {
    let argument = |argument, got: String, expected: String| KernelError::Argument { kernel, argument, got, expected };
    if !(0.0..1.0).contains(&p) {
        return Err(argument("p", p.to_string(), "0 <= p < 1".into()));
    }
    if mask.len() != len {
        return Err(argument("keep", format!("of length {}", mask.len()), format!("{len} values, one a value of `x`")));
    }
    Ok(1.0 / (1.0 - p))
}

/// `x / (1 - p)` where `keep` is not 0, and 0 elsewhere; `p` is the probability with which values were dropped.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor, a mask of another length, `p` outside `[0, 1)`.
pub fn dropout_forward(ws: &Workspace, x: &Tensor, keep: &[u8], p: f32) -> Result<Tensor> {
    const KERNEL: &str = "dropout_forward";
    let factor = keep_factor(KERNEL, keep, x.elem_count(), p)?;
    let out = ws.unwritten(x.shape(), x.device())?;
    dropout(KERNEL, x, keep, factor, &out, false)?;
    Ok(out)
}

/// Adds the gradient of [`dropout_forward`]'s input to `dx`, in place: `gate * d / (1 - p)` where `keep` is not 0; or
/// writes it over what `dx` holds unless `add`.
///
/// # Errors
/// As [`dropout_forward`], or tensors of two shapes or that share memory.
pub fn dropout_backward(dx: &Tensor, d: &Tensor, keep: &[u8], p: f32, gate: f32, add: bool) -> Result<()> {
    const KERNEL: &str = "dropout_backward";
    let factor = keep_factor(KERNEL, keep, d.elem_count(), p)? * gate;
    expect_dims(KERNEL, "dx", dx, d.dims())?;
    dropout(KERNEL, d, keep, factor, dx, add)
}

fn dropout(kernel: &'static str, x: &Tensor, keep: &[u8], factor: f32, out: &Tensor, add: bool) -> Result<()> {
    match Place::of(x) {
        Place::Cpu => cpu::elementwise::dropout(kernel, x, keep, factor, out, add),
        Place::Gpu(gpu) => gpu::elementwise::dropout(&gpu, kernel, x, keep, factor, out, add),
    }
}
