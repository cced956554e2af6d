//! Borrowing the values of CPU tensors as slices, to read and to write in place.

use std::cell::Cell;
use std::ops::Deref;

use candle_core::{CpuStorage, DType, Device, InplaceOp1, Layout, Storage, StorageRef, Tensor};

use crate::error::{KernelError, Result};
use crate::tensors::len;

/// The values of a contiguous f32 tensor, borrowed to read. Dereferences to a slice.
pub(crate) struct Values<'a> {
    guard: StorageRef<'a>,
    start: usize,
    end: usize,
}

impl Deref for Values<'_> {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // `read` has checked the kind of storage and the range, and the lock is held since.
        match &*self.guard {
            Storage::Cpu(CpuStorage::F32(values)) => values.get(self.start..self.end).unwrap_or(&[]),
            _ => &[],
        }
    }
}

impl Values<'_> {
    fn address(&self) -> usize {
        std::ptr::from_ref::<Storage>(&*self.guard) as usize
    }
}

/// Borrows a tensor's values to read.
///
/// # Errors
/// Not on the CPU, not contiguous f32, or emptied by [`crate::Workspace::recycle`].
pub(crate) fn read<'a>(kernel: &'static str, name: &'static str, tensor: &'a Tensor) -> Result<Values<'a>> {
    let layout_error = || KernelError::layout(kernel, name, tensor, DType::F32);
    let (guard, layout) = tensor.storage_and_layout();
    let (start, end) = layout.contiguous_offsets().ok_or_else(layout_error)?;
    // The offsets are of candle's count, which wraps around.
    if len(tensor.dims()) != Some(end - start) {
        return Err(KernelError::shape(kernel, name, tensor, "a shape that memory can hold"));
    }
    match &*guard {
        Storage::Cpu(CpuStorage::F32(values)) if values.len() >= end => {}
        Storage::Cpu(_) => return Err(layout_error()),
        _ => return Err(KernelError::device(kernel, name, tensor)),
    }
    Ok(Values { guard, start, end })
}

/// Borrows the values of several tensors, written in place by `body`, while `reads` stay borrowed to read.
///
/// # Errors
/// A tensor is not on the CPU, not contiguous f32, or shares its storage with another one of the call.
pub(crate) fn write<R>(
    kernel: &'static str,
    name: &'static str,
    tensors: &[&Tensor],
    reads: &[&Values<'_>],
    body: impl FnOnce(&mut [&mut [f32]]) -> Result<R>,
) -> Result<R> {
    // Locking the same storage twice would block for ever.
    let mut taken: Vec<usize> = reads.iter().map(|values| values.address()).collect();
    for tensor in tensors {
        let address = read(kernel, name, tensor)?.address();
        if taken.contains(&address) {
            return Err(KernelError::shared(kernel, name));
        }
        taken.push(address);
    }
    write_rest(kernel, name, tensors, Vec::with_capacity(tensors.len()), body)
}

fn write_rest<R, F>(
    kernel: &'static str,
    name: &'static str,
    tensors: &[&Tensor],
    mut open: Vec<&mut [f32]>,
    body: F,
) -> Result<R>
where
    F: FnOnce(&mut [&mut [f32]]) -> Result<R>,
{
    let Some((first, rest)) = tensors.split_first() else { return body(&mut open) };
    let layout_error = || KernelError::layout(kernel, name, first, DType::F32);
    let mut outcome = None;
    let step = Step(Cell::new(Some(|storage: &mut CpuStorage, layout: &Layout| {
        let values = match (storage, layout.contiguous_offsets()) {
            (CpuStorage::F32(values), Some((start, end))) => values.get_mut(start..end),
            _ => None,
        };
        outcome = Some(match values {
            Some(values) => {
                let mut open: Vec<&mut [f32]> = open;
                open.push(values);
                write_rest(kernel, name, rest, open, body)
            }
            None => Err(layout_error()),
        });
    })));
    first.inplace_op1(&step)?;
    drop(step);
    outcome.unwrap_or_else(|| Err(layout_error()))
}

/// An in-place op that runs a closure once.
struct Step<F>(Cell<Option<F>>);

impl<F: FnOnce(&mut CpuStorage, &Layout)> InplaceOp1 for Step<F> {
    fn name(&self) -> &'static str {
        "write"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        if let Some(body) = self.0.take() {
            body(storage, layout);
        }
        Ok(())
    }
}

/// A CPU tensor of per-channel numbers.
pub(crate) fn channels(values: impl IntoIterator<Item = f64>) -> Result<Tensor> {
    let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
    let c = values.len();
    Ok(Tensor::from_vec(values, c, &Device::Cpu)?)
}
