//! The weights' gradients and their optimiser: SGD with momentum and L2, and the norm that gradients are clipped by.

use candle_core::Tensor;

use crate::device::Place;
use crate::error::Result;
use crate::results::WeightGradient;
use crate::tensors::expect_dims;
use crate::view::{SgdStep, Update};
use crate::{cpu, gpu};

/// The gradients themselves, in the same order: what a GPU or the processes of a run have still to add up is, all at once.
///
/// # Errors
/// A device whose memory is full, or that fails; processes that cannot reach each other.
pub fn settle(gradients: Vec<WeightGradient>) -> Result<Vec<Tensor>> {
    const KERNEL: &str = "settle";
    let pending = gradients.iter().filter_map(|gradient| match gradient {
        WeightGradient::Pending { parts, .. } => Some(parts),
        WeightGradient::Known(_) => None,
    });
    let pending: Vec<&Tensor> = pending.collect();
    let sums = match pending.first().map_or(Place::Cpu, |parts| Place::of(parts)) {
        Place::Cpu => cpu::optim::sum_parts(KERNEL, &pending)?,
        Place::Gpu(gpu) => gpu::optim::sum_parts(&gpu, KERNEL, &pending)?,
    };
    let mut sums = sums.into_iter();
    let known = |gradient| match gradient {
        WeightGradient::Known(tensor) => Some(Ok(tensor)),
        WeightGradient::Pending { shape, .. } => sums.next().map(|sum| Ok(sum.reshape(shape)?)),
    };
    gradients.into_iter().filter_map(known).collect()
}

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
