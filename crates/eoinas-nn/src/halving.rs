//! 2x2 average pooling of stride 2, which the network needs twice at most: plain tensor operations do.

use candle_core::Tensor;

use crate::error::Result;

type Shape4 = (usize, usize, usize, usize);

/// Averages of 2x2 pixels; on odd sizes the last ones of fewer, so that the output is `ceil(size / 2)` high and wide.
pub(crate) fn average_2x2(x: &Tensor) -> Result<Tensor> {
    let (n, h, w, c) = x.dims4()?;
    let sums = x.pad_with_zeros(1, 0, h % 2)?.pad_with_zeros(2, 0, w % 2)?;
    let sums = sums.reshape((n, h.div_ceil(2), 2, w.div_ceil(2), 2, c))?.sum(4)?.sum(2)?;
    Ok(sums.broadcast_mul(&shares(x, (n, h, w, c))?)?.contiguous()?)
}

/// The gradient of the input of that shape.
pub(crate) fn average_2x2_backward(dy: &Tensor, shape: Shape4) -> Result<Tensor> {
    let (n, h, w, c) = shape;
    let (rows, columns) = (h.div_ceil(2), w.div_ceil(2));
    let each = dy.broadcast_mul(&shares(dy, shape)?)?.reshape((n, rows, 1, columns, 1, c))?;
    let all = each.broadcast_as((n, rows, 2, columns, 2, c))?.contiguous()?.reshape((n, 2 * rows, 2 * columns, c))?;
    Ok(all.narrow(1, 0, h)?.narrow(2, 0, w)?.contiguous()?)
}

/// One over the number of real pixels of each window, `[1, rows, columns, 1]`.
fn shares(like: &Tensor, (_, h, w, _): Shape4) -> Result<Tensor> {
    let along = |size: usize, at: usize| if 2 * at + 1 < size { 0.5f32 } else { 1.0 };
    let (rows, columns) = (h.div_ceil(2), w.div_ceil(2));
    let values: Vec<f32> =
        (0..rows).flat_map(|row| (0..columns).map(move |column| along(h, row) * along(w, column))).collect();
    Ok(Tensor::from_vec(values, (1, rows, columns, 1), like.device())?)
}
