//! 3x3 pooling with padding 1.

use super::{Array, Real};

/// Pools with the largest value (`max`) or the mean of the window's pixels that lie inside the image.
pub fn pool<T: Real>(x: &Array<T>, max: bool, stride: usize) -> Array<T> {
    let [n, h, w, c] = x.shape;
    let mut out = Array::zeros([n, h.div_ceil(stride), w.div_ceil(stride), c]);
    let [_, oh, ow, _] = out.shape;
    for (n, i, j, c) in
        (0..n).flat_map(|n| (0..oh).flat_map(move |i| (0..ow).flat_map(move |j| (0..c).map(move |c| (n, i, j, c)))))
    {
        let (y, x0) = ((i * stride) as isize, (j * stride) as isize);
        let window = (y - 1..=y + 1).flat_map(|y| (x0 - 1..=x0 + 1).map(move |x| (y, x)));
        let values: Vec<T> =
            window.filter_map(|(y, x0)| x.index(n, y, x0, c)).filter_map(|at| x.data.get(at).copied()).collect();
        let pooled = if max {
            values.iter().copied().reduce(|a, b| if b > a { b } else { a }).unwrap_or_default()
        } else {
            values.iter().copied().sum::<T>() / T::from_f32(values.len() as f32)
        };
        out.add_at(n, i as isize, j as isize, c, pooled);
    }
    out
}
