//! Kernels for small channels-last networks, forward and backward.
//!
//! Activations are f32 candle tensors of shape `[n, h, w, c]` (channels last, contiguous): every op of this search
//! space then vectorises over channels, whatever its stride, dilation or image size. An op checks its tensors and hands them to the device that they are
//! on. The CPU's code works on slices, picks its SIMD path at run time, and splits work over images in a way that does not
//! depend on the number of threads, so that results are bit-identical with any of them. With the feature `cuda`, tensors
//! on an NVIDIA GPU ([`device::cuda`]) go to kernels of the same views and the same results up to rounding.
//!
//! Fusion rule: BatchNorm is never a pass of its own. A kernel writes its raw output `z` and takes BatchNorm's sums
//! while writing; whoever reads `z` applies the per-channel map ([`Norm`]) and the ReLU on the way in ([`Input`]).
//! Backward, the gradient at `z` is an affine map of the gradient behind the BatchNorm and of `z` itself
//! ([`Gradient`]), applied on the way in by whoever needs it.
//!
//! [`mod@reference`] has plain loops of one definition each, which tests compare the fast code with.

// Ops: checks, then the device.
pub mod conv;
pub mod curve;
pub mod device;
pub mod elementwise;
pub mod head;
pub mod node;
pub mod norm;
pub mod optim;
pub mod pattern;
pub mod pool;
pub mod scale;
pub mod tape;

// Devices, which know nothing of ops nor of each other.
mod cpu;
#[cfg_attr(
    not(any(feature = "cuda", feature = "emulation")),
    allow(dead_code, unreachable_code, unused_variables, reason = "there is no device to launch on")
)]
mod gpu;
pub mod reference;

// What both need.
mod aligned;
mod check;
pub mod collective;
mod error;
mod gate;
mod geometry;
mod results;
pub mod share;
mod tensors;
mod view;
mod workspace;

pub use conv::{conv_backward, conv_forward};
pub use cpu::parallel::awake;
pub use cpu::simd;
pub use error::{KernelError, Result};
pub use gate::GateGradient;
pub use geometry::{ConvGeometry, Convolution, Curve, Geometry, PoolKind, reduce_offset};
#[cfg(feature = "emulation")]
pub use gpu::emulation;
pub use gpu::profile;
pub use results::{
    BatchStats, ConvGradients, GradSums, LinearGradients, LossOutput, OutputLoss, ReturnedGradient, TermGradient,
    WeightGradient,
};
pub use view::{GradCoefficients, Gradient, Input, InputGradient, Norm, SgdStep, Term, Update};
pub use workspace::Workspace;

/// The README's example, which is a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
