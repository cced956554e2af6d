//! The kernels on a GPU: what launches the sources in `kernels/`, one file an op, as in `cpu`.
//!
//! An op hands over to these functions if its tensors are on a GPU ([`Gpu`]). All work of a device goes to one stream, so
//! that a tensor can be dropped while kernels that read it are still on their way. Where the feature `emulation` is on, the
//! same launches can run the same sources on the CPU ([`emulation`]): what tests use on machines without a GPU.

mod arguments;
pub(crate) mod conv;
#[cfg(feature = "cuda")]
mod cuda;
mod dense;
mod depthwise;
mod device;
pub(crate) mod elementwise;
#[cfg(feature = "emulation")]
mod emulated;
mod factorized;
mod grid;
pub(crate) mod head;
mod input;
mod launch;
mod moments;
pub(crate) mod node;
pub(crate) mod norm;
mod operands;
pub(crate) mod optim;
mod pieces;
pub(crate) mod pool;
pub mod profile;
mod scratch;
mod separable;

#[cfg(feature = "cuda")]
pub(crate) use cuda::open;
pub(crate) use device::Gpu;

/// Kernels that run on the CPU as they would on a GPU.
#[cfg(feature = "emulation")]
pub mod emulation {
    pub use crate::gpu::emulated::{is_on, set};
}
