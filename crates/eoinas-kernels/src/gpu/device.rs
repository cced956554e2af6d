//! A device that kernels are launched on, and its memory.

use candle_core::{DType, Device, Shape, Tensor};

#[cfg(feature = "emulation")]
use super::emulated;
use crate::error::Result;
use crate::tensors;

/// A device that kernels are launched on. Without the features `cuda` and `emulation` there is none.
#[derive(Clone, Debug)]
pub(crate) enum Gpu {
    #[cfg(feature = "cuda")]
    Cuda(candle_core::CudaDevice),
    #[cfg(feature = "emulation")]
    Emulated,
}

impl Gpu {
    /// The GPU that this device of candle's is, if it is one.
    pub(crate) fn at(device: &Device) -> Option<Self> {
        match device {
            #[cfg(feature = "cuda")]
            Device::Cuda(device) => Some(Self::Cuda(device.clone())),
            #[cfg(feature = "emulation")]
            Device::Cpu if emulated::is_on() => Some(Self::Emulated),
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
        self.unwritten_as(shape, DType::F32)
    }

    /// The same of another type.
    pub(super) fn unwritten_as(&self, shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
        tensors::unwritten(shape, dtype, &self.device())
    }
}
