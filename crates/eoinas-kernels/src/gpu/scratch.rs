//! Memory of a device that launches use one after the other, so that it is not allocated for each.

use std::cell::RefCell;
use std::collections::HashMap;

use candle_core::{DType, Device, DeviceLocation, Tensor};

use super::device::Gpu;
use crate::error::Result;
use crate::tensors;

/// What a scratch is for. Two of different use hold their content side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Use {
    /// What blocks leave for the last one of the launch to add up.
    Parts,
    /// The gradient between the convolutions of a separable one, until the next one's.
    Between,
    /// Numbers that count the blocks which are done; 0 between launches.
    Counters,
}

/// Values that sizes are rounded up to, so that few are allocated anew.
const ROUND: usize = 1 << 16;

thread_local! {
    static SCRATCH: RefCell<HashMap<(DeviceLocation, Use), Tensor>> = RefCell::default();
}

impl Gpu {
    /// A tensor `[values]` over memory that nobody needs when the next one of this use is asked for. Its content is
    /// whatever a launch has left there.
    pub(super) fn scratch(&self, use_: Use, values: usize) -> Result<Tensor> {
        let device = self.device();
        let place = device.location();
        SCRATCH.with_borrow_mut(|all| {
            if let Some(tensor) = all.get(&(place, use_)).filter(|tensor| fits(tensor, &device, values)) {
                return Ok(tensor.narrow(0, 0, values)?);
            }
            // The old one first: launches that are on their way to it come before whatever takes its memory next.
            all.remove(&(place, use_));
            let size = values.next_multiple_of(ROUND);
            let tensor = match use_ {
                Use::Counters => Tensor::zeros(size, DType::U32, &device)?,
                Use::Parts | Use::Between => tensors::unwritten(size, DType::F32, &device)?,
            };
            all.insert((place, use_), tensor.clone());
            Ok(tensor.narrow(0, 0, values)?)
        })
    }
}

/// Whether a scratch has room for so many values, and is this device's: it may have been opened again.
fn fits(tensor: &Tensor, device: &Device, values: usize) -> bool {
    tensor.elem_count() >= values && tensor.device().same_device(device)
}
