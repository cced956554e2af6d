//! Dropout of single values, with a mask that the caller draws.

use candle_core::Tensor;

use crate::Workspace;
use crate::error::{KernelError, Result};
use crate::gpu::{self, Gpu};
use crate::parallel::for_pieces;
use crate::simd::{Kernel, Level, Simd};
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
/// A tensor that is not a contiguous f32 tensor, a mask of another length, `p` outside `[0, 1)`.
pub fn dropout_forward(ws: &Workspace, x: &Tensor, keep: &[u8], p: f32) -> Result<Tensor> {
    const KERNEL: &str = "dropout_forward";
    let factor = keep_factor(KERNEL, keep, x.elem_count(), p)?;
    if let Some(gpu) = Gpu::of(x) {
        let out = gpu.unwritten(x.shape())?;
        gpu::elementwise::dropout(&gpu, KERNEL, x, keep, factor, &out, false)?;
        return Ok(out);
    }
    let values = read(KERNEL, "x", x)?;
    let mut out = ws.take(values.len());
    masked(&mut [&mut out], &values, keep, factor, false);
    ws.tensor(out, x.shape())
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
    if let Some(gpu) = Gpu::of(d) {
        return gpu::elementwise::dropout(&gpu, KERNEL, d, keep, factor, dx, add);
    }
    let d = read(KERNEL, "d", d)?;
    write(KERNEL, "dx", &[dx], &[&d], |out| {
        masked(out, &d, keep, factor, add);
        Ok(())
    })
}

fn masked(out: &mut [&mut [f32]], x: &[f32], keep: &[u8], factor: f32, add: bool) {
    const RUN: usize = 4096;
    let level = Level::current();
    let runs = x.len() / RUN;
    // Whole runs in parallel, and the rest.
    let (mut whole, mut rest): (Vec<&mut [f32]>, Vec<&mut [f32]>) =
        out.iter_mut().map(|out| out.split_at_mut(runs * RUN)).unzip();
    for_pieces(runs, &mut whole, |range, parts| {
        for out in parts {
            let values = range.start * RUN..range.start * RUN + out.len();
            level.run(Masked { out, x: &x[values.clone()], keep: &keep[values], factor, add });
        }
    });
    for out in &mut rest {
        level.run(Masked { out, x: &x[runs * RUN..], keep: &keep[runs * RUN..], factor, add });
    }
}

struct Masked<'a> {
    out: &'a mut [f32],
    x: &'a [f32],
    keep: &'a [u8],
    factor: f32,
    add: bool,
}

impl Kernel for Masked<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        for ((out, &x), &keep) in self.out.iter_mut().zip(self.x).zip(self.keep) {
            // Zero even where `x` is not finite.
            let kept = if keep == 0 { 0.0 } else { x * self.factor };
            *out = if self.add { *out + kept } else { kept };
        }
    }
}
