//! What can go wrong in a kernel.

use candle_core::{DType, Tensor};

/// Result of a kernel.
pub type Result<T, E = KernelError> = std::result::Result<T, E>;

/// Why a kernel refuses to run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A tensor is not what the kernel needs: another shape, type, layout or device, or memory that it shares with a tensor
    /// that is written.
    #[error("{kernel}: `{tensor}` has {got}, expected {expected}")]
    Tensor {
        /// The kernel.
        kernel: &'static str,
        /// Which of its tensors.
        tensor: &'static str,
        /// What it has.
        got: String,
        /// What was expected.
        expected: String,
    },
    /// An argument that is not a tensor has a value that makes no sense.
    #[error("{kernel}: `{argument}` is {got}, expected {expected}")]
    Argument {
        /// The kernel.
        kernel: &'static str,
        /// Which of its arguments.
        argument: &'static str,
        /// Its value.
        got: String,
        /// What was expected.
        expected: String,
    },
    /// There is no GPU to run on, or it refuses to run a kernel.
    #[error("{doing}: {reason}")]
    Gpu {
        /// What was tried.
        doing: String,
        /// What the driver says.
        reason: String,
    },
    /// The GPU's memory is full.
    #[error(
        "the GPU's memory is full: {} MiB more were needed; a smaller batch (`batch_size`) or fewer channels \
         (`network.channels`) need less", bytes.div_ceil(1 << 20)
    )]
    OutOfMemory {
        /// What was asked for last.
        bytes: usize,
    },
    /// The processes that share a batch cannot exchange what they have.
    #[error(
        "the processes of this run cannot reach each other: {reason}; start them again, and it goes on from its last checkpoint"
    )]
    Collective {
        /// What is in the way.
        reason: String,
    },
    /// candle's own error.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

impl KernelError {
    /// candle's error for a tensor of so many bytes that could not be made on a device.
    pub(crate) fn from_device(error: candle_core::Error, bytes: usize) -> Self {
        if error.to_string().contains("OUT_OF_MEMORY") { Self::OutOfMemory { bytes } } else { Self::Candle(error) }
    }

    /// A tensor of the wrong shape.
    pub(crate) fn shape(kernel: &'static str, name: &'static str, got: &Tensor, expected: impl Into<String>) -> Self {
        Self::tensor(kernel, name, format!("shape {:?}", got.dims()), expected)
    }

    /// A tensor that is not contiguous, of another type, or emptied by [`crate::Workspace::recycle`].
    pub(crate) fn layout(kernel: &'static str, name: &'static str, got: &Tensor, expected: DType) -> Self {
        let got = match got.is_contiguous() {
            true if got.dtype() == expected => "no content, as it was recycled".to_owned(),
            true => format!("type {}", got.dtype().as_str()),
            false => format!("strides {:?}", got.stride()),
        };
        Self::tensor(kernel, name, got, format!("a contiguous {} tensor", expected.as_str()))
    }

    /// A tensor on another device than the kernel's.
    pub(crate) fn device(kernel: &'static str, name: &'static str, got: &Tensor) -> Self {
        let expected = "them beside the other tensors of the call, on the CPU or (with the feature `cuda`) on one GPU";
        Self::tensor(kernel, name, format!("values on {:?}", got.device().location()), expected)
    }

    /// A tensor that is written while the same memory is read or written as another tensor.
    pub(crate) fn shared(kernel: &'static str, name: &'static str) -> Self {
        Self::tensor(kernel, name, "memory that another tensor of this call has".to_owned(), "its own; pass a copy")
    }

    fn tensor(kernel: &'static str, tensor: &'static str, got: String, expected: impl Into<String>) -> Self {
        Self::Tensor { kernel, tensor, got, expected: expected.into() }
    }

    /// A kernel that a GPU refuses to run.
    pub(crate) fn launch(kernel: &str, reason: impl Into<String>) -> Self {
        Self::Gpu { doing: format!("{kernel}: the GPU refused to run it"), reason: reason.into() }
    }
}
