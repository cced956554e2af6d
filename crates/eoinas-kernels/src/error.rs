//! What can go wrong in a kernel.

/// Result of a kernel.
pub type Result<T, E = KernelError> = std::result::Result<T, E>;

/// Why a kernel refuses to run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KernelError {
    /// A tensor does not have the shape the kernel needs.
    #[error("{kernel}: `{tensor}` has shape {got:?}, expected {expected}")]
    Shape {
        /// The kernel.
        kernel: &'static str,
        /// Which of its tensors.
        tensor: &'static str,
        /// The shape it has.
        got: Vec<usize>,
        /// What was expected, in words or as a shape.
        expected: String,
    },
    /// A tensor is not a contiguous f32 tensor.
    #[error("{kernel}: `{tensor}` must be a contiguous f32 tensor")]
    Layout {
        /// The kernel.
        kernel: &'static str,
        /// Which of its tensors.
        tensor: &'static str,
    },
    /// The kernel has no code for the device.
    #[error("{kernel} does not run on {device}; build with the `cuda` feature or use the CPU")]
    Device {
        /// The kernel.
        kernel: &'static str,
        /// The device.
        device: String,
    },
    /// candle's own error.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}
