//! Activations other than ReLU on the CPU.

use candle_core::Tensor;

use super::parallel::for_pieces;
use super::simd::{Kernel, Level, Simd};
use super::values::read;
use crate::error::Result;
use crate::geometry::Curve;
use crate::workspace::Workspace;

/// Values in one unit of parallel work.
const RUN: usize = 4 * 1024;

/// The function of each value.
pub(crate) fn forward(kernel: &'static str, ws: &Workspace, x: &Tensor, curve: Curve) -> Result<Tensor> {
    let values = read(kernel, "x", x)?;
    ws.tensor(mapped(ws, &values, None, curve), x.shape())
}

/// `dy` times the slope.
pub(crate) fn backward(
    kernel: &'static str,
    ws: &Workspace,
    known: &Tensor,
    dy: &Tensor,
    curve: Curve,
) -> Result<Tensor> {
    let (values, gradient) = (read(kernel, "known", known)?, read(kernel, "dy", dy)?);
    ws.tensor(mapped(ws, &values, Some(&gradient), curve), known.shape())
}

fn mapped(ws: &Workspace, x: &[f32], dy: Option<&[f32]>, curve: Curve) -> Vec<f32> {
    let level = Level::current();
    let mut out = ws.take(x.len());
    // Whole runs in parallel, and the rest.
    let whole = x.len() / RUN;
    let (runs, rest) = out.split_at_mut(whole * RUN);
    for_pieces(whole, &mut [runs], |range, parts| {
        for out in parts {
            let of = range.start * RUN..range.start * RUN + out.len();
            level.run(Mapped { x: &x[of.clone()], dy: dy.map(|dy| &dy[of]), out, curve });
        }
    });
    let of = whole * RUN..;
    level.run(Mapped { x: &x[of.clone()], dy: dy.map(|dy| &dy[of]), out: rest, curve });
    out
}

/// The function of each value, or `dy` times its slope.
struct Mapped<'a> {
    x: &'a [f32],
    dy: Option<&'a [f32]>,
    out: &'a mut [f32],
    curve: Curve,
}

impl Kernel for Mapped<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        let Self { x, dy, out, curve } = self;
        match (curve, dy) {
            (Curve::Relu6, None) => each(x, out, |x| clamped(x, 6.0)),
            (Curve::Sigmoid, None) => each(x, out, |x| 1.0 / (1.0 + (-x).exp())),
            (Curve::HardSigmoid, None) => each(x, out, |x| clamped(x + 3.0, 6.0) * (1.0 / 6.0)),
            (Curve::HardSwish, None) => each(x, out, |x| x * (clamped(x + 3.0, 6.0) * (1.0 / 6.0))),
            (Curve::Relu6, Some(dy)) => back(x, dy, out, |y| if y > 0.0 && y < 6.0 { 1.0 } else { 0.0 }),
            (Curve::Sigmoid, Some(dy)) => back(x, dy, out, |y| y * (1.0 - y)),
            (Curve::HardSigmoid, Some(dy)) => back(x, dy, out, |y| if y > 0.0 && y < 1.0 { 1.0 / 6.0 } else { 0.0 }),
            (Curve::HardSwish, Some(dy)) => back(x, dy, out, |x| {
                let above = if x >= 3.0 { 1.0 } else { 0.0 };
                if x > -3.0 && x < 3.0 { x * (1.0 / 3.0) + 0.5 } else { above }
            }),
        }
    }
}

#[inline(always)]
fn each(x: &[f32], out: &mut [f32], f: impl Fn(f32) -> f32) {
    x.iter().zip(out).for_each(|(&x, out)| *out = f(x));
}

#[inline(always)]
fn back(x: &[f32], dy: &[f32], out: &mut [f32], slope: impl Fn(f32) -> f32) {
    x.iter().zip(dy).zip(out).for_each(|((&x, &dy), out)| *out = dy * slope(x));
}

/// From 0 to `high`; NaN stays NaN, as `clamp` would have it, but for vectors.
#[inline(always)]
fn clamped(x: f32, high: f32) -> f32 {
    let low = if x < 0.0 { 0.0 } else { x };
    if low > high { high } else { low }
}
