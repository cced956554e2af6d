//! The weights' optimiser: SGD with momentum and L2, and the norm that gradients are clipped by.

use candle_core::Tensor;

use crate::channelwise::{Period, sums};
use crate::error::Result;
use crate::gpu::{self, Gpu};
use crate::simd::{Kernel, Level, Simd};
use crate::tensors::{expect_dims, read, write};

/// Sum of the squares of all values of all tensors, in a fixed order. Its square root is the global norm.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor.
pub fn sum_of_squares(tensors: &[&Tensor]) -> Result<f64> {
    if let Some(gpu) = tensors.first().and_then(|tensor| Gpu::of(tensor)) {
        return gpu::optim::sum_of_squares(&gpu, "sum_of_squares", tensors);
    }
    let level = Level::current();
    let mut squares = [vec![0.0]];
    for tensor in tensors {
        let values = read("sum_of_squares", "tensors", tensor)?;
        let period = Period::new(1, values.len());
        sums(level, period, &values, &[(&values, &period.constant(0.0))], &mut [0.0], &mut squares);
    }
    Ok(squares[0].iter().sum())
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

/// What one parameter's update reads and writes; all three have one shape.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    /// The parameter, changed in place.
    pub value: &'a Tensor,
    /// Its gradient.
    pub gradient: &'a Tensor,
    /// Its momentum buffer, changed in place.
    pub momentum: &'a Tensor,
}

/// Updates values and momenta in place.
///
/// # Errors
/// Tensors that are not contiguous f32 tensors of one shape, or share memory.
pub fn sgd_update(updates: &[Update<'_>], step: &SgdStep) -> Result<()> {
    const KERNEL: &str = "sgd_update";
    for Update { value, gradient, momentum } in updates {
        expect_dims(KERNEL, "gradient", gradient, value.dims())?;
        expect_dims(KERNEL, "momentum", momentum, value.dims())?;
    }
    if let Some(gpu) = updates.first().and_then(|update| Gpu::of(update.value)) {
        return gpu::optim::sgd_update(&gpu, KERNEL, updates, step);
    }
    let (level, step) = (Level::current(), *step);
    for Update { value, gradient, momentum } in updates {
        let gradient = read(KERNEL, "gradient", gradient)?;
        write(KERNEL, "value", &[value, momentum], &[&gradient], |out| {
            if let [value, momentum] = out {
                level.run(Sgd { value, momentum, gradient: &gradient, step });
            }
            Ok(())
        })?;
    }
    Ok(())
}

struct Sgd<'a> {
    value: &'a mut [f32],
    momentum: &'a mut [f32],
    gradient: &'a [f32],
    step: SgdStep,
}

impl Kernel for Sgd<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let SgdStep { lr, momentum, weight_decay, gradient_scale } = self.step;
        let (minus_lr, mu) = (s.splat(-lr as f32), s.splat(momentum as f32));
        let (decay, scale) = (s.splat(weight_decay as f32), s.splat(gradient_scale as f32));
        let lanes = S::LANES;
        let values = self.value.chunks_mut(lanes).zip(self.momentum.chunks_mut(lanes));
        for ((value, momentum), gradient) in values.zip(self.gradient.chunks(lanes)) {
            let v = s.load(value);
            let g = s.fma(scale, s.load(gradient), s.mul(decay, v));
            let m = s.fma(mu, s.load(momentum), g);
            s.store(momentum, m);
            s.store(value, s.fma(minus_lr, m, v));
        }
    }
}

#[cfg(test)]
mod tests;
