//! Kernels for small channels-last networks, forward and backward.
//!
//! Activations are f32 candle tensors of shape `[n, h, w, c]` (channels last, contiguous): every op of this search
//! space then vectorises over channels, whatever its stride, dilation or image size. Each kernel stands beside a slow,
//! obvious reference that tests compare it with. The functions here take tensors and choose the device; the CPU code
//! works on slices, picks its SIMD path at run time, and splits work over images in a way that does not depend on the
//! number of threads, so that results are bit-identical with any of them. With the feature `cuda`, tensors on an NVIDIA GPU
//! ([`device::cuda`]) go to kernels of the same views and the same results up to rounding.
//!
//! Fusion rule: BatchNorm is never a pass of its own. A kernel writes its raw output `z` and takes BatchNorm's sums
//! while writing; whoever reads `z` applies the per-channel map ([`Norm`]) and the ReLU on the way in ([`Input`]).
//! Backward, the gradient at `z` is an affine map of the gradient behind the BatchNorm and of `z` itself
//! ([`Gradient`]), applied on the way in by whoever needs it.

mod access;
pub mod batch_norm;
mod channelwise;
pub mod conv;
pub mod depthwise;
pub mod device;
mod driver;
pub mod dropout;
pub mod elementwise;
mod ends;
pub mod error;
pub mod factorized;
mod gemm;
#[cfg_attr(
    not(any(feature = "cuda", feature = "emulation")),
    allow(dead_code, unreachable_code, unused_variables, reason = "there is no device to launch on")
)]
mod gpu;
pub mod head;
mod image;
pub mod layout;
mod moments;
pub mod node;
pub mod norm;
pub mod optim;
mod parallel;
pub mod pool;
pub mod reference;
mod scratch;
pub mod separable;
pub mod simd;
pub mod tape;
mod tensors;
pub mod view;
pub mod workspace;

pub use conv::{ConvGeometry, conv_apply, conv_backward, conv_forward};
pub use depthwise::{ConvGradients, Geometry, depthwise_backward, depthwise_forward};
pub use error::{KernelError, Result};
pub use factorized::{
    FactorizedReduceGradients, factorized_reduce_apply, factorized_reduce_backward, factorized_reduce_forward,
};
#[cfg(feature = "emulation")]
pub use gpu::emulation;
pub use norm::{BatchStats, GradCoefficients, GradSums, Norm};
pub use parallel::awake;
pub use separable::{SeparableGradients, separable_apply, separable_backward, separable_forward};
pub use view::{Gradient, Input, InputGradient};
pub use workspace::Workspace;
