//! The kernels' sources on the CPU: launches that `kernels/emulated.cpp` runs.

use std::ffi::{CString, c_char, c_int, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{CpuStorage, Layout};

use super::arguments::{Address, Argument};
use super::grid::Grid;
use crate::error::{KernelError, Result};

/// The environment variable that turns emulation on.
const VARIABLE: &str = "EOINAS_EMULATE_CUDA";

fn switch() -> &'static AtomicBool {
    static ON: OnceLock<AtomicBool> = OnceLock::new();
    ON.get_or_init(|| AtomicBool::new(std::env::var_os(VARIABLE).is_some_and(|value| value == "1")))
}

/// Whether kernels on CPU tensors run as they would on a GPU. Default: whether the environment variable
/// `EOINAS_EMULATE_CUDA` is `1`.
pub fn is_on() -> bool {
    switch().load(Ordering::Relaxed)
}

/// Turns emulation on or off, for all threads.
pub fn set(on: bool) {
    switch().store(on, Ordering::Relaxed);
}

unsafe extern "C" {
    /// Runs all blocks of a launch. 0: done; 1: no kernel of this name; 2: threads of a block missed each other.
    fn eoinas_launch_emulated(
        name: *const c_char,
        grid: *const u32,
        threads: *const u32,
        arguments: *const *const c_void,
    ) -> c_int;
}

/// # Safety
/// As for `Gpu::launch`.
pub(super) unsafe fn launch(name: &str, grid: Grid, arguments: &[Argument<'_>]) -> Result<()> {
    let wrong = |reason: &str| KernelError::launch(name, reason);
    let symbol = CString::new(name).map_err(|_| wrong("there is no such kernel"))?;
    let blocks = grid.blocks.map(|blocks| u32::try_from(blocks).unwrap_or(u32::MAX));
    let pointers: Vec<*const c_void> = arguments
        .iter()
        .map(|argument| match argument {
            Argument::Address(value) => std::ptr::from_ref(value).cast(),
            Argument::Int(value) => std::ptr::from_ref(value).cast(),
            Argument::Float(value) => std::ptr::from_ref(value).cast(),
            Argument::Double(value) => std::ptr::from_ref(value).cast(),
            Argument::Input(value) => std::ptr::from_ref(*value).cast(),
            Argument::Gradient(value) => std::ptr::from_ref(*value).cast(),
            Argument::Target(value) => std::ptr::from_ref(*value).cast(),
            Argument::Terms(value) => std::ptr::from_ref(*value).cast(),
            Argument::Tensors(value) => std::ptr::from_ref(*value).cast(),
            Argument::Parts(value) => std::ptr::from_ref(*value).cast(),
            Argument::Statistics(value) => std::ptr::from_ref(*value).cast(),
            Argument::Sums(value) => std::ptr::from_ref(*value).cast(),
        })
        .collect();
    // SAFETY: the name ends in 0, the arrays are as long as the function reads; the rest is as the caller says.
    match unsafe { eoinas_launch_emulated(symbol.as_ptr(), blocks.as_ptr(), grid.threads.as_ptr(), pointers.as_ptr()) }
    {
        0 => Ok(()),
        1 => Err(wrong("there is no such kernel")),
        _ => Err(wrong("threads of a block do not wait at the same barriers")),
    }
}

/// Where a tensor's values start, if there are `end` of them.
pub(super) fn address(storage: &CpuStorage, end: usize) -> Option<Address> {
    match storage {
        CpuStorage::F32(values) if values.len() >= end => Some(values.as_ptr() as Address),
        CpuStorage::U32(values) if values.len() >= end => Some(values.as_ptr() as Address),
        CpuStorage::U8(values) if values.len() >= end => Some(values.as_ptr() as Address),
        CpuStorage::F64(values) if values.len() >= end => Some(values.as_ptr() as Address),
        _ => None,
    }
}

/// The same for values that are to be written, at the tensor's offset.
pub(super) fn address_mut(storage: &mut CpuStorage, layout: &Layout) -> Option<Address> {
    let (start, end) = layout.contiguous_offsets()?;
    match storage {
        CpuStorage::F32(values) => values.get_mut(start..end).map(|values| values.as_mut_ptr() as Address),
        CpuStorage::F64(values) => values.get_mut(start..end).map(|values| values.as_mut_ptr() as Address),
        CpuStorage::U32(values) => values.get_mut(start..end).map(|values| values.as_mut_ptr() as Address),
        _ => None,
    }
}
