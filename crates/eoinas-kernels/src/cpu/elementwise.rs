//! Passes over single values on the CPU.

use candle_core::Tensor;

use super::parallel::for_pieces;
use super::simd::{Kernel, Level, Simd};
use super::values::{read, write};
use crate::error::Result;
use crate::workspace::Workspace;

/// Values in one unit of parallel work.
const RUN: usize = 16 * 1024;

/// ReLU, or with `dy` the way back through it.
pub(crate) fn relu(kernel: &'static str, ws: &Workspace, x: &Tensor, dy: Option<&Tensor>) -> Result<Tensor> {
    let (values, dy) = (read(kernel, "x", x)?, dy.map(|dy| read(kernel, "dy", dy)).transpose()?);
    ws.tensor(rectified(ws, &values, dy.as_deref()), x.shape())
}

/// Writes zeros.
pub(crate) fn set_zero(kernel: &'static str, x: &Tensor) -> Result<()> {
    write(kernel, "x", &[x], &[], |parts| {
        parts.iter_mut().for_each(|part| part.fill(0.0));
        Ok(())
    })
}

/// Writes `factor * x` where `keep` is not 0 and 0 elsewhere, or adds that. What is written holds anything before.
pub(crate) fn dropout(
    kernel: &'static str,
    x: &Tensor,
    keep: &[u8],
    factor: f32,
    out: &Tensor,
    add: bool,
) -> Result<()> {
    let x = read(kernel, "x", x)?;
    write(kernel, "dx", &[out], &[&x], |out| {
        masked(out, &x, keep, factor, add);
        Ok(())
    })
}

fn rectified(ws: &Workspace, x: &[f32], dy: Option<&[f32]>) -> Vec<f32> {
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
