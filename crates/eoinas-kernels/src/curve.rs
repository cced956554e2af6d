//! Activations other than ReLU, as passes of their own. On a GPU candle's own ops run them.

use candle_core::{DType, Tensor};

use crate::cpu;
use crate::device::Place;
use crate::error::{KernelError, Result};
use crate::geometry::Curve;
use crate::tensors::expect_dims;
use crate::workspace::Workspace;

/// The function of each value of `x`, of any shape; NaN stays NaN.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor.
pub fn curve_forward(ws: &Workspace, x: &Tensor, curve: Curve) -> Result<Tensor> {
    match Place::of(x) {
        Place::Cpu => cpu::curve::forward("curve_forward", ws, x, curve),
        Place::Gpu(_) => {
            expect_plain("curve_forward", "x", x)?;
            Ok(by_candle(x, curve)?)
        }
    }
}

/// `dy` times the function's slope, at its kinks as PyTorch has it. `known` is what
/// [`Curve::goes_back_by_value`] says.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of one shape.
pub fn curve_backward(ws: &Workspace, known: &Tensor, dy: &Tensor, curve: Curve) -> Result<Tensor> {
    const KERNEL: &str = "curve_backward";
    expect_dims(KERNEL, "dy", dy, known.dims())?;
    match Place::of(known) {
        Place::Cpu => cpu::curve::backward(KERNEL, ws, known, dy, curve),
        Place::Gpu(_) => {
            [("known", known), ("dy", dy)]
                .into_iter()
                .try_for_each(|(name, tensor)| expect_plain(KERNEL, name, tensor))?;
            Ok(back_by_candle(known, dy, curve)?)
        }
    }
}

/// candle's ops would take other tensors, which kernels do not.
fn expect_plain(kernel: &'static str, name: &'static str, tensor: &Tensor) -> Result<()> {
    match tensor.is_contiguous() && tensor.dtype() == DType::F32 {
        true => Ok(()),
        false => Err(KernelError::layout(kernel, name, tensor, DType::F32)),
    }
}

fn by_candle(x: &Tensor, curve: Curve) -> candle_core::Result<Tensor> {
    let hard_sigmoid = || (x + 3.0)?.clamp(0f32, 6f32)? / 6.0;
    match curve {
        Curve::Relu6 => x.clamp(0f32, 6f32),
        Curve::Sigmoid => (x.neg()?.exp()? + 1.0)?.recip(),
        Curve::HardSigmoid => hard_sigmoid(),
        Curve::HardSwish => x * hard_sigmoid()?,
    }
}

fn back_by_candle(known: &Tensor, dy: &Tensor, curve: Curve) -> candle_core::Result<Tensor> {
    let between = |low: f32, high: f32| known.gt(low)?.mul(&known.lt(high)?)?.to_dtype(known.dtype());
    match curve {
        Curve::Relu6 => dy * between(0.0, 6.0)?,
        Curve::Sigmoid => dy * (known * (1.0 - known)?)?,
        Curve::HardSigmoid => dy * (between(0.0, 1.0)? / 6.0)?,
        Curve::HardSwish => {
            let inner = (between(-3.0, 3.0)? * known.affine(1.0 / 3.0, 0.5)?)?;
            dy * (inner + known.ge(3f32)?.to_dtype(known.dtype())?)?
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    /// What the CPU computes, candle does; what a GPU is given, both halves agree on.
    #[test]
    fn candle_agrees() {
        let x: Vec<f32> = (0..41_000).map(|i| (i as f32 - 20_500.0) / 1_900.0).collect();
        let x = Tensor::from_vec(x, (41, 1000), &Device::Cpu).unwrap();
        let (dy, ws) = (x.affine(-0.3, 0.7).unwrap(), Workspace::new());
        for curve in [Curve::Relu6, Curve::Sigmoid, Curve::HardSigmoid, Curve::HardSwish] {
            let y = curve_forward(&ws, &x, curve).unwrap();
            let known = if curve.goes_back_by_value() { &y } else { &x };
            let pairs = [
                (y.clone(), by_candle(&x, curve).unwrap()),
                (curve_backward(&ws, known, &dy, curve).unwrap(), back_by_candle(known, &dy, curve).unwrap()),
            ];
            for (got, want) in pairs {
                let worst = (got - want).unwrap().abs().unwrap().flatten_all().unwrap().max(0).unwrap();
                assert!(worst.to_scalar::<f32>().unwrap() < 3e-6, "{curve:?}");
            }
        }
    }
}
