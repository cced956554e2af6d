//! Dropout of single values, with a mask that the caller draws.

use candle_core::Tensor;

use crate::Workspace;
use crate::error::{KernelError, Result};
use crate::tensors::{expect_dims, read, write};

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
/// A tensor that is not a contiguous f32 CPU tensor, a mask of another length, `p` outside `[0, 1)`.
pub fn dropout_forward(ws: &Workspace, x: &Tensor, keep: &[u8], p: f32) -> Result<Tensor> {
    const KERNEL: &str = "dropout_forward";
    let factor = keep_factor(KERNEL, keep, x.elem_count(), p)?;
    let values = read(KERNEL, "x", x)?;
    let mut out = ws.take(values.len());
    for ((out, &x), &keep) in out.iter_mut().zip(values.iter()).zip(keep) {
        *out = if keep == 0 { 0.0 } else { x * factor };
    }
    ws.tensor(out, x.shape())
}

/// Adds the gradient of [`dropout_forward`]'s input to `add_to`, in place: `gate * d / (1 - p)` where `keep` is not 0.
///
/// # Errors
/// As [`dropout_forward`], or tensors of two shapes.
pub fn dropout_backward_add(add_to: &Tensor, d: &Tensor, keep: &[u8], p: f32, gate: f32) -> Result<()> {
    const KERNEL: &str = "dropout_backward_add";
    let factor = keep_factor(KERNEL, keep, d.elem_count(), p)? * gate;
    expect_dims(KERNEL, "add_to", add_to, d.dims())?;
    let d = read(KERNEL, "d", d)?;
    write(KERNEL, "add_to", &[add_to], &[&d], |out| {
        for out in out {
            for ((out, &d), &keep) in out.iter_mut().zip(d.iter()).zip(keep) {
                *out += if keep == 0 { 0.0 } else { d * factor };
            }
        }
        Ok(())
    })
}
