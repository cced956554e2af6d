//! Which GPUs there are to run on, and which device a tensor is on.

use candle_core::{Device, Tensor};

use crate::error::{KernelError, Result};
use crate::gpu::Gpu;
use crate::view::Input;

/// Where an op runs: where its tensors are.
pub(crate) enum Place {
    Cpu,
    Gpu(Gpu),
}

impl Place {
    pub(crate) fn of(tensor: &Tensor) -> Self {
        Gpu::at(tensor.device()).map_or(Self::Cpu, Self::Gpu)
    }

    /// That of an input, whose sources were checked: there is one.
    pub(crate) fn of_input(input: Input<'_>) -> Self {
        input.sources.first().map_or(Self::Cpu, |source| Self::of(source))
    }
}

/// NVIDIA GPU number `ordinal`, ready for these kernels: one stream, and freed memory kept for the next step. The CPU and
/// a GPU draw the same random numbers: they are made on the host.
///
/// # Errors
/// [`KernelError::Gpu`]: a build without the feature `cuda`, no driver, no such GPU.
pub fn cuda(ordinal: usize) -> Result<Device> {
    open(ordinal).map_err(|reason| KernelError::Gpu {
        doing: format!("there is no GPU cuda:{ordinal} to run on (the device `cpu` is always there)"),
        reason,
    })
}

#[cfg(feature = "cuda")]
fn open(ordinal: usize) -> Result<Device, String> {
    // candle's errors may bring a backtrace, line by line.
    let reason = |error: KernelError| error.to_string().lines().next().unwrap_or_default().to_owned();
    crate::gpu::open(ordinal).map_err(reason)
}

#[cfg(not(feature = "cuda"))]
fn open(_: usize) -> Result<Device, String> {
    Err("this program was built without the feature `cuda`; build it with `--features cuda`".to_owned())
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_there_is_not_is_named() {
        let error = super::cuda(4096).unwrap_err().to_string();
        assert!(error.contains("cuda:4096") && error.contains("cpu"), "{error}");
    }
}
