//! Tensors' shapes, checked, and tensors without content.

use candle_core::{DType, Device, Shape, Tensor};

use crate::error::{KernelError, Result};

/// Values of a tensor, if memory can hold them. candle's own count wraps around: its tensor of zeros may claim more.
pub(crate) fn len(dims: &[usize]) -> Option<usize> {
    const LIMIT: usize = isize::MAX as usize / size_of::<f32>();
    let len = dims.iter().try_fold(1, |len: usize, &dim| len.checked_mul(dim))?;
    (len <= LIMIT).then_some(len)
}

/// `[n, h, w, c]` of a tensor.
///
/// # Errors
/// The tensor has not four dimensions, or one of them is 0, or it claims more values than memory can hold.
pub(crate) fn image_dims(
    kernel: &'static str,
    name: &'static str,
    tensor: &Tensor,
) -> Result<(usize, usize, usize, usize)> {
    match *tensor.dims() {
        [n, h, w, c] if len(&[n, h, w, c]).is_some_and(|len| len > 0) => Ok((n, h, w, c)),
        _ => Err(KernelError::shape(kernel, name, tensor, "[n, h, w, c], none of them 0, that memory can hold")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_that_wraps_around_is_no_length() {
        assert_eq!((len(&[]), len(&[2, 3, 4]), len(&[5, 0])), (Some(1), Some(24), Some(0)));
        // 2^64 + 16, and the first number of values whose bytes are more than memory can have.
        assert_eq!((len(&[1, 1, 17, 1_085_102_592_571_150_096]), len(&[1 << 61])), (None, None));
        assert_eq!(len(&[(1 << 61) - 1]), Some((1 << 61) - 1));
    }
}
