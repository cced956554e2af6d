//! Launches on an NVIDIA GPU, through candle's device: its context, its stream and its memory.

use std::cell::RefCell;
use std::collections::HashMap;

use candle_core::cuda_backend::cudarc::driver::{
    CudaFunction, DevicePtr, DevicePtrMut, DeviceRepr, LaunchConfig, PushKernelArg, sys,
};
use candle_core::cuda_backend::{CudaDType, CudaDevice, DeviceId};
use candle_core::{CudaStorage, DType, Device, Layout};

use super::arguments::{
    Address, Argument, GradientArgument, InputArgument, PartsArgument, StatisticsArgument, SumsArgument,
    TargetArgument, TensorsArgument, TermsArgument,
};
use super::grid::Grid;
use crate::error::{KernelError, Result};

/// The kernels, made from `kernels/kernels.cu` when this crate was built.
const PTX: &str = include_str!(concat!(env!("OUT_DIR"), "/kernels.ptx"));

/// The name under which candle's device keeps them.
const MODULE: &str = "eoinas-kernels";

// SAFETY: `repr(C)` structs of plain numbers, whose fields are those of the kernels' structs.
unsafe impl DeviceRepr for InputArgument {}
// SAFETY: as above.
unsafe impl DeviceRepr for GradientArgument {}
// SAFETY: as above.
unsafe impl DeviceRepr for TargetArgument {}
// SAFETY: as above.
unsafe impl DeviceRepr for TermsArgument {}
// SAFETY: as above.
unsafe impl DeviceRepr for TensorsArgument {}
// SAFETY: as above.
unsafe impl DeviceRepr for PartsArgument {}
// SAFETY: as above.
unsafe impl DeviceRepr for StatisticsArgument {}
// SAFETY: as above.
unsafe impl DeviceRepr for SumsArgument {}

/// Opens a GPU, ready for the one stream that this crate works on.
pub(crate) fn open(ordinal: usize) -> Result<Device> {
    let device = CudaDevice::new_with_stream(ordinal)?;
    // SAFETY: all work of the device goes to its one stream, in which an allocation comes before its uses and a free
    // after them.
    unsafe { device.disable_event_tracking() };
    keep_freed_memory(ordinal);
    Ok(Device::Cuda(device))
}

/// Has freed memory stay with the process: a step frees and takes the same sizes over and over. A driver that cannot do
/// it is slower, not wrong, so what goes wrong here is ignored.
fn keep_freed_memory(ordinal: usize) {
    let Ok(ordinal) = i32::try_from(ordinal) else { return };
    let (mut device, mut pool, mut all) = (0, std::ptr::null_mut(), u64::MAX);
    // SAFETY: the driver is initialised, as the device is open; each pointer is to a live variable of the type that
    // the call writes or reads.
    unsafe {
        if sys::cuDeviceGet(&mut device, ordinal) == sys::CUresult::CUDA_SUCCESS
            && sys::cuDeviceGetDefaultMemPool(&mut pool, device) == sys::CUresult::CUDA_SUCCESS
        {
            let threshold = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
            let _ = sys::cuMemPoolSetAttribute(pool, threshold, std::ptr::from_mut(&mut all).cast());
        }
    }
}

/// The kernel of this name on the device. To ask the driver for it takes about as long as to launch it, so each is asked
/// for once.
fn function(device: &CudaDevice, name: &str) -> candle_core::Result<CudaFunction> {
    type Functions = HashMap<String, CudaFunction>;
    thread_local! {
        static KNOWN: RefCell<Vec<(DeviceId, usize, Functions)>> = const { RefCell::new(Vec::new()) };
    }
    let id = device.id();
    KNOWN.with_borrow_mut(|known| {
        if let Some(function) = known.iter().find(|(of, ..)| *of == id).and_then(|(.., functions)| functions.get(name))
        {
            return Ok(function.clone());
        }
        let function = device.get_or_load_custom_func(name, MODULE, PTX)?.into_cuda_function();
        let named = (name.to_owned(), function.clone());
        match known.iter_mut().find(|(of, ..)| *of == id) {
            Some((.., functions)) => functions.extend([named]),
            None => {
                // Of a device that was opened again those of before would keep all that it had.
                let ordinal = device.cuda_stream().context().ordinal();
                known.retain(|(_, of, _)| *of != ordinal);
                known.push((id, ordinal, Functions::from([named])));
            }
        }
        Ok(function)
    })
}

/// # Safety
/// As for `Gpu::launch`.
pub(super) unsafe fn launch(device: &CudaDevice, name: &str, grid: Grid, arguments: &[Argument<'_>]) -> Result<()> {
    let wrong = |reason: String| KernelError::launch(name, reason);
    let function = function(device, name).map_err(|error| wrong(error.to_string()))?;
    let stream = device.cuda_stream();
    let [x, y, z] = grid.blocks.map(|blocks| u32::try_from(blocks).unwrap_or(u32::MAX));
    let [tx, ty, tz] = grid.threads;
    let mut builder = stream.launch_builder(&function);
    for argument in arguments {
        match argument {
            Argument::Address(value) => builder.arg(value),
            Argument::Int(value) => builder.arg(value),
            Argument::Float(value) => builder.arg(value),
            Argument::Double(value) => builder.arg(value),
            Argument::Input(value) => builder.arg(*value),
            Argument::Gradient(value) => builder.arg(*value),
            Argument::Target(value) => builder.arg(*value),
            Argument::Terms(value) => builder.arg(*value),
            Argument::Tensors(value) => builder.arg(*value),
            Argument::Parts(value) => builder.arg(*value),
            Argument::Statistics(value) => builder.arg(*value),
            Argument::Sums(value) => builder.arg(*value),
        };
    }
    let config = LaunchConfig { grid_dim: (x, y, z), block_dim: (tx, ty, tz), shared_mem_bytes: 0 };
    // SAFETY: as the caller says.
    unsafe { builder.launch(config) }.map_err(|error| wrong(error.to_string()))?;
    Ok(())
}

/// Where a tensor's values start, if there are `end` of them.
pub(super) fn address(storage: &CudaStorage, end: usize) -> Option<Address> {
    fn of<T: CudaDType + DeviceRepr>(storage: &CudaStorage, end: usize) -> Option<Address> {
        let slice = storage.as_cuda_slice::<T>().ok()?;
        (slice.len() >= end).then(|| slice.device_ptr(&storage.device.cuda_stream()).0)
    }
    match candle_core::backend::BackendStorage::dtype(storage) {
        DType::F32 => of::<f32>(storage, end),
        DType::F64 => of::<f64>(storage, end),
        DType::U32 => of::<u32>(storage, end),
        DType::U8 => of::<u8>(storage, end),
        _ => None,
    }
}

/// The same for values that are to be written, at the tensor's offset.
pub(super) fn address_mut(storage: &mut CudaStorage, layout: &Layout) -> Option<Address> {
    fn of<T: CudaDType + DeviceRepr>(storage: &mut CudaStorage, layout: &Layout) -> Option<Address> {
        let (start, end) = layout.contiguous_offsets()?;
        let stream = storage.device.cuda_stream();
        let slice = storage.as_cuda_slice_mut::<T>().ok()?;
        let first = (slice.len() >= end).then(|| slice.device_ptr_mut(&stream).0)?;
        Some(first + (start * size_of::<T>()) as Address)
    }
    match candle_core::backend::BackendStorage::dtype(storage) {
        DType::F32 => of::<f32>(storage, layout),
        DType::F64 => of::<f64>(storage, layout),
        DType::U32 => of::<u32>(storage, layout),
        _ => None,
    }
}
