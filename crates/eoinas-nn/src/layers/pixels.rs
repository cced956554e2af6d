//! Rows and columns of an image: every so many, with zeros beyond the border, and the way back.

use candle_core::Tensor;

use crate::error::Result;

/// Where outputs of a window lie along the two sides of an image: at `start + stride * i` for `i` below `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Places {
    pub start: [isize; 2],
    pub count: [usize; 2],
    pub stride: usize,
}

impl Places {
    /// The pixels of `x`, `[n, h, w, c]`, at these places, 0 beyond the border: `[n, rows, columns, c]`. The result may share
    /// the memory of `x`.
    pub fn take(&self, x: &Tensor) -> Result<Tensor> {
        let rows = along(x, 1, self.start[0], self.count[0], self.stride)?;
        Ok(along(&rows, 2, self.start[1], self.count[1], self.stride)?.contiguous()?)
    }

    /// The gradient of `x`, an image of `size`, of that of [`Self::take`].
    pub fn give_back(&self, dy: &Tensor, size: [usize; 2]) -> Result<Tensor> {
        let rows = back_along(dy, 1, self.start[0], size[0], self.stride)?;
        Ok(back_along(&rows, 2, self.start[1], size[1], self.stride)?.contiguous()?)
    }
}

/// `count` slices from `start` on, `stride` apart.
fn along(x: &Tensor, dim: usize, start: isize, count: usize, stride: usize) -> Result<Tensor> {
    let end = start.saturating_add_unsigned(count * stride);
    let before = start.min(0).unsigned_abs();
    let after = end.saturating_sub_unsigned(x.dim(dim)?).max(0).unsigned_abs();
    let x = if before + after > 0 { x.pad_with_zeros(dim, before, after)? } else { x.clone() };
    let x = x.narrow(dim, start.saturating_add_unsigned(before).unsigned_abs(), count * stride)?;
    if stride == 1 {
        return Ok(x);
    }
    let mut dims = x.dims().to_vec();
    dims.splice(dim..=dim, [count, stride]);
    Ok(x.contiguous()?.reshape(dims)?.narrow(dim + 1, 0, 1)?.squeeze(dim + 1)?)
}

/// Its way back, to `size` slices.
fn back_along(dy: &Tensor, dim: usize, start: isize, size: usize, stride: usize) -> Result<Tensor> {
    let spread = if stride == 1 {
        dy.clone()
    } else {
        let mut dims = dy.dims().to_vec();
        let spread = dy.unsqueeze(dim + 1)?.pad_with_zeros(dim + 1, 0, stride - 1)?;
        if let Some(count) = dims.get_mut(dim) {
            *count *= stride;
        }
        spread.contiguous()?.reshape(dims)?
    };
    along(&spread, dim, start.saturating_neg(), size, 1)
}
