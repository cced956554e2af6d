//! Tensors' shapes, checked, and tensors without content.

use candle_core::{DType, Device, Shape, Tensor};

use crate::error::{KernelError, Result};

/// `[n, h, w, c]` of a tensor.
///
/// # Errors
/// The tensor has not four dimensions, or one of them is 0.
pub(crate) fn image_dims(
    kernel: &'static str,
    name: &'static str,
    tensor: &Tensor,
) -> Result<(usize, usize, usize, usize)> {
    match *tensor.dims() {
        [n, h, w, c] if n * h * w * c > 0 => Ok((n, h, w, c)),
        _ => Err(KernelError::shape(kernel, name, tensor, "[n, h, w, c], none of them 0")),
    }
}

/// Checks a tensor's shape.
///
/// # Errors
/// It has another one.
pub(crate) fn expect_dims(kernel: &'static str, name: &'static str, tensor: &Tensor, dims: &[usize]) -> Result<()> {
    if tensor.dims() == dims { Ok(()) } else { Err(KernelError::shape(kernel, name, tensor, format!("{dims:?}"))) }
}

/// A tensor on this device whose content is undefined: somebody must write all of it.
///
/// # Errors
/// A device whose memory is full.
pub(crate) fn unwritten(shape: impl Into<Shape>, dtype: DType, device: &Device) -> Result<Tensor> {
    let shape = shape.into();
    let bytes = shape.elem_count() * dtype.size_in_bytes();
    // SAFETY: every bit pattern is a float, and no kernel of this crate reads a tensor before one has written it.
    unsafe { Tensor::empty(shape, dtype, device) }.map_err(|error| KernelError::from_device(error, bytes))
}
