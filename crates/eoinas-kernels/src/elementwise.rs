//! ReLU as a pass of its own, for who does not leave it to the next reader, and zeros.

use candle_core::Tensor;

use crate::Workspace;
use crate::error::Result;
use crate::gpu::{self, Gpu};
use crate::parallel::for_pieces;
use crate::simd::{Kernel, Level, Simd};
use crate::tensors::{expect_dims, read, write};

/// Values in one unit of parallel work.
const RUN: usize = 16 * 1024;

/// `max(x, 0)`, of any shape; NaN stays NaN.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor.
pub fn relu_forward(ws: &Workspace, x: &Tensor) -> Result<Tensor> {
    const KERNEL: &str = "relu_forward";
    if let Some(gpu) = Gpu::of(x) {
        return gpu::elementwise::relu(&gpu, KERNEL, x, None);
    }
    let out = relu(ws, &read(KERNEL, "x", x)?, None);
    ws.tensor(out, x.shape())
}

/// `dy` where `x > 0` and 0 elsewhere: the gradient at 0 is 0, as in PyTorch. The result of the forward pass may be
/// given for `x`.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of one shape.
pub fn relu_backward(ws: &Workspace, x: &Tensor, dy: &Tensor) -> Result<Tensor> {
    const KERNEL: &str = "relu_backward";
    expect_dims(KERNEL, "dy", dy, x.dims())?;
    if let Some(gpu) = Gpu::of(x) {
        return gpu::elementwise::relu(&gpu, KERNEL, x, Some(dy));
    }
    let out = relu(ws, &read(KERNEL, "x", x)?, Some(&read(KERNEL, "dy", dy)?));
    ws.tensor(out, x.shape())
}

/// Writes zeros over a tensor, in place.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor.
pub fn set_zero(x: &Tensor) -> Result<()> {
    const KERNEL: &str = "set_zero";
    if let Some(gpu) = Gpu::of(x) {
        return gpu::elementwise::set_zero(&gpu, KERNEL, x);
    }
    write(KERNEL, "x", &[x], &[], |parts| {
        parts.iter_mut().for_each(|part| part.fill(0.0));
        Ok(())
    })
}

fn relu(ws: &Workspace, x: &[f32], dy: Option<&[f32]>) -> Vec<f32> {
    let level = Level::current();
    let mut out = ws.take(x.len());
    // Whole runs in parallel, and the rest.
    let whole = x.len() / RUN;
    let (runs, rest) = out.split_at_mut(whole * RUN);
    for_pieces(whole, &mut [runs], |range, parts| {
        for out in parts {
            let of = range.start * RUN..range.start * RUN + out.len();
            level.run(Relu { x: &x[of.clone()], dy: dy.map(|dy| &dy[of]), out });
        }
    });
    let of = whole * RUN..;
    level.run(Relu { x: &x[of.clone()], dy: dy.map(|dy| &dy[of]), out: rest });
    out
}

/// ReLU, or the way back through it.
struct Relu<'a> {
    x: &'a [f32],
    dy: Option<&'a [f32]>,
    out: &'a mut [f32],
}

impl Kernel for Relu<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let pairs = self.x.chunks(S::LANES).zip(self.out.chunks_mut(S::LANES));
        match self.dy {
            None => {
                for (x, out) in pairs {
                    // The second operand is what `max` gives for a NaN.
                    s.store(out, s.max(s.zero(), s.load(x)));
                }
            }
            Some(dy) => {
                for ((x, out), dy) in pairs.zip(dy.chunks(S::LANES)) {
                    s.store(out, s.where_positive(s.load(x), s.load(dy)));
                }
            }
        }
    }
}
