//! Buffers that are used again instead of being allocated for every op.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use candle_core::{CpuStorage, DType, Device, InplaceOp1, Layout, Shape, Tensor, TensorId};

use crate::aligned::Aligned;
use crate::error::Result;
use crate::tensors;

/// A pool of f32 buffers, by length. Clones share the pool.
///
/// A fresh 4 MiB allocation costs its page faults every time, about as much as writing it; activations of a network
/// have the same sizes in every step, so they are handed back with [`Workspace::recycle`] and taken again.
///
/// It never holds more buffers of a length than were taken and not handed back at one time: others may be handed in, such
/// as the outputs of candle's own ops, but nobody would ever take them.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    buffers: Arc<Mutex<HashMap<usize, Buffers>>>,
    packed: Option<Arc<Mutex<Packed>>>,
}

/// Buffers of one length.
#[derive(Debug, Default)]
struct Buffers {
    idle: Vec<Vec<f32>>,
    /// How many were taken and not handed back.
    lent: usize,
}

/// Packed weights by the tensor that they come from, and rows and columns.
type Packed = HashMap<(TensorId, usize, usize), Arc<Aligned>>;

impl Workspace {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty pool for a network whose weights never change: convolutions bring each weight into the order in which
    /// they read it once, and not in every call. A weight that is changed in place all the same goes unnoticed.
    pub fn with_fixed_weights() -> Self {
        Self { packed: Some(Arc::default()), ..Self::default() }
    }

    /// A weight of `rows` x `width` values as forward kernels read it: each row filled up to whole vectors.
    pub(crate) fn pack(&self, tensor: &Tensor, values: &[f32], rows: usize, width: usize) -> Arc<Aligned> {
        let pack = || Arc::new(Aligned::rows(values, rows, width));
        match self.packed.as_ref().map(|packed| packed.lock()) {
            Some(Ok(mut packed)) => Arc::clone(packed.entry((tensor.id(), rows, width)).or_insert_with(pack)),
            _ => pack(),
        }
    }

    /// A buffer of `len` values, whose content is whatever it was last used for (zeros when new).
    pub fn take(&self, len: usize) -> Vec<f32> {
        let recycled = match self.buffers.lock() {
            Ok(mut buffers) => {
                let of_len = buffers.entry(len).or_default();
                of_len.lent += 1;
                of_len.idle.pop()
            }
            Err(_) => None,
        };
        recycled.unwrap_or_else(|| vec![0.0; len])
    }

    /// Hands a buffer back. It is freed where no buffer of its length is missing.
    pub fn give(&self, buffer: Vec<f32>) {
        let Ok(mut buffers) = self.buffers.lock() else { return };
        if let Some(of_len) = buffers.get_mut(&buffer.len()).filter(|of_len| of_len.lent > 0) {
            of_len.lent -= 1;
            of_len.idle.push(buffer);
        }
    }

    /// A tensor on `device` that holds nothing yet: somebody must write all of it.
    ///
    /// # Errors
    /// A device whose memory is full.
    pub fn unwritten(&self, shape: impl Into<Shape>, device: &Device) -> Result<Tensor> {
        let shape = shape.into();
        if device.is_cpu() {
            self.tensor(self.take(shape.elem_count()), shape)
        } else {
            tensors::unwritten(shape, DType::F32, device)
        }
    }

    /// A CPU tensor over a buffer.
    pub fn tensor(&self, buffer: Vec<f32>, shape: impl Into<Shape>) -> Result<Tensor> {
        Ok(Tensor::from_vec(buffer, shape.into(), &Device::Cpu)?)
    }

    /// Takes the buffer out of a CPU tensor that nobody will read again. Other clones of the tensor are left without
    /// content, so this is for the owner of a tensor alone. Tensors on other devices are just dropped.
    pub fn recycle(&self, tensor: Tensor) {
        if let Some(buffer) = take_buffer(&tensor) {
            self.give(buffer);
        }
    }

    /// How many values the buffers hold that are not in use: what [`Self::clear`] would free.
    pub fn idle_values(&self) -> usize {
        self.buffers.lock().map_or(0, |buffers| buffers.iter().map(|(len, of_len)| len * of_len.idle.len()).sum())
    }

    /// Frees all buffers that are not in use.
    pub fn clear(&self) {
        if let Ok(mut buffers) = self.buffers.lock() {
            buffers.values_mut().for_each(|of_len| of_len.idle.clear());
        }
    }
}

/// The buffer of a CPU tensor of f32, which is left without content; `None` of others, and of one whose storage is borrowed.
pub(crate) fn take_buffer(tensor: &Tensor) -> Option<Vec<f32>> {
    let taken = TakeBuffer::default();
    if tensor.device().is_cpu() && tensor.dtype() == DType::F32 {
        tensor.inplace_op1(&taken).ok()?;
    }
    taken.0.take()
}

#[derive(Default)]
struct TakeBuffer(Cell<Option<Vec<f32>>>);

impl InplaceOp1 for TakeBuffer {
    fn name(&self) -> &'static str {
        "take_buffer"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, _: &Layout) -> candle_core::Result<()> {
        if let CpuStorage::F32(buffer) = storage {
            self.0.set(Some(std::mem::take(buffer)));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_buffers_are_kept_than_were_in_use() {
        let ws = Workspace::new();
        // As an op of candle's does whose outputs are handed in.
        let foreign = |len: usize| ws.recycle(Tensor::ones(len, DType::F32, &Device::Cpu).unwrap());
        foreign(4);
        assert_eq!(ws.idle_values(), 0);
        let two = [ws.take(4), ws.take(4)];
        (0..5).for_each(|_| foreign(4));
        foreign(6);
        assert_eq!(ws.idle_values(), 8);
        two.into_iter().for_each(|buffer| ws.give(buffer));
        assert_eq!(ws.idle_values(), 8);
        // A buffer that is never handed back is replaced by one that is.
        drop(ws.take(4));
        foreign(4);
        assert_eq!((ws.idle_values(), ws.take(4)), (8, vec![1.0; 4]));
        ws.clear();
        assert_eq!((ws.idle_values(), ws.take(4)), (0, vec![0.0; 4]));
    }
}
