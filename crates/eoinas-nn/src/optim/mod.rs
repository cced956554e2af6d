//! Optimisers: SGD for the weights, Adam for the architecture parameters; both with L2 decay, as PyTorch has them.

mod adam;
mod sgd;

pub use adam::{Adam, AdamState};
pub use sgd::Sgd;

/// The factor that brings a gradient of global norm `norm` down to `limit`, as PyTorch's `clip_grad_norm_` has it:
/// `min(1, limit / (norm + 1e-6))`; 1 without a limit.
pub fn clip_factor(norm: f64, limit: Option<f64>) -> f64 {
    limit.map_or(1.0, |limit| (limit / (norm + 1e-6)).min(1.0))
}
