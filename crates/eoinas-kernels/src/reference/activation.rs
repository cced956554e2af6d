//! What readers apply on the way in, and the way back through it.

use super::{Array, Real};

/// A BatchNorm as numbers per channel.
#[derive(Clone, Debug)]
pub struct NormValues<T> {
    /// Mean.
    pub mean: Vec<T>,
    /// `1 / sqrt(variance + eps)`.
    pub rstd: Vec<T>,
    /// Factor.
    pub scale: Vec<T>,
    /// Constant.
    pub shift: Vec<T>,
}

/// Joins arrays along their channels.
pub fn join<T: Real>(sources: &[Array<T>]) -> Array<T> {
    let [n, h, w, _] = sources.first().map_or([0; 4], |s| s.shape);
    let channels = sources.iter().map(|s| s.shape[3]).sum();
    let mut data = Vec::with_capacity(n * h * w * channels);
    for pixel in 0..n * h * w {
        for source in sources {
            let c = source.shape[3];
            data.extend_from_slice(&source.data[pixel * c..][..c]);
        }
    }
    Array { shape: [n, h, w, channels], data }
}

/// `relu(scale * x + shift)`, either part optional.
pub fn activate<T: Real>(x: &Array<T>, norm: Option<&NormValues<T>>, relu: bool) -> Array<T> {
    let channels = x.shape[3].max(1);
    let mut y = x.clone();
    for (i, value) in y.data.iter_mut().enumerate() {
        if let Some(norm) = norm {
            *value = norm.scale[i % channels] * *value + norm.shift[i % channels];
        }
        if relu && *value <= T::default() {
            *value = T::default();
        }
    }
    y
}

/// The gradient before the ReLU, and BatchNorm's two sums: of `dy` and of `dy * xhat`.
pub fn activate_backward<T: Real>(
    dy: &Array<T>,
    x: &Array<T>,
    norm: Option<&NormValues<T>>,
    relu: bool,
) -> (Array<T>, Vec<T>, Vec<T>) {
    let channels = x.shape[3].max(1);
    let y = activate(x, norm, false);
    let mut dx = dy.clone();
    let (mut sum, mut sum_xhat) = (vec![T::default(); channels], vec![T::default(); channels]);
    for (i, value) in dx.data.iter_mut().enumerate() {
        if relu && y.data[i] <= T::default() {
            *value = T::default();
        }
        sum[i % channels] += *value;
        if let Some(norm) = norm {
            sum_xhat[i % channels] += *value * (x.data[i] - norm.mean[i % channels]) * norm.rstd[i % channels];
        }
    }
    (dx, sum, sum_xhat)
}

/// The gradient at a raw output `z`: see [`crate::Gradient`]. `norm` is `z` with the coefficients `a`, `b`, `d`.
pub fn output_gradient<T: Real>(
    dy: &Array<T>,
    norm: Option<(&Array<T>, [&[T]; 3])>,
    gate: T,
    sample: Option<&[T]>,
) -> Array<T> {
    let [_, h, w, channels] = dy.shape;
    let mut dz = dy.clone();
    for (i, value) in dz.data.iter_mut().enumerate() {
        if let Some(sample) = sample {
            *value = *value * sample[i / (h * w * channels)];
        }
        *value = match norm {
            Some((z, [a, b, d])) => a[i % channels] * *value + b[i % channels] * z.data[i] + d[i % channels],
            None => gate * *value,
        };
    }
    dz
}

/// Mean and biased variance of each channel.
pub fn statistics<T: Real>(z: &Array<T>) -> (Vec<T>, Vec<T>) {
    let channels = z.shape[3];
    let count = T::from_f32((z.data.len() / channels.max(1)) as f32);
    let of_channel = |c: usize| z.data.iter().skip(c).step_by(channels);
    let mean: Vec<T> = (0..channels).map(|c| of_channel(c).copied().sum::<T>() / count).collect();
    let variance =
        (0..channels).map(|c| of_channel(c).map(|&x| (x - mean[c]) * (x - mean[c])).sum::<T>() / count).collect();
    (mean, variance)
}
