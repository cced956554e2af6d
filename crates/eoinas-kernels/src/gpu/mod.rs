//! The kernels on a GPU: what launches the sources in `kernels/`, one file an op, beside the CPU's.
//!
//! A function of this crate asks [`Gpu::of`] whether its tensors are on a GPU, and hands over if so. All work of a
//! device goes to one stream, so that a tensor can be dropped while kernels that read it are still on their way.
//! Where the feature `emulation` is on, the same launches can run the same sources on the CPU ([`emulation`]): what
//! tests use on machines without a GPU.

mod arguments;
pub(crate) mod conv;
#[cfg(feature = "cuda")]
mod cuda;
pub(crate) mod depthwise;
pub(crate) mod elementwise;
#[cfg(feature = "emulation")]
mod emulated;
pub(crate) mod factorized;
pub(crate) mod head;
mod input;
mod launch;
pub(crate) mod node;
pub(crate) mod norm;
mod operands;
pub(crate) mod optim;
mod pieces;
pub(crate) mod pool;
pub(crate) mod separable;

use candle_core::{DType, Device, Shape, Tensor};

use crate::error::{KernelError, Result};
use crate::view::Input;

#[cfg(feature = "cuda")]
pub(crate) use cuda::open;

/// Kernels that run on the CPU as they would on a GPU.
#[cfg(feature = "emulation")]
pub mod emulation {
    pub use super::emulated::{is_on, set};
}

/// A device that kernels are launched on. Without the features `cuda` and `emulation` there is none.
#[derive(Clone, Debug)]
pub(crate) enum Gpu {
    #[cfg(feature = "cuda")]
    Cuda(candle_core::CudaDevice),
    #[cfg(feature = "emulation")]
    Emulated,
}

impl Gpu {
    /// The GPU that a tensor is on, if it is on one.
    pub(crate) fn of(tensor: &Tensor) -> Option<Self> {
        Self::at(tensor.device())
    }

    /// The same for an input. One without sources is on none: its check says what is wrong.
    pub(crate) fn of_input(input: Input<'_>) -> Option<Self> {
        input.sources.first().and_then(|source| Self::of(source))
    }

    pub(crate) fn at(device: &Device) -> Option<Self> {
        match device {
            #[cfg(feature = "cuda")]
            Device::Cuda(device) => Some(Self::Cuda(device.clone())),
            #[cfg(feature = "emulation")]
            Device::Cpu if emulation::is_on() => Some(Self::Emulated),
            _ => None,
        }
    }

    /// The device as candle knows it.
    pub(crate) fn device(&self) -> Device {
        match *self {
            #[cfg(feature = "cuda")]
            Self::Cuda(ref device) => Device::Cuda(device.clone()),
            #[cfg(feature = "emulation")]
            Self::Emulated => Device::Cpu,
        }
    }

    /// An f32 tensor that holds nothing yet: a kernel must write all of it.
    pub(crate) fn unwritten(&self, shape: impl Into<Shape>) -> Result<Tensor> {
        unwritten(shape, DType::F32, &self.device())
    }
}

/// A tensor on this device whose content is undefined.
pub(crate) fn unwritten(shape: impl Into<Shape>, dtype: DType, device: &Device) -> Result<Tensor> {
    let shape = shape.into();
    let bytes = shape.elem_count() * dtype.size_in_bytes();
    // SAFETY: every bit pattern is a float, and no kernel of this crate reads a tensor before one has written it.
    unsafe { Tensor::empty(shape, dtype, device) }.map_err(|error| KernelError::from_device(error, bytes))
}
