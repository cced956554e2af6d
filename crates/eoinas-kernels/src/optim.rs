//! The weights' optimiser: SGD with momentum and L2, and the norm that gradients are clipped by.

use candle_core::Tensor;

use crate::error::Result;
use crate::tensors::{expect_dims, read, write};

/// Sum of the squares of all values of all tensors, in a fixed order. Its square root is the global norm.
///
/// # Errors
/// A tensor that is not a contiguous f32 CPU tensor.
pub fn sum_of_squares(tensors: &[&Tensor]) -> Result<f64> {
    let mut sum = 0.0;
    for tensor in tensors {
        let values = read("sum_of_squares", "tensors", tensor)?;
        sum += values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
    }
    Ok(sum)
}

/// One update's numbers: `g = gradient_scale * gradient + weight_decay * value`, `m = momentum * m + g`,
/// `value -= lr * m` (PyTorch's SGD, without dampening; a momentum buffer of zeros is its first step).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub lr: f64,
    /// Factor of the momentum buffer (0.9 in the paper).
    pub momentum: f64,
    /// L2 regularisation, added to the gradient.
    pub weight_decay: f64,
    /// Factor of the gradient, from clipping; 1 without.
    pub gradient_scale: f64,
}

/// Updates `value` and `momentum` in place; all three have one shape.
///
/// # Errors
/// Tensors that are not contiguous f32 CPU tensors of one shape, or share memory.
pub fn sgd_update(value: &Tensor, gradient: &Tensor, momentum: &Tensor, step: &SgdStep) -> Result<()> {
    const KERNEL: &str = "sgd_update";
    expect_dims(KERNEL, "gradient", gradient, value.dims())?;
    expect_dims(KERNEL, "momentum", momentum, value.dims())?;
    let gradient = read(KERNEL, "gradient", gradient)?;
    let (lr, mu) = (step.lr as f32, step.momentum as f32);
    let (decay, scale) = (step.weight_decay as f32, step.gradient_scale as f32);
    write(KERNEL, "value", &[value, momentum], &[&gradient], |out| {
        if let [value, momentum] = out {
            for ((v, m), g) in value.iter_mut().zip(momentum.iter_mut()).zip(gradient.iter()) {
                *m = mu * *m + (scale * g + decay * *v);
                *v -= lr * *m;
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
