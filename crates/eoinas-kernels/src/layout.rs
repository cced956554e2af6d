//! Between candle's usual channels-first layout and ours.

use candle_core::Tensor;

use crate::Workspace;
use crate::error::Result;
use crate::tensors::{image_dims, read};

/// `[n, c, h, w]` to `[n, h, w, c]`.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor of four dimensions.
pub fn nchw_to_nhwc(ws: &Workspace, x: &Tensor) -> Result<Tensor> {
    let (n, c, h, w) = image_dims("nchw_to_nhwc", "x", x)?;
    ws.tensor(transposed(ws, &read("nchw_to_nhwc", "x", x)?, c, h * w), (n, h, w, c))
}

/// `[n, h, w, c]` to `[n, c, h, w]`.
///
/// # Errors
/// A tensor that is not a contiguous f32 tensor of four dimensions.
pub fn nhwc_to_nchw(ws: &Workspace, x: &Tensor) -> Result<Tensor> {
    let (n, h, w, c) = image_dims("nhwc_to_nchw", "x", x)?;
    ws.tensor(transposed(ws, &read("nhwc_to_nchw", "x", x)?, h * w, c), (n, c, h, w))
}

/// Each `[rows, columns]` matrix of `x`, transposed.
fn transposed(ws: &Workspace, x: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mut out = ws.take(x.len());
    for (x, out) in x.chunks_exact(rows * columns).zip(out.chunks_exact_mut(rows * columns)) {
        for (j, out) in out.chunks_exact_mut(rows).enumerate() {
            for (out, &x) in out.iter_mut().zip(x.iter().skip(j).step_by(columns)) {
                *out = x;
            }
        }
    }
    out
}
