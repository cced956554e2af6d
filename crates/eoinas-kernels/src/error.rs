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
    /// A tensor is written while the same memory is read or written as another tensor.
    #[error("{kernel}: `{tensor}` shares its memory with another tensor of this call; pass a copy")]
    Shared {
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
    /// A label is not a class.
    #[error("label {label} of image {index} is not a class; the network has {classes} classes (0 to {})", classes - 1)]
    Label {
        /// Index in the batch.
        index: usize,
        /// The label.
        label: u32,
        /// Number of classes.
        classes: usize,
    },
    /// There is no such GPU.
    #[error("there is no GPU cuda:{ordinal} to run on: {reason}; the device `cpu` is always there")]
    NoGpu {
        /// Which one was asked for.
        ordinal: usize,
        /// Why it is not there.
        reason: String,
    },
    /// A kernel could not be launched on a GPU.
    #[error("{kernel}: the GPU refused to run it: {reason}")]
    Launch {
        /// The kernel.
        kernel: String,
        /// What the driver says.
        reason: String,
    },
    /// The GPU's memory is full.
    #[error(
        "the GPU's memory is full: {} MiB more were needed; a smaller batch (--batch-size) or fewer channels \
         (--channels) need less", bytes.div_ceil(1 << 20)
    )]
    OutOfMemory {
        /// What was asked for last.
        bytes: usize,
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
}
