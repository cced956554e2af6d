//! The weights' optimiser: SGD with momentum and L2, and the norm that gradients are clipped by.

use candle_core::Tensor;

use crate::device::Place;
use crate::error::Result;
use crate::tensors::expect_dims;
use crate::view::{SgdStep, Update};
use crate::{cpu, gpu};

/// Sum of the squares of all values of all tensors, in a fixed order. Its square root is the global norm.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor.
pub fn sum_of_squares(tensors: &[&Tensor]) -> Result<f64> {
    const KERNEL: &str = "sum_of_squares";
    match tensors.first().map_or(Place::Cpu, |tensor| Place::of(tensor)) {
        Place::Cpu => cpu::optim::sum_of_squares(KERNEL, tensors),
        Place::Gpu(gpu) => gpu::optim::sum_of_squares(&gpu, KERNEL, tensors),
    }
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
    match updates.first().map_or(Place::Cpu, |update| Place::of(update.value)) {
        Place::Cpu => cpu::optim::sgd_update(KERNEL, updates, step),
        Place::Gpu(gpu) => gpu::optim::sgd_update(&gpu, KERNEL, updates, step),
    }
}

#[cfg(test)]
mod tests;
